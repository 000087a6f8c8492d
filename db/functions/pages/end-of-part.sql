-- What becomes of a part of a list whose reading ends with this page: whether that is to be believed. Called by commit_page, under
-- the locks of the unit and of the lanes' board.
--   u, page   the unit before the page, and the page as commit_page has it
--   fresh     rows of the page that this list has not brought before; came_again those that were to come again
--   why       what the page says of its end
-- In this order:
--   other lanes still read                     the lane is done, the part is not
--   the list has moved (`checks`)              it goes on at `go_on`: it is read again, or a page is looked at again
--   fewer rows than places that were read      it is read again, as long as that brings new ones; then `truncated`
--   as many rows as a third party likes to cap split into two parts, or `capped`
--   fewer rows than the exact total            `truncated`
--   fewer rows in all parts than in the whole  `truncated`
--   rows or fields could not be taken          `flawed`
-- Returns the kind of the end, or `go_on` = { position, guard }, or `split` = [range, range].
create or replace function sluice.end_of_part(
  u sluice.unit, page jsonb, fresh int, came_again int, inout why text, out kind text, out go_on jsonb, out split jsonb
) language plpgsql set search_path = pg_catalog as $$
declare
  board sluice.lane_board;
  checks jsonb := nullif(page->'checks', 'null');
  -- Rows that were set aside have come, and are no others than they were.
  put_aside bigint := u.aside + coalesce(jsonb_array_length(page->'aside'), 0);
  came bigint := u.items + jsonb_array_length(page->'records') + coalesce(jsonb_array_length(page->'aside'), 0);
  found bigint := u.rows + fresh + put_aside;
  explained bigint := u.again + came_again;
  all_flaws bigint := u.flaws + coalesce((page->'flaws'->>'count')::int, 0);
  first_flaw text := coalesce(u.flaw, page->'flaws'->>'reason');
  expected bigint := coalesce((page->>'total')::bigint, u.total);
  -- Rows that say that they are gone: the third party counts them, and they are none here.
  gone bigint := coalesce((page->'guard'->>'gone')::bigint, 0);
  in_doubt boolean;
  has_too_few boolean;
  lost text;
begin
  kind := 'complete';
  if (page->>'mayHaveLanes')::boolean then
    select * into board from sluice.lane_board b
      where b.run_id = u.run_id and b.node = u.node and b.parent_key = u.parent_key and b.part = u.part;
    if exists (select 1 from sluice.unit x where x.run_id = u.run_id and x.node = u.node and x.parent_key = u.parent_key
               and x.part = u.part and x.id <> u.id and x.end_kind is null) then
      return;
    end if;
    select found + coalesce(sum(x.rows + x.aside), 0), came + coalesce(sum(x.items), 0), explained + coalesce(sum(x.again), 0),
           case when board.total_is_wrong then null else coalesce(expected, max(x.total)) end,
           all_flaws + coalesce(sum(x.flaws), 0), coalesce(first_flaw, min(x.flaw)),
           put_aside + coalesce(sum(x.aside), 0),
           -- Without a board the list is read again, and what lanes have counted before is counted anew.
           gone + case when board.run_id is null then 0 else coalesce(sum((x.guard->>'gone')::bigint), 0) end
      into found, came, explained, expected, all_flaws, first_flaw, put_aside, gone from sluice.unit x
      where x.run_id = u.run_id and x.node = u.node and x.parent_key = u.parent_key and x.part = u.part and x.id <> u.id;
    checks := coalesce(checks, board.checks);
    if board.capped is not null then
      kind := 'capped';
      why := board.capped;
      return;
    end if;
  end if;

  if checks is not null then
    -- Where the third party counts as many as came, each has its place.
    has_too_few := all_flaws = 0 and coalesce(found + gone < (checks->>'leastRows')::bigint, false)
      and found + gone is distinct from expected;
    in_doubt := coalesce(board.has_moved, false)
      or ((checks->>'isTwiceDoubtful')::boolean and came - found > explained)
      or coalesce(u.rows + fresh > (checks->>'mostRows')::bigint, false)
      or (has_too_few and u.rows + fresh > (checks->>'rowsBefore')::bigint);
    go_on := case when in_doubt then nullif(checks->'doubt', 'null')
      else jsonb_set(nullif(checks->'still', 'null'), '{guard,gone}', to_jsonb(gone)) end;
    if go_on is not null then
      kind := null;
      why := null;
      return;
    end if;
    if checks->'caps' @> to_jsonb(found) then
      split := nullif(checks->'split', 'null');
      kind := case when split is null then 'capped' else 'complete' end;
      why := format('the list ended after exactly %s items: probably the third party''s cap, not the end', found);
      return;
    end if;
    if has_too_few then
      kind := 'truncated';
      why := format('a reading of it has %s rows, of which %s are different ones: its order does not tell all rows apart, and others may be missing. '
        'Ask in the order of something unique', checks->>'leastRows', found + gone);
      return;
    end if;
    if in_doubt and ((checks->>'isTwiceDoubtful')::boolean or checks->>'mostRows' is not null) then
      kind := 'truncated';
      why := 'the list changes faster than it is read';
      return;
    end if;
  end if;
  if found < expected - gone then
    kind := 'truncated';
    why := format('%s rows came%s, but the third party counts %s', found + gone,
      case when put_aside > 0 then ', with those that were set aside' else '' end, expected);
    return;
  end if;
  lost := case when u.part <> '' then sluice.lost_by_split(u, found) end;
  if lost is not null then
    kind := 'truncated';
    why := lost;
  elsif all_flaws > 0 then
    kind := 'flawed';
    why := first_flaw;
  end if;
end $$;
