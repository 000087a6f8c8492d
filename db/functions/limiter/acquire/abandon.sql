-- Gives a call's places up.
create or replace function sluice.limit_abandon(p_keys text[]) returns void language plpgsql volatile set search_path = pg_catalog as $$
begin
  perform from sluice.limit_bucket b
    where b.id in (select t.bucket_id from sluice.limit_ticket t where t.call_key = any (p_keys)) order by b.id for no key update;
  with gone as (
    delete from sluice.limit_ticket t where t.call_key = any (p_keys) returning t.bucket_id, t.cost
  ), summed as (
    select bucket_id, count(*) tickets, sum(cost) cost from gone group by bucket_id
  )
  update sluice.limit_bucket b set queue_len = greatest(0, b.queue_len - summed.tickets),
    queue_cost = case when b.queue_len <= summed.tickets then 0 else greatest(0, b.queue_cost - summed.cost) end
    from summed where b.id = summed.bucket_id;
end $$;
