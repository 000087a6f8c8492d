-- Ends a unit without a page: skipped, failed, or a lane past the end. Same lock order as commit_page.
create or replace function sluice.end_unit(unit_id bigint, kind text, why text, extra_calls int) returns boolean language plpgsql set search_path = pg_catalog as $$
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
