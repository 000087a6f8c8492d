-- Runs, their trees and the records they store. One row per run, per node of its tree, per unit of work, per record.
-- All times are the database's own. Written by db/*-store.ts only.

create table sluice.run (
  id uuid primary key,
  workflow_id text not null,
  provider text not null,
  sync text not null,
  account text not null,
  tenant text,
  input jsonb not null,
  plan jsonb not null,
  state text not null default 'running' check (state in ('running', 'paused', 'done', 'incomplete', 'failed', 'cancelled')),
  reasons jsonb not null default '[]',
  error text,
  started_at timestamptz not null default clock_timestamp(),
  ended_at timestamptz
);
create index run_by_workflow on sluice.run (workflow_id, started_at desc);
create index run_by_account on sluice.run (account, sync, started_at desc);

-- Counters of one node of a run's tree: progress is one index read, whatever the number of units.
create table sluice.node (
  run_id uuid not null references sluice.run on delete cascade,
  name text not null,
  ordinal smallint not null,
  parent text,
  resource text not null,
  state text not null default 'waiting' check (state in ('waiting', 'running', 'done', 'failed', 'skipped')),
  wants_more boolean not null default false,
  waiting int not null default 0,
  running int not null default 0,
  done int not null default 0,
  failed int not null default 0,
  skipped int not null default 0,
  flawed int not null default 0,
  pages bigint not null default 0,
  rows bigint not null default 0,
  calls bigint not null default 0,
  primary key (run_id, name)
) with (fillfactor = 50, autovacuum_vacuum_threshold = 500);

-- One unit of work: one list (or object) of one parent. Parallel lanes of one list are rows of their own; lane 0 hands
-- out positions (next_position, end_position) to all of them.
create table sluice.unit (
  id bigint generated always as identity primary key,
  run_id uuid not null,
  node text not null,
  parent_key text not null,
  parent_record text,
  lane smallint not null default 0,
  state text not null default 'waiting' check (state in ('waiting', 'running', 'done', 'failed', 'skipped')),
  position jsonb,
  page_size int,
  next_position bigint,
  end_position bigint,
  guard jsonb,
  stalled smallint not null default 0,
  pages int not null default 0,
  rows int not null default 0,
  calls int not null default 0,
  attempts smallint not null default 0,
  end_kind text check (end_kind in ('complete', 'capped', 'looped', 'truncated', 'skipped', 'failed')),
  reason text,
  unique (run_id, node, parent_key, lane),
  foreign key (run_id, node) references sluice.node (run_id, name) on delete cascade
) with (fillfactor = 70);
create index unit_open on sluice.unit (run_id, node, id) where state in ('waiting', 'running');
create index unit_flawed on sluice.unit (run_id, node, id) where end_kind <> 'complete';

create sequence sluice.record_seq cache 32;

-- The latest version of everything fetched. (tx, seq) is the change sequence: tx is the writing transaction, so that a
-- reader who stops below the oldest transaction still running can never miss a row that commits late.
create table sluice.record (
  account text not null,
  resource text not null,
  key text not null,
  data jsonb not null,
  hash uuid not null,
  tx xid8 not null,
  seq bigint not null,
  first_seen_at timestamptz not null,
  last_seen_at timestamptz not null,
  changed_at timestamptz not null,
  deleted_at timestamptz,
  run_id uuid not null,
  unit_id bigint not null,
  primary key (account, resource, key)
) with (fillfactor = 85);
create index record_changes on sluice.record (account, resource, tx, seq);

-- Stores one page: rows, child units, position and counters, in one statement and so in one transaction.
-- Locks, always in this order: the unit, records by key, child units by (node, key), nodes by ordinal.
-- `page` is { unit, pages, account, resource, records: [[key, data]], children: [[node, key, record]], position, pageSize,
-- guard, calls, end: { kind, reason } | null, spawn, laned, sameIndex, nextPosition, endPosition, stalledLimit }.
-- Returns { stale } when the page was stored before by somebody else, else { rows, fresh, changed, ended, children, wake }.
create function sluice.commit_page(page jsonb) returns jsonb language plpgsql as $$
declare
  u sluice.unit;
  now_at timestamptz := clock_timestamp();
  total int := jsonb_array_length(page->'records');
  fresh int := 0;
  changed int := 0;
  ended text := page->'end'->>'kind';
  why text := page->'end'->>'reason';
  stalled_pages smallint;
  given bigint;
  ending bigint;
  new_position jsonb := page->'position';
  new_lanes int := 0;
  children jsonb := '{}';
  wake jsonb := '[]';
  r record;
begin
  select * into u from sluice.unit where id = (page->>'unit')::bigint for no key update;
  if not found or u.pages <> (page->>'pages')::int or u.state not in ('waiting', 'running') then
    return jsonb_build_object('stale', true);
  end if;

  if total > 0 then
    with incoming as materialized (
      select distinct on (e->>0) e->>0 as key, e->1 as data, md5((e->1)::text)::uuid as hash
      from jsonb_array_elements(page->'records') with ordinality x(e, n) order by e->>0, n desc
    ), old as materialized (
      select o.key, o.hash, o.unit_id, o.deleted_at from sluice.record o
      where o.account = page->>'account' and o.resource = page->>'resource' and o.key in (select key from incoming)
    ), stored as (
      insert into sluice.record as t
        (account, resource, key, data, hash, tx, seq, first_seen_at, last_seen_at, changed_at, run_id, unit_id)
      select page->>'account', page->>'resource', i.key, i.data, i.hash, pg_current_xact_id(), nextval('sluice.record_seq'),
        now_at, now_at, now_at, u.run_id, u.id
      from incoming i order by i.key
      on conflict (account, resource, key) do update set
        data = excluded.data, hash = excluded.hash, last_seen_at = now_at, deleted_at = null,
        run_id = excluded.run_id, unit_id = excluded.unit_id,
        tx = case when t.hash <> excluded.hash or t.deleted_at is not null then excluded.tx else t.tx end,
        seq = case when t.hash <> excluded.hash or t.deleted_at is not null then excluded.seq else t.seq end,
        changed_at = case when t.hash <> excluded.hash or t.deleted_at is not null then now_at else t.changed_at end
      returning t.key
    )
    select count(*) filter (where o.key is null or o.unit_id <> u.id),
           count(*) filter (where o.key is null or o.hash <> i.hash or o.deleted_at is not null)
      into fresh, changed
      from incoming i left join old o using (key) left join stored s using (key);
  end if;

  stalled_pages := case when total > 0 and fresh = 0 then u.stalled + 1 else 0 end;
  if ended is null and stalled_pages >= (page->>'stalledLimit')::int then
    ended := 'looped';
    why := format('%s pages in a row brought only rows that this list had already brought', stalled_pages);
  end if;

  for r in
    with inserted as (
      insert into sluice.unit (run_id, node, parent_key, parent_record)
      select u.run_id, c.node, c.key, c.rec
      from (select distinct on (e->>0, e->>1) e->>0 as node, e->>1 as key, e->>2 as rec
            from jsonb_array_elements(page->'children') e order by e->>0, e->>1) c
      order by c.node, c.key
      on conflict (run_id, node, parent_key, lane) do nothing
      returning node
    ) select node, count(*)::int as n from inserted group by node
  loop
    children := children || jsonb_build_object(r.node, r.n);
  end loop;

  -- Lanes: from `spawn` on, lane 0 of the list hands out the next position; a page that ended the list lowers the end for all.
  if (page->>'spawn')::int > 0 and u.lane = 0 and u.next_position is null and ended is null then
    new_lanes := (page->>'spawn')::int - 1;
    insert into sluice.unit (run_id, node, parent_key, parent_record, lane, position, page_size)
    select u.run_id, u.node, u.parent_key, u.parent_record, n,
      jsonb_build_object('index', (page->>'nextPosition')::bigint + n), (page->>'pageSize')::int
    from generate_series(1, new_lanes) n
    on conflict (run_id, node, parent_key, lane) do nothing;
    update sluice.unit set next_position = (page->>'nextPosition')::bigint + new_lanes + 1,
      end_position = (page->>'endPosition')::bigint
      where id = u.id;
    new_position := jsonb_build_object('index', (page->>'nextPosition')::bigint);
  elsif (page->>'laned')::boolean and not (page ? 'sameIndex') then
    update sluice.unit set
      next_position = next_position + case when ended is null then 1 else 0 end,
      end_position = least(end_position, (page->>'endPosition')::bigint)
      where run_id = u.run_id and node = u.node and parent_key = u.parent_key and lane = 0
      returning next_position - 1, end_position into given, ending;
    if ended is null then
      if ending is not null and given >= ending then
        ended := 'complete';
      else
        new_position := jsonb_build_object('index', given);
      end if;
    end if;
  end if;

  update sluice.unit set
    state = case when ended is null then 'running' when ended = 'skipped' then 'skipped' when ended = 'failed' then 'failed' else 'done' end,
    position = new_position, page_size = (page->>'pageSize')::int, guard = page->'guard', stalled = stalled_pages,
    pages = u.pages + 1, rows = u.rows + fresh, calls = u.calls + (page->>'calls')::int, attempts = 0,
    end_kind = ended, reason = why
    where id = u.id;

  update sluice.node set
    pages = pages + 1, rows = rows + fresh, calls = calls + (page->>'calls')::int,
    waiting = waiting + new_lanes - case when ended is not null and u.state = 'waiting' then 1 else 0 end,
    running = running - case when ended is not null and u.state = 'running' then 1 else 0 end,
    done = done + case when ended is not null and ended not in ('skipped', 'failed') then 1 else 0 end,
    skipped = skipped + case when ended = 'skipped' then 1 else 0 end,
    failed = failed + case when ended = 'failed' then 1 else 0 end,
    flawed = flawed + case when ended is not null and ended <> 'complete' then 1 else 0 end
    where run_id = u.run_id and name = u.node;

  for r in select n.name, (children->>n.name)::int as added from sluice.node n
    where n.run_id = u.run_id and n.parent = u.node order by n.ordinal
  loop
    update sluice.node n set waiting = n.waiting + coalesce(r.added, 0)
      where n.run_id = u.run_id and n.name = r.name and (r.added is not null or n.wants_more);
    if exists (select 1 from sluice.node n where n.run_id = u.run_id and n.name = r.name and n.wants_more and n.waiting > 0) then
      wake := wake || to_jsonb(r.name);
    end if;
  end loop;

  return jsonb_build_object('rows', total, 'fresh', fresh, 'changed', changed, 'ended', ended, 'reason', why,
    'lanes', new_lanes, 'children', children, 'wake', wake);
end $$;

-- Ends a unit without a page: skipped, failed, or an end that was not a page. Same lock order as commit_page.
create function sluice.end_unit(unit_id bigint, kind text, why text, extra_calls int) returns boolean language plpgsql as $$
declare
  u sluice.unit;
begin
  select * into u from sluice.unit where id = unit_id for no key update;
  if not found or u.state not in ('waiting', 'running') then
    return false;
  end if;
  update sluice.unit set
    state = case kind when 'skipped' then 'skipped' when 'failed' then 'failed' else 'done' end,
    end_kind = kind, reason = why, calls = u.calls + extra_calls
    where id = u.id;
  if kind <> 'failed' and kind <> 'skipped' then
    update sluice.unit set end_position = least(end_position, (u.position->>'index')::bigint)
      where run_id = u.run_id and node = u.node and parent_key = u.parent_key and lane = 0 and next_position is not null;
  end if;
  update sluice.node set
    calls = calls + extra_calls,
    waiting = waiting - case when u.state = 'waiting' then 1 else 0 end,
    running = running - case when u.state = 'running' then 1 else 0 end,
    done = done + case when kind not in ('skipped', 'failed') then 1 else 0 end,
    skipped = skipped + case when kind = 'skipped' then 1 else 0 end,
    failed = failed + case when kind = 'failed' then 1 else 0 end,
    flawed = flawed + case when kind <> 'complete' then 1 else 0 end
    where run_id = u.run_id and name = u.node;
  return true;
end $$;

-- Up to `room` units of a node that are open and not already in the asking workflow's hands. When there are fewer, the
-- node is marked as wanting more under its row lock, so that a page which adds one afterwards knows that it must wake it.
create function sluice.next_units(for_run uuid, for_node text, in_hand bigint[], room int)
returns table (id bigint, parent_key text, lane smallint) language plpgsql as $$
declare
  picked bigint[];
  begun int;
begin
  perform 1 from sluice.node n where n.run_id = for_run and n.name = for_node for no key update;
  select array_agg(o.id order by o.id) into picked from (
    select x.id from sluice.unit x
    where x.run_id = for_run and x.node = for_node and x.state in ('waiting', 'running') and x.id <> all (in_hand)
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
  return query select x.id, x.parent_key, x.lane from sluice.unit x where x.id = any (picked) order by x.id;
end $$;
