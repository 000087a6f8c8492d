-- A parent whose row has not changed does not come again, and so neither would what is below it, where an earlier run left
-- that unread. The next run takes such lists over: the run before it owes them. A run that has taken over what the ones before
-- it owed has units of its own for all of that, so nobody needs to look behind it.

-- The list of the runs before that is being taken over, how far, and whether all of it has been.
alter table sluice.node add column owed_run uuid;
alter table sluice.node add column owed_to bigint;
alter table sluice.node add column owed_taken boolean not null default false;

-- The next lists of a node that earlier runs of the sync and account owe to this one, with their parents' rows: the newest run
-- that has the list has not read it to an end. `failed`, `truncated`, `looped` and lists that never ended are owed; what was
-- `skipped` or is `capped` has got its answer. Parents that are gone, or are marked as deleted, owe nothing.
-- Reads up to `room` units of one run, by the indexes unit_unended and unit_flawed, newest run first, at most 1,000 runs back.
-- Returns { run, upto, lists: [{ key, record, data }] }, or null when nothing is left, and for a retry, which takes nothing
-- over: it reads the lists of the run that it retries.
create function sluice.owed_lists(for_run uuid, for_node text, room int) returns jsonb language plpgsql as $$
declare
  this sluice.run;
  n sluice.node;
  parent_resource text;
  runs uuid[] := '{}';
  at_run int;
  behind bigint;
  reached bigint;
  lists jsonb;
  r record;
begin
  select * into this from sluice.run x where x.id = for_run;
  select * into n from sluice.node x where x.run_id = for_run and x.name = for_node;
  if this.retry_of <> '{}' or n.owed_taken is not false then
    return null;
  end if;
  select p.resource into parent_resource from sluice.node p where p.run_id = for_run and p.name = n.parent;

  for r in select x.id, (select m.owed_taken from sluice.node m where m.run_id = x.id and m.name = for_node) as is_last
    from sluice.run x where x.account = this.account and x.sync = this.sync and x.started_at < this.started_at
    order by x.started_at desc limit 1000
  loop
    runs := runs || r.id;
    exit when r.is_last;
  end loop;

  at_run := case when n.owed_run is null then 1 else array_position(runs, n.owed_run) end;
  behind := coalesce(n.owed_to, 0);
  while at_run <= cardinality(runs) loop
    with unread as materialized (
      (select u.id, u.parent_key, u.parent_record from sluice.unit u
       where u.run_id = runs[at_run] and u.node = for_node and u.end_kind is null and u.id > behind
       order by u.id limit room)
      union all
      (select u.id, u.parent_key, u.parent_record from sluice.unit u
       where u.run_id = runs[at_run] and u.node = for_node and u.end_kind <> 'complete'
         and u.end_kind in ('failed', 'truncated', 'looped') and u.id > behind
       order by u.id limit room)
      order by id limit room
    ), owed as (
      select distinct on (l.parent_key) l.parent_key, l.parent_record from unread l
      where not exists (
        select 1 from unnest(runs[1:at_run - 1]) newer (id) cross join lateral (
          select 1 from sluice.unit o
          where o.run_id = newer.id and o.node = for_node and o.parent_key = l.parent_key limit 1
        ) o)
      order by l.parent_key
    )
    select (select max(l.id) from unread l), (
      select coalesce(jsonb_agg(jsonb_build_object('key', o.parent_key, 'record', o.parent_record, 'data', p.data)), '[]')
      -- Row by row: where statistics are old, a join is planned as a scan of all that the account has.
      from owed o cross join lateral (
        select t.data from sluice.record t where t.account = this.account and t.resource = parent_resource
          and t.key = o.parent_record and t.deleted_at is null limit 1
      ) p
    ) into reached, lists;
    if reached is not null then
      return jsonb_build_object('run', runs[at_run], 'upto', reached, 'lists', lists);
    end if;
    at_run := at_run + 1;
    behind := 0;
  end loop;
  return null;
end $$;

-- Takes such lists over: `lists` is [[key, record]], `of_run` and `upto` as they were told. Null for both: all has been taken.
-- Locks: units by key, the node.
create function sluice.take_over(for_run uuid, for_node text, lists jsonb, of_run uuid, upto bigint) returns void
language plpgsql as $$
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
