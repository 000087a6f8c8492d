-- Writes the steps of several laws, in id order. Returns the ids of those that another worker stepped first.
create or replace function sluice.limit_law_write_all(p_steps json) returns bigint[] language plpgsql volatile set search_path = pg_catalog as $$
declare
  s record;
  v_lost bigint[] := '{}';
begin
  for s in
    select * from json_to_recordset(p_steps) as step (
      id bigint, version int, law jsonb, "atMs" float8, rate float8, burst float8, hold boolean, "probeMs" float8, epoch int,
      max float8, "winUs" bigint, "guardUs" bigint, "slotUs" bigint, slots int, "slotsAhead" int, ok int, fresh int, refused int, failed int,
      stale int, "waitedUs" bigint, granted float8, event text)
     order by id
  loop
    if not sluice.limit_law_write(s.id, s.version, s.law, s."atMs", s.rate, s.burst, s.hold, s."probeMs", s.epoch, s.max,
      s."winUs", s."guardUs", s."slotUs", s.slots, s."slotsAhead", s.ok, s.fresh, s.refused, s.failed, s.stale, s."waitedUs", s.granted, s.event)
    then
      v_lost := v_lost || s.id;
    end if;
  end loop;
  -- A step that is lost in a crash is made again: the next refusal is of the same epoch.
  perform set_config('synchronous_commit', 'off', true);
  return v_lost;
end $$;
