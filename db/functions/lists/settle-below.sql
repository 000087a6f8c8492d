-- Marks as deleted what a tree has below rows that are gone, or have nothing below them any more. Such lists were not asked for,
-- so none of them says it. Up to `room` rows a call, from the top down. A list stays as it is where its parent's row did not
-- come, since the list that has that row could not be read. A retry reads but a part of the tree, and judges only by rows that
-- are deleted.
-- Locks: members, records by key. Returns the number of rows taken out of lists: none means that all is settled.
create or replace function sluice.settle_below(for_run uuid, for_node text, room int) returns int
language plpgsql set search_path = pg_catalog as $$
declare
  r sluice.run;
  of_resource text;
  gone text[];
begin
  select * into r from sluice.run x where x.id = for_run;
  select n.resource into of_resource from sluice.node n where n.run_id = for_run and n.name = for_node;
  with lost as (
    select m.parent_key, m.key from sluice.member m
    join sluice.record t on t.account = m.account and t.resource = m.resource and t.key = substr(m.parent_key, 2)
    where m.account = r.account and m.resource = of_resource and left(m.parent_key, 1) = '/'
      and (t.deleted_at is not null or (t.run_id = for_run and r.retry_of = '{}'
        and not exists (select 1 from sluice.unit u where u.run_id = for_run and u.node = for_node and u.parent_key = m.parent_key)))
    limit room
  ), taken as (
    delete from sluice.member m using lost l
    where m.account = r.account and m.resource = of_resource and m.parent_key = l.parent_key and m.key = l.key
    returning m.key
  ) select coalesce(array_agg(key), '{}') into gone from taken;
  if gone <> '{}' then
    perform sluice.delete_unlisted(r.account, of_resource, gone);
  end if;
  return cardinality(gone);
end $$;
