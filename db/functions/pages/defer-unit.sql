-- Counts a call that brought no page, and says when the next one may be made. Fence as in commit_page: a caller that comes late
-- changes nothing but the count of calls, and one that is repeated (`this_change`) not even that.
--   costs      `nothing`, `attempt` of the budget, or `refusal`: of credentials, of which the first one in a row costs nothing and
--              says nothing: what went wrong before it is still what is wrong
--   delay_ms   null: its next call may be made at once
--   why        what went wrong, for people; null leaves what is there
--   riddle     a name of an answer that was not understood; null for any other failure
-- Returns the real attempts at this page so far, whether the answer before was the same riddle, and what went wrong before; null for
-- a caller that comes late.
create or replace function sluice.defer_unit(
  unit_id bigint, this_run uuid, this_node text, at_pages int, costs text, extra_calls int, delay_ms float8, why text, riddle text, this_change bigint,
  out attempts int, out is_same boolean, out before text
) language plpgsql set search_path = pg_catalog as $$
declare
  u sluice.unit;
  is_late boolean;
begin
  select * into u from sluice.unit x where x.id = unit_id and x.run_id = this_run and x.node = this_node for no key update;
  is_late := u.id is null or u.pages <> at_pages or u.end_kind is not null;
  if this_change = any (u.changes) then
    if is_late then
      return;
    end if;
    -- What it was before is not known any more: that the answer was the same riddle shows at the next call.
    attempts := u.attempts;
    is_same := false;
    before := u.error;
    return;
  end if;
  if is_late then
    update sluice.unit x set changes = sluice.with_change(x.changes, this_change) where x.id = u.id;
  else
    attempts := u.attempts + case when costs = 'attempt' or (costs = 'refusal' and u.refusals > 0) then 1 else 0 end;
    is_same := coalesce(u.puzzle = riddle, false);
    before := u.error;
    update sluice.unit x set
      calls = u.calls + extra_calls, attempts = defer_unit.attempts, changes = sluice.with_change(u.changes, this_change),
      refusals = case costs when 'refusal' then u.refusals + 1 when 'attempt' then 0 else u.refusals end,
      error = case when costs = 'refusal' and u.refusals = 0 then coalesce(u.error, why) else coalesce(why, u.error) end, puzzle = riddle, retry_at = clock_timestamp() + delay_ms * interval '1 millisecond'
      where x.id = u.id;
  end if;
  update sluice.node n set calls = n.calls + extra_calls where n.run_id = this_run and n.name = this_node and extra_calls > 0;
end $$;
