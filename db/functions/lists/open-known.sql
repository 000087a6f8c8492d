-- Gives rows of earlier runs to a node's children, whose own lists may have changed though the rows have not. `children` is
-- [[node, key, record]], as in commit_page, where a retry leaves out the same; `upto` is the last row that was looked at. Locks: units by
-- (node, key), nodes.
create or replace function sluice.open_known(for_run uuid, for_node text, children jsonb, upto text) returns void language plpgsql set search_path = pg_catalog as $$
declare
  retry_of uuid[] := (select x.retry_of from sluice.run x where x.id = for_run);
  r record;
begin
  for r in
    with inserted as (
      insert into sluice.unit (run_id, node, parent_key, parent_record)
      select for_run, c.node, c.key, c.rec
      from (select distinct on (e->>0, e->>1) e->>0 as node, e->>1 as key, e->>2 as rec
            from jsonb_array_elements(children) e order by e->>0, e->>1) c
      where retry_of = '{}' or not exists (
        select 1 from sluice.unit o where o.run_id = any (retry_of) and o.node = c.node and o.parent_key = c.key
          and o.part = '' and o.lane = 0 and o.end_kind = 'complete')
      order by c.node, c.key
      on conflict (run_id, node, parent_key, part, lane) do nothing
      returning node
    ) select i.node, count(*)::int as added from inserted i join sluice.node n on n.run_id = for_run and n.name = i.node
    group by i.node, n.ordinal order by n.ordinal
  loop
    update sluice.node n set waiting = n.waiting + r.added where n.run_id = for_run and n.name = r.node;
  end loop;
  update sluice.node n set opened_to = greatest(n.opened_to, upto) where n.run_id = for_run and n.name = for_node;
end $$;
