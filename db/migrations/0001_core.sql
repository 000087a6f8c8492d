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
  -- incremental: lists are asked from their watermarks on; full: from their beginning.
  mode text not null default 'incremental' check (mode in ('incremental', 'full')),
  -- The run whose failed lists this one reads again, and those that it was itself a retry of.
  retry_of uuid[] not null default '{}',
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
  -- Lists up to this parent key have moved their watermark and marked their deletions.
  settled_to text,
  -- Known rows up to this key, which its lists did not bring this time, have been given to its children.
  opened_to text,
  primary key (run_id, name)
) with (fillfactor = 50, autovacuum_vacuum_threshold = 500);

-- One unit of work: one list (or object) of one parent. A list that was too long for the third party is split into parts
-- ('0' and '1', then '00', …) with ranges of their own; parallel lanes of one part are rows of their own.
create table sluice.unit (
  id bigint generated always as identity primary key,
  run_id uuid not null,
  node text not null,
  parent_key text not null,
  parent_record text,
  part text not null default '',
  lane smallint not null default 0,
  -- Lane 0 of the part; null on that one itself.
  root_id bigint,
  range jsonb,
  state text not null default 'waiting' check (state in ('waiting', 'running', 'done', 'failed', 'skipped')),
  position jsonb,
  guard jsonb,
  stalled smallint not null default 0,
  pages int not null default 0,
  -- Items as they came, and the different rows among them.
  items int not null default 0,
  rows int not null default 0,
  calls int not null default 0,
  attempts smallint not null default 0,
  -- Items that the third party says there are, when that number is exact.
  total bigint,
  -- The watermark that it was asked from, and the highest one that its rows have.
  since jsonb,
  watermark jsonb,
  end_kind text check (end_kind in ('complete', 'capped', 'looped', 'truncated', 'skipped', 'failed')),
  reason text,
  unique (run_id, node, parent_key, part, lane),
  foreign key (run_id, node) references sluice.node (run_id, name) on delete cascade
) with (fillfactor = 70);
create index unit_open on sluice.unit (run_id, node, id) where state in ('waiting', 'running');
create index unit_flawed on sluice.unit (run_id, node, id) where end_kind <> 'complete';

-- What the lanes of one part share; made when it gets lanes. Positions are pages (indexes) of one size.
create table sluice.lane_board (
  run_id uuid not null,
  node text not null,
  parent_key text not null,
  part text not null,
  page_size int not null,
  -- The next page that no lane has yet.
  next_position bigint not null,
  -- Pages by the third party's total; null when it said none. One that was wrong, or was split, is not compared at the end.
  planned_end bigint,
  total_is_wrong boolean not null default false,
  -- The first page known to lie past the end; did the third party say so? And the last one that had rows.
  end_position bigint,
  end_is_answered boolean not null default false,
  last_with_rows bigint not null,
  capped text,
  primary key (run_id, node, parent_key, part),
  foreign key (run_id, node) references sluice.node (run_id, name) on delete cascade
) with (fillfactor = 50);

-- The page size that works for an endpoint and account; no row means the provider's own start. `need` full pages in a row
-- make it grow by half; the need doubles when a size that was grown to fails.
create table sluice.page_size (
  provider text not null,
  endpoint text not null,
  account text not null,
  size int not null,
  clean int not null default 0,
  need int not null default 5,
  -- The size before the last growth, if it has not shrunk since.
  grown_from int,
  changed_at timestamptz not null default clock_timestamp(),
  primary key (provider, endpoint, account)
) with (fillfactor = 70);

-- How far each parent's list is known, kept from run to run; moves only when the list was read to its end.
create table sluice.watermark (
  account text not null,
  resource text not null,
  parent_key text not null,
  value jsonb not null,
  run_id uuid not null,
  changed_at timestamptz not null,
  primary key (account, resource, parent_key)
);

-- Which parents' lists have a record, and the run that saw it there last; only for nodes that mark deletions.
create table sluice.member (
  account text not null,
  resource text not null,
  parent_key text not null,
  key text not null,
  run_id uuid not null,
  primary key (account, resource, parent_key, key)
) with (fillfactor = 85);
create index member_by_key on sluice.member (account, resource, key);

create sequence sluice.record_seq cache 32;

-- The latest version of everything fetched. (tx, seq) is the change sequence: tx is the writing transaction, so that a
-- reader who stops below the oldest transaction still running can never miss a row that commits late.
create table sluice.record (
  account text not null,
  resource text not null,
  key text not null,
  data jsonb not null,
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

-- What becomes of the last lane of a part that ends complete: the part may still be capped, or short of its total.
create function sluice.end_of_part(u sluice.unit, board sluice.lane_board, fresh int, total bigint, why text)
returns table (kind text, reason text) language plpgsql as $$
declare
  expected bigint := coalesce(total, u.total);
  found bigint := u.rows + fresh;
begin
  if board.run_id is not null then
    if exists (select 1 from sluice.unit x where x.run_id = u.run_id and x.node = u.node and x.parent_key = u.parent_key
               and x.part = u.part and x.id <> u.id and x.state in ('waiting', 'running')) then
      return query select 'complete', why;
      return;
    end if;
    select found + coalesce(sum(x.rows), 0), case when board.total_is_wrong then null else coalesce(expected, max(x.total)) end
      into found, expected from sluice.unit x
      where x.run_id = u.run_id and x.node = u.node and x.parent_key = u.parent_key and x.part = u.part and x.id <> u.id;
    if board.capped is not null then
      return query select 'capped', board.capped;
      return;
    end if;
  end if;
  if found < expected then
    return query select 'truncated', format('%s rows came, but the third party counts %s', found, expected);
  else
    return query select 'complete', why;
  end if;
end $$;

-- Stores the rows of one page as this run's latest versions. A row is changed when it is new, was deleted, or has other data;
-- it is fresh when this list has not brought it before, and fresh in the run when no list of the run has.
-- Most pages bring only new rows, so they are inserted in one go; the second statement is for those that were there, and for
-- rows that came twice in the page, of which the last one counts. Both lock by key.
create function sluice.store_records(
  of_account text, of_resource text, records jsonb, by_run uuid, by_unit bigint,
  out fresh int, out fresh_in_run int, out changed int
) language plpgsql as $$
declare
  now_at timestamptz := clock_timestamp();
  this_tx xid8 := pg_current_xact_id();
begin
  insert into sluice.record
    (account, resource, key, data, tx, seq, first_seen_at, last_seen_at, changed_at, run_id, unit_id)
  select of_account, of_resource, e->>0, e->1, this_tx, nextval('sluice.record_seq'), now_at, now_at, now_at, by_run, by_unit
  from jsonb_array_elements(records) e order by e->>0
  on conflict (account, resource, key) do nothing;
  get diagnostics fresh = row_count;
  fresh_in_run := fresh;
  changed := fresh;
  if fresh = jsonb_array_length(records) then
    return;
  end if;

  with incoming as materialized (
    select distinct on (e->>0) e->>0 as key, e->1 as data
    from jsonb_array_elements(records) with ordinality x(e, n) order by e->>0, n desc
  ), known as materialized (
    -- Row by row: where statistics are old, a join is planned as a scan of all that the account has.
    select i.key, i.data, o.run_id, o.unit_id, o.tx = this_tx as is_new, o.deleted_at is not null or o.data <> i.data as differs
    from incoming i cross join lateral (
      select * from sluice.record o where o.account = of_account and o.resource = of_resource and o.key = i.key limit 1
    ) o
  ), stored as (
    insert into sluice.record as t
      (account, resource, key, data, tx, seq, first_seen_at, last_seen_at, changed_at, run_id, unit_id)
    select of_account, of_resource, k.key, k.data, this_tx, 0, now_at, now_at, now_at, by_run, by_unit
    from known k where k.differs or not k.is_new order by k.key
    on conflict (account, resource, key) do update set
      data = excluded.data, last_seen_at = now_at, deleted_at = null, run_id = by_run, unit_id = by_unit,
      tx = case when t.data <> excluded.data or t.deleted_at is not null then this_tx else t.tx end,
      seq = case when t.data <> excluded.data or t.deleted_at is not null then nextval('sluice.record_seq') else t.seq end,
      changed_at = case when t.data <> excluded.data or t.deleted_at is not null then now_at else t.changed_at end
  )
  select fresh + count(*) filter (where k.unit_id <> by_unit), fresh_in_run + count(*) filter (where k.run_id <> by_run),
         changed + count(*) filter (where k.differs and not k.is_new)
    into fresh, fresh_in_run, changed from known k;
end $$;

-- Stores one page: rows, child units, position and counters, in one statement and so in one transaction.
-- Locks, always in this order: the unit, records by key, members by key, child units by (node, key), the lanes' board, nodes
-- by ordinal.
-- `page` is { unit, pages, account, resource, records: [[key, data]], items, children: [[node, key, record]], position, guard,
-- calls, end: { kind, reason } | null, split: [range, range] | null, range, since, watermark, total, isMember, retryOf, isReread, stalledLimit,
-- start: { lanes, size, next, plannedEnd, capped } | null, move: { index, hasRows, isCellDone, blankAt, endAt, plannedEnd,
-- isTotalWrong } | null }: `start` gives the list lanes, `move` is a page of a list that has them.
-- Returns { stale } when the page was stored before by somebody else, else { rows, fresh, changed, ended, reason, lanes,
-- children, wake, isPaused }.
create function sluice.commit_page(page jsonb) returns jsonb language plpgsql as $$
declare
  u sluice.unit;
  board sluice.lane_board;
  came int := jsonb_array_length(page->'records');
  fresh int := 0;
  fresh_in_run int := 0;
  changed int := 0;
  ended text := page->'end'->>'kind';
  why text := page->'end'->>'reason';
  move jsonb := nullif(page->'move', 'null');
  page_index bigint := (page->'move'->>'index')::bigint;
  stalled_pages smallint;
  end_here bigint;
  is_answered boolean;
  new_position jsonb := nullif(page->'position', 'null');
  new_lanes int := 0;
  children jsonb := '{}';
  wake jsonb := '[]';
  retry_of uuid[] := array(select jsonb_array_elements_text(page->'retryOf'))::uuid[];
  root bigint;
  r record;
begin
  select * into u from sluice.unit where id = (page->>'unit')::bigint for no key update;
  if not found or u.pages <> (page->>'pages')::int or u.state not in ('waiting', 'running') then
    return jsonb_build_object('stale', true);
  end if;
  root := coalesce(u.root_id, u.id);

  if came > 0 then
    select * into fresh, fresh_in_run, changed
      from sluice.store_records(page->>'account', page->>'resource', page->'records', u.run_id, root);

    if (page->>'isMember')::boolean then
      insert into sluice.member as m (account, resource, parent_key, key, run_id)
      select distinct page->>'account', page->>'resource', u.parent_key, e->>0, u.run_id
      from jsonb_array_elements(page->'records') e order by 4
      on conflict (account, resource, parent_key, key) do update set run_id = excluded.run_id
        where m.run_id <> excluded.run_id;
    end if;
  end if;

  stalled_pages := case when (page->>'isReread')::boolean then u.stalled when came > 0 and fresh = 0 then least(u.stalled + 1, 30000) else 0 end;
  if ended is null and stalled_pages >= (page->>'stalledLimit')::int then
    ended := 'looped';
    why := format('%s pages in a row brought only rows that this list had already brought', stalled_pages);
  end if;

  if jsonb_array_length(page->'children') > 0 then
    for r in
      with inserted as (
        insert into sluice.unit (run_id, node, parent_key, parent_record)
        select u.run_id, c.node, c.key, c.rec
        from (select distinct on (e->>0, e->>1) e->>0 as node, e->>1 as key, e->>2 as rec
              from jsonb_array_elements(page->'children') e order by e->>0, e->>1) c
        -- A retry visits only what the runs before it have not read to the end.
        where retry_of = '{}' or not exists (
          select 1 from sluice.unit o where o.run_id = any (retry_of) and o.node = c.node and o.parent_key = c.key
            and o.part = '' and o.lane = 0 and o.end_kind = 'complete')
        order by c.node, c.key
        on conflict (run_id, node, parent_key, part, lane) do nothing
        returning node
      ) select node, count(*)::int as n from inserted group by node
    loop
      children := children || jsonb_build_object(r.node, r.n);
    end loop;
  end if;

  if jsonb_typeof(page->'start') = 'object' and ended is null then
    insert into sluice.lane_board
      (run_id, node, parent_key, part, page_size, next_position, planned_end, last_with_rows, capped)
    values (u.run_id, u.node, u.parent_key, u.part, (page->'start'->>'size')::int,
      (page->'start'->>'next')::bigint + (page->'start'->>'lanes')::int, (page->'start'->>'plannedEnd')::bigint,
      (page->'start'->>'next')::bigint - 1, page->'start'->>'capped');
    new_lanes := (page->'start'->>'lanes')::int - 1;
    -- Each lane knows the first page: one that brings it again is caught at once.
    insert into sluice.unit (run_id, node, parent_key, parent_record, part, lane, root_id, range, position, guard)
    select u.run_id, u.node, u.parent_key, u.parent_record, u.part, n, root, page->'range',
      jsonb_build_object('index', (page->'start'->>'next')::bigint + n, 'size', (page->'start'->>'size')::int), page->'guard'
    from generate_series(1, new_lanes) n
    on conflict (run_id, node, parent_key, part, lane) do nothing;
  elsif move is not null then
    select * into board from sluice.lane_board b where b.run_id = u.run_id and b.node = u.node
      and b.parent_key = u.parent_key and b.part = u.part for no key update;
    end_here := coalesce((move->>'blankAt')::bigint, (move->>'endAt')::bigint, case ended when 'looped' then page_index end);
    is_answered := coalesce(ended = 'complete' and jsonb_typeof(page->'split') <> 'array', false);
    -- An end before a page that has rows: something is missing in between.
    if (move->>'hasRows')::boolean and board.end_is_answered and page_index >= board.end_position
       and coalesce(ended, 'complete') = 'complete' then
      ended := 'truncated';
      why := format('this list ended before page %s, but page %s has rows', board.end_position, page_index);
    elsif is_answered and end_here <= board.last_with_rows then
      ended := 'truncated';
      why := format('this list ended before page %s, but page %s had rows', end_here, board.last_with_rows);
    end if;
    if ended = 'capped' then
      -- Said once for the list, by whichever lane ends last.
      board.capped := coalesce(board.capped, why);
      ended := 'complete';
      why := null;
    end if;
    if (move->>'hasRows')::boolean then
      board.last_with_rows := greatest(board.last_with_rows, page_index);
    end if;
    if end_here < board.end_position or board.end_position is null then
      board.end_position := end_here;
      board.end_is_answered := is_answered;
    end if;
    board.total_is_wrong := board.total_is_wrong or (move->>'isTotalWrong')::boolean or jsonb_typeof(page->'split') = 'array';
    board.planned_end := case when board.total_is_wrong then null
      else greatest(board.planned_end, (move->>'plannedEnd')::bigint) end;
    if ended is null and (move->>'isCellDone')::boolean then
      if board.next_position >= least(board.end_position, board.planned_end) then
        ended := 'complete';
      else
        new_position := jsonb_build_object('index', board.next_position, 'size', board.page_size);
        board.next_position := board.next_position + 1;
      end if;
    end if;
    update sluice.lane_board b set next_position = board.next_position, planned_end = board.planned_end,
      total_is_wrong = board.total_is_wrong, end_position = board.end_position, end_is_answered = board.end_is_answered,
      last_with_rows = board.last_with_rows, capped = board.capped
      where b.run_id = u.run_id and b.node = u.node and b.parent_key = u.parent_key and b.part = u.part;
  end if;

  if jsonb_typeof(page->'split') = 'array' then
    -- Both halves of a capped range become parts of this list, once, whichever lane met the cap first.
    insert into sluice.unit (run_id, node, parent_key, parent_record, part, range)
    select u.run_id, u.node, u.parent_key, u.parent_record, u.part || n, page->'split'->n from generate_series(0, 1) n
    on conflict (run_id, node, parent_key, part, lane) do nothing;
    get diagnostics new_lanes = row_count;
  elsif ended = 'complete' then
    select e.kind, e.reason into ended, why from sluice.end_of_part(u, board, fresh, (page->>'total')::bigint, why) e;
  end if;

  update sluice.unit set
    state = case when ended is null then 'running' when ended = 'skipped' then 'skipped' when ended = 'failed' then 'failed' else 'done' end,
    position = new_position, range = nullif(page->'range', 'null'), guard = page->'guard', stalled = stalled_pages,
    pages = u.pages + 1, items = u.items + came, rows = u.rows + fresh, calls = u.calls + (page->>'calls')::int,
    attempts = 0, total = coalesce((page->>'total')::bigint, u.total), since = nullif(page->'since', 'null'),
    watermark = coalesce(nullif(page->'watermark', 'null'), u.watermark), end_kind = ended, reason = why
    where id = u.id;

  update sluice.node set
    pages = pages + 1, rows = rows + fresh_in_run, calls = calls + (page->>'calls')::int,
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

  return jsonb_build_object('rows', came, 'fresh', fresh, 'changed', changed, 'ended', ended, 'reason', why,
    'lanes', new_lanes, 'children', children, 'wake', wake,
    'isPaused', exists (select 1 from sluice.run x where x.id = u.run_id and x.state = 'paused'));
end $$;

-- Ends a unit without a page: skipped, failed, or a lane past the end. Same lock order as commit_page.
create function sluice.end_unit(unit_id bigint, kind text, why text, extra_calls int) returns boolean language plpgsql as $$
declare
  u sluice.unit;
  board sluice.lane_board;
  ended text := kind;
begin
  select * into u from sluice.unit where id = unit_id for no key update;
  if not found or u.state not in ('waiting', 'running') then
    return false;
  end if;
  select * into board from sluice.lane_board b where b.run_id = u.run_id and b.node = u.node
    and b.parent_key = u.parent_key and b.part = u.part for no key update;
  if ended = 'complete' then
    select e.kind, e.reason into ended, why from sluice.end_of_part(u, board, 0, null, why) e;
  end if;
  update sluice.unit set
    state = case ended when 'skipped' then 'skipped' when 'failed' then 'failed' else 'done' end,
    end_kind = ended, reason = why, calls = u.calls + extra_calls
    where id = u.id;
  update sluice.node set
    calls = calls + extra_calls,
    waiting = waiting - case when u.state = 'waiting' then 1 else 0 end,
    running = running - case when u.state = 'running' then 1 else 0 end,
    done = done + case when ended not in ('skipped', 'failed') then 1 else 0 end,
    skipped = skipped + case when ended = 'skipped' then 1 else 0 end,
    failed = failed + case when ended = 'failed' then 1 else 0 end,
    flawed = flawed + case when ended <> 'complete' then 1 else 0 end
    where run_id = u.run_id and name = u.node;
  return true;
end $$;

-- Settles up to `room` lists of a node that has ended, in the order of their parent keys: a list that was read to its end
-- moves its watermark, and, when it was asked from the beginning, marks its rows that were not seen as deleted. A list of
-- another end does neither. Locks: the node, units, members, records by key.
-- Returns the number of lists looked at: fewer than `room` means that all are settled.
create function sluice.settle_lists(for_run uuid, for_node text, marks_deletions boolean, allows_empty boolean, room int)
returns int language plpgsql as $$
declare
  n sluice.node;
  of_account text;
  picked text[];
  gone text[];
  emptied text[] := '{}';
  lists jsonb;
begin
  select * into n from sluice.node x where x.run_id = for_run and x.name = for_node for no key update;
  select account into of_account from sluice.run where id = for_run;
  select array_agg(k.parent_key order by k.parent_key) into picked from (
    select distinct x.parent_key from sluice.unit x
    where x.run_id = for_run and x.node = for_node and (n.settled_to is null or x.parent_key > n.settled_to)
    order by x.parent_key limit room
  ) k;
  if picked is null then
    return 0;
  end if;

  select jsonb_agg(l) into lists from (
    select x.parent_key, sum(x.rows) as rows, bool_or(x.since is not null) as is_partial,
      coalesce(to_jsonb(max((x.watermark #>> '{}')::numeric) filter (where jsonb_typeof(x.watermark) = 'number')),
               to_jsonb(max((x.watermark #>> '{}') collate "C") filter (where jsonb_typeof(x.watermark) = 'string')))
        as watermark
    from sluice.unit x where x.run_id = for_run and x.node = for_node and x.parent_key = any (picked)
    group by x.parent_key having bool_and(x.state = 'done' and x.end_kind = 'complete')
  ) l;

  if marks_deletions and not allows_empty then
    -- A list that had rows and comes back entirely empty is more likely an error of the third party.
    with emptied_list as (
      select l.parent_key, count(*) as kept from jsonb_to_recordset(lists) as l (parent_key text, rows bigint, is_partial boolean)
      join sluice.member m on m.account = of_account and m.resource = n.resource and m.parent_key = l.parent_key
      where l.rows = 0 and not l.is_partial group by l.parent_key
    ), marked as (
      update sluice.unit x set end_kind = 'truncated', reason = format('empty answer: %s rows kept', l.kept)
      from emptied_list l where x.run_id = for_run and x.node = for_node and x.parent_key = l.parent_key
        and x.part = '' and x.lane = 0
      returning x.parent_key
    ) select coalesce(array_agg(parent_key), '{}') into emptied from marked;
  end if;

  if marks_deletions then
    with unseen as (
      delete from sluice.member m using jsonb_to_recordset(lists) as l (parent_key text, is_partial boolean)
      where m.account = of_account and m.resource = n.resource and m.parent_key = l.parent_key and not l.is_partial
        and l.parent_key <> all (emptied) and m.run_id <> for_run
      returning m.key
    ) select array_agg(distinct key) into gone from unseen;
    if gone is not null then
      -- Locked before it is asked who else has them: of two lists that lose a row at once the second one sees it.
      perform 1 from sluice.record t where t.account = of_account and t.resource = n.resource and t.key = any (gone)
        order by t.key for no key update;
      update sluice.record t set deleted_at = clock_timestamp(), changed_at = clock_timestamp(),
        tx = pg_current_xact_id(), seq = nextval('sluice.record_seq')
      where t.account = of_account and t.resource = n.resource and t.key = any (gone) and t.deleted_at is null
        and not exists (select 1 from sluice.member m where m.account = t.account and m.resource = t.resource and m.key = t.key);
    end if;
  end if;

  insert into sluice.watermark as w (account, resource, parent_key, value, run_id, changed_at)
  select of_account, n.resource, l.parent_key, l.watermark, for_run, clock_timestamp()
  from jsonb_to_recordset(lists) as l (parent_key text, watermark jsonb)
  where jsonb_typeof(l.watermark) <> 'null' and l.parent_key <> all (emptied)
  on conflict (account, resource, parent_key) do update set
    value = excluded.value, run_id = excluded.run_id, changed_at = excluded.changed_at where w.value <> excluded.value;

  update sluice.node x set settled_to = picked[cardinality(picked)], flawed = x.flawed + cardinality(emptied)
    where x.run_id = for_run and x.name = for_node;
  return cardinality(picked);
end $$;

-- Gives rows of earlier runs to a node's children, whose own lists may have changed though the rows have not. `children` is
-- [[node, key, record]], as in commit_page; `upto` is the last row that was looked at. Locks: units by (node, key), nodes.
create function sluice.open_known(for_run uuid, for_node text, children jsonb, upto text) returns void language plpgsql as $$
declare
  r record;
begin
  for r in
    with inserted as (
      insert into sluice.unit (run_id, node, parent_key, parent_record)
      select for_run, c.node, c.key, c.rec
      from (select distinct on (e->>0, e->>1) e->>0 as node, e->>1 as key, e->>2 as rec
            from jsonb_array_elements(children) e order by e->>0, e->>1) c
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

-- Up to `room` units of a node that are open and not already in the asking workflow's hands. When there are fewer, the
-- node is marked as wanting more under its row lock, so that a page which adds one afterwards knows that it must wake it.
create function sluice.next_units(for_run uuid, for_node text, in_hand bigint[], room int)
returns table (id bigint, parent_key text, part text, lane smallint) language plpgsql as $$
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
  return query select x.id, x.parent_key, x.part, x.lane from sluice.unit x where x.id = any (picked) order by x.id;
end $$;
