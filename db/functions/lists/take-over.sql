-- Takes such lists over: `lists` is [[key, record]], `of_run` and `upto` as they were told. Null for both: all has been taken.
-- Locks: units by key, the node.
create or replace function sluice.take_over(for_run uuid, for_node text, lists jsonb, of_run uuid, upto bigint) returns void
language plpgsql set search_path = pg_catalog as $$
declare
  added int;
begin
  insert into sluice.unit (run_id, node, parent_key, parent_record)
  select for_run, for_node, l.key, l.rec
  from (select distinct on (e->>0) e->>0 as key, e->>1 as rec from jsonb_array_elements(lists) e order by e->>0) l
  order by l.key
  on conflict (run_id, node, parent_key, part, lane) do nothing;
  get diagnostics added = row_count;
  update sluice.node n set waiting = n.waiting + added, owed_run = of_run, owed_to = upto,
    owed_taken = n.owed_taken or of_run is null
    where n.run_id = for_run and n.name = for_node;
end $$;
