-- What a page of one lane tells the others, and the lane's next page. Called by commit_page; locks the lanes' board.
--   move    { index, hasRows, isCellDone, endAt, plannedEnd, first, last, isElsewhere }: see contracts/list.ts
--   fresh   rows of the page that this list has not brought before
--   ended   how the page ends its lane; null when it does not
-- A lane is given pages up to the planned end, and one more behind the last of them, until a page shows where the list ends.
-- Returns how the lane ends, or the position of its next page.
create or replace function sluice.advance_lane(
  u sluice.unit, page jsonb, fresh int, inout ended text, inout why text, out new_position jsonb
) language plpgsql set search_path = pg_catalog as $$
declare
  board sluice.lane_board;
  move jsonb := page->'move';
  page_index bigint := (move->>'index')::bigint;
  has_rows boolean := (move->>'hasRows')::boolean;
  end_here bigint := (move->>'endAt')::bigint;
  told bigint := (page->>'total')::bigint;
  border record;
  doubt jsonb;
begin
  new_position := nullif(page->'position', 'null');
  select * into board from sluice.lane_board b where b.run_id = u.run_id and b.node = u.node
    and b.parent_key = u.parent_key and b.part = u.part for no key update;
  -- Two pages share a row: whichever comes second compares it. Another row, or none, means that rows came or went in between.
  for border in select * from (values (page_index::text, move->>'first'), ((page_index + 1)::text, move->>'last')) b (page, row_name)
    where b.row_name is not null
  loop
    if board.borders ? border.page then
      board.has_moved := board.has_moved or board.borders->>border.page <> border.row_name;
      board.borders := board.borders - border.page;
    elsif border.row_name <> '' then
      board.borders := board.borders || jsonb_build_object(border.page, border.row_name);
    end if;
  end loop;
  board.has_moved := board.has_moved or coalesce((move->>'isElsewhere')::boolean, false);
  if (page->>'isQuietEnd')::boolean then
    -- Behind the total: nothing new means the end, anything new that the total is none.
    if fresh = 0 then
      ended := 'complete';
      end_here := page_index;
    else
      board.total_is_wrong := true;
    end if;
  end if;
  doubt := nullif(coalesce(nullif(page->'checks', 'null'), board.checks)->'doubt', 'null');
  if ended in ('looped', 'truncated') and end_here is null then
    end_here := page_index;
  end if;
  -- An end before a page that has rows: something is missing in between. Where the total has fallen, rows were removed. A list that has
  -- moved is read again, which shows more.
  if coalesce(ended, 'complete') = 'complete' and not (board.has_moved and doubt is not null) and told is not distinct from board.total
     and ((has_rows and page_index >= board.end_position) or end_here <= board.last_with_rows) then
    ended := 'truncated';
    why := format('this list ended before page %s, but page %s had rows', least(end_here, board.end_position),
      case when has_rows then greatest(page_index, board.last_with_rows) else board.last_with_rows end);
  end if;
  if ended = 'capped' then
    -- Said once for the list, by the lane that ends last.
    board.capped := coalesce(board.capped, why);
    ended := 'complete';
    why := null;
  end if;
  board.has_moved := board.has_moved or coalesce(told <> board.total, false);
  board.total := coalesce(board.total, told);
  board.last_with_rows := case when has_rows then greatest(board.last_with_rows, page_index) else board.last_with_rows end;
  board.end_position := least(board.end_position, end_here);
  board.total_is_wrong := board.total_is_wrong or jsonb_typeof(page->'split') = 'array';
  board.planned_end := case when board.total_is_wrong then null
    else greatest(board.planned_end, (move->>'plannedEnd')::bigint) end;
  if ended is null and (move->>'isCellDone')::boolean then
    if board.end_position is null and board.next_position >= board.planned_end and page_index = board.planned_end - 1 then
      board.planned_end := board.planned_end + 1;
    end if;
    if board.next_position >= least(board.end_position, board.planned_end) then
      ended := 'complete';
    else
      new_position := jsonb_build_object('index', board.next_position, 'size', board.page_size, 'stride', board.stride);
      board.next_position := board.next_position + 1;
    end if;
  end if;
  update sluice.lane_board b set next_position = board.next_position, planned_end = board.planned_end, total = board.total,
    has_moved = board.has_moved, total_is_wrong = board.total_is_wrong, end_position = board.end_position,
    last_with_rows = board.last_with_rows, capped = board.capped, borders = board.borders, checks = coalesce(nullif(page->'checks', 'null'), b.checks)
    where b.run_id = u.run_id and b.node = u.node and b.parent_key = u.parent_key and b.part = u.part;
end $$;
