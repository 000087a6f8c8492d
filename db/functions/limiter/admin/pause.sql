-- Pauses one key, or with a pattern that ends in /* everything below it, also keys that turn up later. p_gate_id is the
-- id of the pattern's own row. Locks the rows in id order. Returns how many keys it holds for.
create or replace function sluice.limit_pause(p_pattern text, p_gate_id bigint, p_reason text) returns int language plpgsql volatile set search_path = pg_catalog as $$
declare
  v_ids bigint[];
begin
  if right(p_pattern, 2) = '/*' then
    insert into sluice.limit_bucket (id, key, kind, spec) values (p_gate_id, p_pattern, 'gate', '{}') on conflict do nothing;
  end if;
  v_ids := array(
    select b.id from sluice.limit_bucket b
     where b.key = p_pattern or (right(p_pattern, 2) = '/*' and starts_with(b.key, left(p_pattern, -1)))
     order by b.id for no key update);
  update sluice.limit_bucket b set paused_at = clock_timestamp(), paused_reason = p_reason
    where b.id = any (v_ids) and b.paused_at is null;
  insert into sluice.limit_event (bucket_id, type, detail)
    select b.id, 'paused', jsonb_build_object('reason', p_reason) from sluice.limit_bucket b
     where b.id = any (v_ids) and (b.kind = 'gate' or cardinality(v_ids) = 1);
  return cardinality(v_ids);
end $$;
