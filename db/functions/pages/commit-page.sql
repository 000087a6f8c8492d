-- Stores one page: rows, child units, position and counters, in one statement and so in one transaction.
-- Locks, always in this order: the unit, records by key, members by key, rows that are gone by key, the quarantine by name. Then
-- child units by (node, key), the lanes' board, sums of parts, nodes by ordinal.
-- `page` is a PageToCommit of db/stores/sync/page-store.ts, as JSON: records are [[key, data]], children [[node, key, record, unlessRead]].
-- A child with `unlessRead`, its resource, is visited only where its list was not read since the record was stored as it is.
-- `start` gives the list lanes, `move` is a page of a list that has them. With `expectsNew` its rows are taken to be new. Where
-- that is wrong, nothing of the attempt stays, and the page is stored like all others.
-- The fence: the page is stored only in the run and node that it names, and over the very page that it follows. The run must not
-- have ended. A page that comes late changes nothing but the count of calls. One that is repeated, since the answer to its first try
-- was lost, is late as well, and has been counted (`change`).
-- Returns { stale } for such a page, else { rows, fresh, changed, ended, reason, lanes, children, isRunning, isAllNew };
-- `isAllNew` only where it was expected.
create or replace function sluice.commit_page(page jsonb) returns jsonb language plpgsql set search_path = pg_catalog as $$
declare
  u sluice.unit;
  this_run uuid := (page->>'run')::uuid;
  run_state text;
  came int := jsonb_array_length(page->'records');
  put_aside int := jsonb_array_length(page->'aside');
  fresh int := 0;
  fresh_in_run int := 0;
  changed int := 0;
  came_again int := 0;
  clashes int := 0;
  clash text;
  ended text := page->'end'->>'kind';
  why text := page->'end'->>'reason';
  stalled_pages smallint;
  new_position jsonb := nullif(page->'position', 'null');
  new_guard jsonb := page->'guard';
  gone text[];
  split jsonb := nullif(page->'split', 'null');
  go_on jsonb;
  new_lanes int := 0;
  children jsonb := '{}';
  retry_of uuid[] := array(select jsonb_array_elements_text(page->'retryOf'))::uuid[];
  root bigint;
  of_account text := page->>'account';
  of_resource text := page->>'resource';
  now_at timestamptz;
  this_tx bigint;
  all_new boolean;
  r record;
begin
  select * into u from sluice.unit x
    where x.id = (page->>'unit')::bigint and x.run_id = this_run and x.node = page->>'node' for no key update;
  select x.state into run_state from sluice.run x where x.id = this_run;
  if u.id is null or u.pages <> (page->>'pages')::int or u.end_kind is not null or run_state not in ('running', 'paused') then
    if (page->>'change')::bigint = any (u.changes) then
      return jsonb_build_object('stale', true);
    end if;
    update sluice.unit x set changes = sluice.with_change(x.changes, (page->>'change')::bigint) where x.id = u.id;
    update sluice.node n set calls = n.calls + (page->>'calls')::int where n.run_id = this_run and n.name = page->>'node';
    return jsonb_build_object('stale', true);
  end if;
  root := coalesce(u.root_id, u.id);

  if came > 0 then
    if (page->>'expectsNew')::boolean then
      now_at := clock_timestamp();
      this_tx := sluice.feed_position();
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
        -- A row is known, or another page stores it at this moment.
        all_new := false;
      end;
    end if;
    if all_new is not true then
      select * into fresh, fresh_in_run, changed, clashes, clash
        from sluice.store_records(of_account, of_resource, page->'records', u.run_id, root, u.parent_key, retry_of, (page->>'isReread')::boolean);
      if clashes > 0 then
        page := jsonb_set(page, '{flaws}', '{"holds": false}' || coalesce(nullif(page->'flaws', 'null'), '{}') || jsonb_build_object(
          'count', coalesce((page->'flaws'->>'count')::int, 0) + clashes, 'reason', coalesce(page->'flaws'->>'reason', clash)));
      end if;
    end if;

    if (page->>'isMember')::boolean then
      insert into sluice.member as m (account, resource, parent_key, key, run_id)
      select distinct of_account, of_resource, u.parent_key, e->>0, u.run_id
      from jsonb_array_elements(page->'records') e order by 4
      on conflict (account, resource, parent_key, key) do update set run_id = excluded.run_id
        where m.run_id <> excluded.run_id;
    end if;
  end if;
  if jsonb_array_length(page->'gone') > 0 then
    gone := array(select jsonb_array_elements_text(page->'gone'));
    -- One that this list has brought as a row before is counted as that.
    page := jsonb_set(page, '{guard,gone}', to_jsonb(greatest(0, coalesce((page->'guard'->>'gone')::bigint, 0) - (
      select count(*) from sluice.record t
      where t.account = of_account and t.resource = of_resource and t.key = any (gone) and t.unit_id = root))));
    new_guard := page->'guard';
    perform sluice.mark_gone(of_account, of_resource, u.parent_key, gone);
  end if;
  if put_aside > 0 then
    perform sluice.set_aside(u, page);
  end if;
  came_again := case when (page->>'isReread')::boolean then came - fresh else least((page->>'known')::int, came - fresh) end;

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
              from jsonb_array_elements(page->'children') e
              where e->>3 is null or not exists (
                select 1 from sluice.list k join sluice.record t
                  on t.account = of_account and t.resource = of_resource and t.key = e->>2
                where k.account = of_account and k.resource = e->>3 and k.parent_key = e->>1
                  and k.opened_at >= t.changed_at)
              order by e->>0, e->>1) c
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
      (run_id, node, parent_key, part, page_size, stride, next_position, planned_end, total, last_with_rows, capped, borders)
    values (u.run_id, u.node, u.parent_key, u.part, (page->'start'->>'size')::int, (page->'start'->>'stride')::int,
      (page->'start'->>'next')::bigint + (page->'start'->>'lanes')::int, (page->'start'->>'plannedEnd')::bigint,
      (page->>'total')::bigint, (page->'start'->>'next')::bigint - 1, page->'start'->>'capped',
      case when page->'start'->>'last' is null then '{}' else jsonb_build_object(page->'start'->>'next', page->'start'->>'last') end);
    new_lanes := (page->'start'->>'lanes')::int - 1;
    -- Each lane knows the first page: one that brings it again is caught at once.
    insert into sluice.unit (run_id, node, parent_key, parent_record, part, lane, root_id, range, position, guard)
    select u.run_id, u.node, u.parent_key, u.parent_record, u.part, n, root, page->'range',
      jsonb_build_object('index', (page->'start'->>'next')::bigint + n, 'size', (page->'start'->>'size')::int,
        'stride', (page->'start'->>'stride')::int), (page->'guard') - 'gone'
    from generate_series(1, new_lanes) n
    on conflict (run_id, node, parent_key, part, lane) do nothing;
  elsif jsonb_typeof(page->'move') = 'object' then
    select l.ended, l.why, l.new_position into ended, why, new_position from sluice.advance_lane(u, page, fresh, ended, why) l;
  elsif ended is null and (page->>'isQuietEnd')::boolean and fresh = 0 then
    ended := 'complete';
  end if;

  if ended = 'complete' and split is null then
    select e.kind, e.why, e.go_on, e.split into ended, why, go_on, split
      from sluice.end_of_part(u, page, fresh, came_again, why) e;
    if ended = 'complete' and split is null and jsonb_typeof(page->'ifShrunken') = 'object'
       and sluice.is_shrunken(u, of_account, of_resource, u.rows + fresh, page->'ifShrunken') then
      ended := null;
      why := null;
      go_on := page->'ifShrunken';
    end if;
    if go_on is not null then
      -- Whatever came twice so far has been judged.
      new_position := nullif(go_on->'position', 'null');
      new_guard := go_on->'guard';
      came_again := greatest(came_again, u.items + came - u.rows - u.aside - fresh - u.again);
      delete from sluice.lane_board b
        where b.run_id = u.run_id and b.node = u.node and b.parent_key = u.parent_key and b.part = u.part;
    end if;
  end if;
  if split is not null then
    -- Both halves of a capped range become parts of this list, once, whichever lane met the cap first.
    insert into sluice.unit (run_id, node, parent_key, parent_record, part, range)
    select u.run_id, u.node, u.parent_key, u.parent_record, u.part || n, split->n from generate_series(0, 1) n
    on conflict (run_id, node, parent_key, part, lane) do nothing;
    get diagnostics new_lanes = row_count;
  end if;

  update sluice.unit set
    state = case when ended is null then 'running' when ended in ('skipped', 'failed') then ended else 'done' end,
    position = new_position, range = nullif(page->'range', 'null'), guard = new_guard, stalled = stalled_pages,
    pages = u.pages + 1, items = u.items + came + put_aside, aside = u.aside + put_aside, rows = u.rows + fresh, again = u.again + came_again,
    calls = u.calls + (page->>'calls')::int, attempts = 0, refusals = 0, error = null, puzzle = null, retry_at = null,
    total = coalesce((page->>'total')::bigint, u.total), since = nullif(page->'since', 'null'),
    watermark = coalesce(nullif(page->'watermark', 'null'), u.watermark),
    kept = sluice.kept_with(u.kept, u.guard, u.position, page->'kept'),
    flaws = u.flaws + coalesce((page->'flaws'->>'count')::int, 0), flaw = coalesce(u.flaw, page->'flaws'->>'reason'),
    flaws_hold = u.flaws_hold or coalesce((page->'flaws'->>'holds')::boolean, false),
    end_kind = ended, reason = why, changes = sluice.with_change(u.changes, (page->>'change')::bigint)
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
    where n.run_id = u.run_id and (n.parent = u.node or n.name = u.node) and children ? n.name order by n.ordinal
  loop
    update sluice.node n set waiting = n.waiting + r.added where n.run_id = u.run_id and n.name = r.name;
  end loop;

  return jsonb_build_object('rows', came, 'fresh', fresh, 'changed', changed, 'ended', ended, 'reason', why,
    'lanes', new_lanes, 'children', children, 'isAllNew', all_new, 'isRunning', run_state = 'running');
end $$;
