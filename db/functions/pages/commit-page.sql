-- Stores one page: rows, child units, position and counters, in one statement and so in one transaction.
-- Locks, always in this order: the unit, records by key, members by key, child units by (node, key), the lanes' board, nodes
-- by ordinal.
-- `page` is { unit, pages, account, resource, records: [[key, data]], items, children: [[node, key, record]], position, guard,
-- calls, end: { kind, reason } | null, split: [range, range] | null, range, since, watermark, total, isMember, retryOf, isReread,
-- stalledLimit, expectsNew, start: { lanes, size, next, plannedEnd, capped } | null, move: { index, hasRows, isCellDone, blankAt, endAt, plannedEnd,
-- isTotalWrong } | null }: `start` gives the list lanes, `move` is a page of a list that has them. With `expectsNew` its rows
-- are taken to be new; where that is wrong, nothing of the attempt stays and the page goes the way of all others.
-- Returns { stale } when the page was stored before by somebody else, else { rows, fresh, changed, ended, reason, lanes,
-- children, wake, isPaused, isAllNew }; `isAllNew` only where it was expected.
create or replace function sluice.commit_page(page jsonb) returns jsonb language plpgsql set search_path = pg_catalog as $$
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
  of_account text := page->>'account';
  of_resource text := page->>'resource';
  now_at timestamptz;
  this_tx xid8;
  all_new boolean;
  r record;
begin
  select * into u from sluice.unit where id = (page->>'unit')::bigint for no key update;
  if not found or u.pages <> (page->>'pages')::int or u.state not in ('waiting', 'running') then
    return jsonb_build_object('stale', true);
  end if;
  root := coalesce(u.root_id, u.id);

  if came > 0 then
    if (page->>'expectsNew')::boolean then
      now_at := clock_timestamp();
      this_tx := pg_current_xact_id();
      begin
        insert into sluice.record
          (account, resource, key, data, tx, seq, first_seen_at, last_seen_at, changed_at, run_id, unit_id)
        select of_account, of_resource, e->>0, e->1, this_tx, nextval('sluice.record_seq'), now_at, now_at, now_at, u.run_id, root
        from jsonb_array_elements(page->'records') e order by e->>0;
        all_new := true;
        fresh := came;
        fresh_in_run := came;
        changed := came;
      exception when unique_violation then
        -- A row is known, came twice in the page, or was stored by somebody else at this moment.
        all_new := false;
      end;
    end if;
    if all_new is not true then
      select * into fresh, fresh_in_run, changed
        from sluice.store_records(of_account, of_resource, page->'records', u.run_id, root);
    end if;

    if (page->>'isMember')::boolean then
      insert into sluice.member as m (account, resource, parent_key, key, run_id)
      select distinct of_account, of_resource, u.parent_key, e->>0, u.run_id
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
    'lanes', new_lanes, 'children', children, 'wake', wake, 'isAllNew', all_new,
    'isPaused', exists (select 1 from sluice.run x where x.id = u.run_id and x.state = 'paused'));
end $$;
