-- Settles up to `room` lists of a node that has ended, in the order of their parent keys. A list that was read to its end is
-- known from then on. Known are how many rows it has, its watermark, and the state that it is asked with. One that was read from
-- its beginning has these set anew, and, with `marks_deletions`, its rows that were not seen are marked as deleted. A list of
-- another end does nothing of this. One that is flawed deletes nothing, and moves its watermark, unless what it misses must be
-- asked for again. It leaves no validators, and no checkpoint where rows of it were not seen: whether they are gone would never
-- be asked again. One without a page was carried over from the run that is retried, and says nothing new.
-- One that was asked for what has changed may have rows in quarantine that earlier runs set aside and that did not come again
-- since. It is `flawed` by them. A whole reading takes those out that it has not set aside itself.
-- A row that a whole list lacks may have moved into a list that could not be read, or that the run which is retried had read
-- before. So where a list of the node, or one above it, has failed or is not read again, such rows stay, and stay members. A
-- later whole reading judges them. The list leaves no validators and no checkpoint then either.
-- Rows that were stored while the node did not look for deletions are members of no list. Of these, the first whole reading since
-- finds those that the list has brought last, and nobody has any more. It does so in a run that has read all lists of the node.
-- A list whose state was reset while its run was going on has no watermark afterwards: the next run reads it from its beginning.
-- A list that had rows (db/functions/lists/had-rows.sql) and comes back entirely empty is more likely an error of the third party.
-- It ends as `truncated`, and its rows are kept, unless `allows_empty`.
-- Locks: the node, lists by parent key, units, members, records by key, rows in quarantine.
-- Returns the number of lists looked at: fewer than `room` means that all are settled.
create or replace function sluice.settle_lists(for_run uuid, for_node text, marks_deletions boolean, allows_empty boolean, room int)
returns int language plpgsql set search_path = pg_catalog as $$
declare
  n sluice.node;
  this sluice.run;
  of_account text;
  began_at timestamptz;
  in_fleet uuid;
  retried uuid[];
  picked text[];
  gone text[];
  emptied text[] := '{}';
  lacking text[] := '{}';
  unlisted text[] := '{}';
  has_all boolean;
  holds boolean := false;
  lists jsonb;
begin
  select * into n from sluice.node x where x.run_id = for_run and x.name = for_node for no key update;
  select * into this from sluice.run where id = for_run;
  of_account := this.account;
  began_at := this.started_at;
  in_fleet := this.fleet_id;
  retried := this.retry_of;
  select array_agg(k.parent_key order by k.parent_key) into picked from (
    select distinct x.parent_key from sluice.unit x
    where x.run_id = for_run and x.node = for_node and (n.settled_to is null or x.parent_key > n.settled_to)
    order by x.parent_key limit room
  ) k;
  if picked is null then
    return 0;
  end if;

  -- Before they are read: a reset comes wholly before or wholly after this.
  perform 1 from sluice.list k where k.account = of_account and k.resource = n.resource and k.parent_key = any (picked)
    order by k.parent_key for update;

  select coalesce(jsonb_agg(l), '[]') into lists from (
    select x.parent_key, min(x.opened_at) as opened_at, sum(x.rows) as rows, bool_or(x.since is not null) as is_partial,
      bool_and(x.end_kind = 'complete') as is_whole,
      (jsonb_agg(x.kept) filter (where x.part = '' and x.lane = 0))->0 as kept,
      coalesce(to_jsonb(max((x.watermark #>> '{}')::numeric) filter (where jsonb_typeof(x.watermark) = 'number')),
               to_jsonb((array_agg(x.watermark #>> '{}' order by length(x.watermark #>> '{}') desc, (x.watermark #>> '{}') collate "C" desc)
                 filter (where jsonb_typeof(x.watermark) = 'string'))[1])) as watermark
    from sluice.unit x where x.run_id = for_run and x.node = for_node and x.parent_key = any (picked)
    group by x.parent_key
    having bool_and(x.state = 'done' and (x.end_kind = 'complete' or (x.end_kind = 'flawed' and not x.flaws_hold and x.pages > 0)))
  ) l;

  if not allows_empty then
    with emptied_list as (
      select l.parent_key, had.kept
      from jsonb_to_recordset(lists) as l (parent_key text, rows bigint, is_partial boolean)
      cross join lateral (select sluice.had_rows(this, for_node, n.resource, l.parent_key) as kept) had
      where l.rows = 0 and not l.is_partial and had.kept > 0
    ), marked as (
      update sluice.unit x set end_kind = 'truncated', reason = format('empty answer: %s rows kept', l.kept)
      from emptied_list l where x.run_id = for_run and x.node = for_node and x.parent_key = l.parent_key
        and x.part = '' and x.lane = 0
      returning x.parent_key
    ) select coalesce(array_agg(parent_key), '{}') into emptied from marked;
  end if;

  if exists (select 1 from sluice.quarantine q where q.account = of_account and q.resource = n.resource) then
    with still_aside as (
      select l.parent_key, count(*) as n, min(q.name) as first
      from jsonb_to_recordset(lists) as l (parent_key text, is_partial boolean, is_whole boolean)
      join sluice.quarantine q on q.account = of_account and q.resource = n.resource and q.parent_key = l.parent_key
      where l.is_partial and l.is_whole and not exists (
        select 1 from sluice.record r where r.account = q.account and r.resource = q.resource and r.key = q.name
          and r.last_seen_at > q.last_seen_at)
      group by l.parent_key
    ), marked as (
      update sluice.unit x set end_kind = 'flawed',
        reason = format('%s rows that did not fit in earlier runs are still in quarantine, the first "%s"', a.n, left(a.first, 80))
      from still_aside a where x.run_id = for_run and x.node = for_node and x.parent_key = a.parent_key and x.part = '' and x.lane = 0
      returning x.parent_key
    ) select coalesce(array_agg(parent_key), '{}') into lacking from marked;
    delete from sluice.quarantine q using jsonb_to_recordset(lists) as l (parent_key text, is_partial boolean)
      where q.account = of_account and q.resource = n.resource and q.parent_key = l.parent_key and not l.is_partial
        and l.parent_key <> all (emptied) and q.run_id <> for_run and q.run_id is distinct from in_fleet;
  end if;

  if marks_deletions then
    holds := exists (
      with recursive up (name) as (
        select for_node
        union select x.parent from up join sluice.node x on x.run_id = for_run and x.name = up.name where x.parent is not null
      ) select 1 from up join sluice.unit x on x.node = up.name and (x.run_id = for_run and x.end_kind = 'failed'
        or x.run_id = any (retried) and x.end_kind = 'complete' and not exists (
          select 1 from sluice.unit y where y.run_id = for_run and y.node = x.node and y.parent_key = x.parent_key)));
    with unseen as (
      delete from sluice.member m using jsonb_to_recordset(lists) as l (parent_key text, is_partial boolean, is_whole boolean)
      where not holds and m.account = of_account and m.resource = n.resource and m.parent_key = l.parent_key and not l.is_partial
        and l.is_whole and l.parent_key <> all (emptied) and m.run_id <> for_run and m.run_id is distinct from in_fleet
      returning m.key
    ) select array_agg(distinct key) into gone from unseen;
    if gone is not null then
      perform sluice.delete_unlisted(of_account, n.resource, gone);
    end if;
    select array_agg(k.parent_key) into unlisted
      from jsonb_to_recordset(lists) as l (parent_key text, is_partial boolean, is_whole boolean)
      join sluice.list k on k.account = of_account and k.resource = n.resource and k.parent_key = l.parent_key
      where not l.is_partial and l.is_whole and l.parent_key <> all (emptied) and not k.is_listed;
    has_all := unlisted is null or (not holds and not exists (
      select 1 from sluice.unit x where x.run_id = for_run and x.node = for_node and x.end_kind is distinct from 'complete'));
    if unlisted is not null and has_all then
      select array_agg(t.key) into gone from sluice.record t
        left join sluice.unit x on x.id = t.unit_id
        where t.account = of_account and t.resource = n.resource and t.deleted_at is null and t.run_id <> for_run
          and t.run_id is distinct from in_fleet and (x.parent_key = any (unlisted) or (x.id is null and n.parent is null
            and not exists (select 1 from sluice.list k where k.account = of_account and k.resource = n.resource and k.parent_key <> all (unlisted))));
      if gone is not null then
        perform sluice.delete_unlisted(of_account, n.resource, gone);
      end if;
    end if;
  end if;

  -- What was asked for from a watermark on adds to what is known; what was read from its beginning takes its place.
  insert into sluice.list as k (account, resource, parent_key, rows, watermark, kept, run_id, read_at, opened_at, is_listed)
  select of_account, n.resource, l.parent_key, case when l.is_partial then greatest(l.rows, known.rows) else l.rows end,
    case when known.reset_at > began_at then null
      else coalesce(nullif(l.watermark, 'null'), case when l.is_partial then known.watermark end) end,
    case when known.reset_at > began_at then null
      else nullif(coalesce(case when l.is_partial then known.kept end, '{}')
        || coalesce(nullif(l.kept, 'null'), '{}') - case when l.is_whole and not holds then '{}' when not l.is_partial and marks_deletions and exists (
          select 1 from sluice.member m where m.account = of_account and m.resource = n.resource and m.parent_key = l.parent_key
            and m.run_id <> for_run and m.run_id is distinct from in_fleet) then '{etag,lastModified,checkpoint}'
          when l.is_whole then '{}' else '{etag,lastModified}' end::text[], '{}') end,
    for_run, clock_timestamp(), l.opened_at,
    marks_deletions and (coalesce(known.is_listed, false) or (not l.is_partial and l.is_whole and (known.parent_key is null or has_all)))
  from jsonb_to_recordset(lists) as l
    (parent_key text, opened_at timestamptz, rows bigint, is_partial boolean, is_whole boolean, watermark jsonb, kept jsonb)
  left join sluice.list known
    on known.account = of_account and known.resource = n.resource and known.parent_key = l.parent_key
  where l.parent_key <> all (emptied)
  order by l.parent_key
  on conflict (account, resource, parent_key) do update set
    rows = excluded.rows, watermark = excluded.watermark, kept = excluded.kept, run_id = excluded.run_id, read_at = excluded.read_at,
    opened_at = excluded.opened_at, is_listed = excluded.is_listed;

  update sluice.node x set settled_to = picked[cardinality(picked)], flawed = x.flawed + cardinality(emptied) + cardinality(lacking)
    where x.run_id = for_run and x.name = for_node;
  return cardinality(picked);
end $$;
