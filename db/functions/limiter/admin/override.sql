-- Puts an operator's numbers in force until they are taken back (nulls), or for so many milliseconds: then the sweep does it.
create or replace function sluice.limit_override(p_key text, p_max float8, p_rate float8, p_for_ms float8) returns boolean language plpgsql volatile set search_path = pg_catalog as $$
declare
  r sluice.limit_bucket;
  v_max float8;
  v_rate float8;
begin
  select * into r from sluice.limit_bucket b where b.key = p_key for no key update;
  if not found then
    return false;
  end if;
  r := sluice.limit_advance(r, sluice.limit_clock_us(), sluice.limit_generation());
  v_max := r.max;
  v_rate := r.rate;
  r.override_max := p_max;
  r.override_rate := p_rate;
  r := sluice.limit_in_force(r);
  update sluice.limit_bucket b set
    override_max = p_max, override_rate = p_rate,
    override_until = case when p_max is not null or p_rate is not null then clock_timestamp() + p_for_ms * interval '1 millisecond' end,
    max = r.max, rate = r.rate, burst = r.burst, tokens = 0, paced_us = r.last_us, hold = r.hold and p_rate is null,
    tail = r.tail, used = r.used, ring = r.ring, filling = r.filling, ev_waited_us = r.ev_waited_us, last_us = r.last_us, generation = r.generation,
    granted = r.granted
    where b.id = r.id;
  insert into sluice.limit_event (bucket_id, type, detail)
    values (r.id, 'overridden', jsonb_build_object('max', p_max, 'ratePerSecond', p_rate, 'before', v_max, 'rateBefore', v_rate, 'forMs', p_for_ms));
  return true;
end $$;
