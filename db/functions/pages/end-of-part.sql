-- What becomes of the last lane of a part that ends complete: the part may still be capped, or short of its total.
create or replace function sluice.end_of_part(u sluice.unit, board sluice.lane_board, fresh int, total bigint, why text)
returns table (kind text, reason text) language plpgsql set search_path = pg_catalog as $$
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
