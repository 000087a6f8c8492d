-- Writes the steps of several known limits, in id order. Returns the ids of those that another worker stepped first.
create or replace function sluice.limit_refusals_write_all(p_steps json) returns bigint[] language plpgsql volatile set search_path = pg_catalog as $$
declare
  s record;
  v_lost bigint[] := '{}';
  v_blocks boolean := false;
begin
  for s in
    select * from json_to_recordset(p_steps) as step (id bigint, version int, law jsonb, "blockMs" float8,
      "dueMs" float8, fresh int, refused int, stale int, sent float8, event text)
     order by id
  loop
    if not sluice.limit_refusals_write(s.id, s.version, s.law, s."blockMs", s."dueMs", s.fresh, s.refused, s.stale,
      s.sent, s.event)
    then
      v_lost := v_lost || s.id;
    end if;
    v_blocks := v_blocks or s."blockMs" is not null;
  end loop;
  if not v_blocks then
    perform set_config('synchronous_commit', 'off', true);
  end if;
  return v_lost;
end $$;
