-- Ends a node. Its state follows from its lists, and from the share of them that may be skipped. A root's own list may not fail; those
-- below rows of a tree are judged by their share. Asked again, it changes nothing.
-- Returns false when there is no such node.
create or replace function sluice.finish_node(for_run uuid, for_node text, max_skipped_share float8)
returns boolean language plpgsql set search_path = pg_catalog as $$
declare
  n sluice.node;
  lists int;
  bad int;
begin
  select * into n from sluice.node x where x.run_id = for_run and x.name = for_node for no key update;
  if not found then
    return false;
  end if;
  lists := n.done + n.failed + n.skipped;
  bad := n.failed + n.skipped;
  update sluice.node x set state = case
      when n.parent is null and n.failed > 0 and exists (select 1 from sluice.unit u where u.run_id = for_run and u.node = for_node
        and u.parent_record is null and u.end_kind = 'failed') then 'failed'
      when bad > 0 and bad::float8 / lists > max_skipped_share and (n.parent is not null
        or exists (select 1 from sluice.unit u where u.run_id = for_run and u.node = for_node and u.parent_record is not null)) then 'failed'
      when lists > 0 and n.done = 0 and bad > 0 then 'skipped'
      when n.flawed > 0 or n.waiting + n.running > 0 then 'incomplete'
      else 'done' end
    where x.run_id = for_run and x.name = for_node and x.state in ('waiting', 'running');
  return true;
end $$;
