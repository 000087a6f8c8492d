-- Up to `room` units of a node that are open and not in the asking workflow's hands. Locks units by id, then the node, as
-- commit_page does.
create or replace function sluice.next_units(for_run uuid, for_node text, in_hand bigint[], room int)
returns table (id bigint, parent_key text, part text, lane smallint) language plpgsql set search_path = pg_catalog as $$
declare
  picked bigint[];
  begun int;
begin
  select array_agg(o.id order by o.id) into picked from (
    select x.id from sluice.unit x
    where x.run_id = for_run and x.node = for_node and x.end_kind is null and x.id <> all (in_hand)
    order by x.id limit room
  ) o;
  with idle as (
    select x.id from sluice.unit x where x.id = any (picked) and x.state = 'waiting' order by x.id for no key update
  )
  update sluice.unit x set state = 'running' from idle where x.id = idle.id and x.state = 'waiting';
  get diagnostics begun = row_count;
  if begun > 0 then
    update sluice.node n set
      state = case when n.state = 'waiting' then 'running' else n.state end,
      waiting = n.waiting - begun, running = n.running + begun
      where n.run_id = for_run and n.name = for_node;
  end if;
  return query select x.id, x.parent_key, x.part, x.lane from sluice.unit x where x.id = any (picked) order by x.id;
end $$;
