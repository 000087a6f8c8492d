-- Takes a pause or a refusal off one key, or with a pattern that ends in /* off everything below it. Locks the rows in id order.
-- Returns how many keys it changed.
create or replace function sluice.limit_resume(p_pattern text) returns int language plpgsql volatile set search_path = pg_catalog as $$
declare
  v_ids bigint[] := array(
    select b.id from sluice.limit_bucket b
     where (b.key = p_pattern or (right(p_pattern, 2) = '/*' and starts_with(b.key, left(p_pattern, -1))))
       and (b.paused_at is not null or b.blocked_us > b.last_us)
     order by b.id for no key update);
begin
  update sluice.limit_bucket b set paused_at = null, paused_reason = null, blocked_us = 0 where b.id = any (v_ids);
  insert into sluice.limit_event (bucket_id, type) select unnest(v_ids), 'resumed';
  return cardinality(v_ids);
end $$;
