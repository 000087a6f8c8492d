-- The next lists of a node that earlier runs of the sync and account owe to this one, with their parents' rows. A list is owed
-- when the newest run that has it has not read it to an end. `failed`, `truncated`, `looped` and lists that never ended are owed;
-- what was `skipped` or is `capped` has got its answer. Parents that are gone, or are marked as deleted, owe nothing.
-- Reads up to `room` units of one run, by the indexes unit_unended and unit_flawed, newest run first, at most 1,000 runs back.
-- Returns { run, upto, lists: [{ key, record, data }] }, or null when nothing is left. It is also null for a retry of a run that
-- has taken all of it over: the retry reads the lists of that run.
create or replace function sluice.owed_lists(for_run uuid, for_node text, room int) returns jsonb language plpgsql set search_path = pg_catalog as $$
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
  if n.owed_taken is not false
     or exists (select 1 from sluice.node m where m.run_id = any (this.retry_of) and m.name = for_node and m.owed_taken) then
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
