-- Up to `room` units of a node that are open and not already in the asking workflow's hands. When there are fewer, the
-- node is marked as wanting more under its row lock, so that a page which adds one afterwards knows that it must wake it.
create or replace function sluice.next_units(for_run uuid, for_node text, in_hand bigint[], room int)
returns table (id bigint, parent_key text, part text, lane smallint) language plpgsql set search_path = pg_catalog as $$
declare
  picked bigint[];
  begun int;
begin
  perform 1 from sluice.node n where n.run_id = for_run and n.name = for_node for no key update;
  select array_agg(o.id order by o.id) into picked from (
    select x.id from sluice.unit x
    where x.run_id = for_run and x.node = for_node and x.end_kind is null and x.id <> all (in_hand)
    order by x.id limit room
  ) o;
  update sluice.unit x set state = 'running' where x.id = any (picked) and x.state = 'waiting';
  get diagnostics begun = row_count;
  update sluice.node n set
    wants_more = coalesce(cardinality(picked), 0) < room,
    state = case when n.state = 'waiting' and picked is not null then 'running' else n.state end,
    waiting = n.waiting - begun, running = n.running + begun
    where n.run_id = for_run and n.name = for_node
      and (begun > 0 or n.wants_more <> (coalesce(cardinality(picked), 0) < room));
  return query select x.id, x.parent_key, x.part, x.lane from sluice.unit x where x.id = any (picked) order by x.id;
end $$;
