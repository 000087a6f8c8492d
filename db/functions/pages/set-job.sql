-- Moves the job of a unit on, from what the caller has seen. Fence as in commit_page; while the run is paused or has ended no job is made.
--   was        what the caller has seen; null: none
--   now_is     what it is now; where it has no `at`, the time of the database
--   delay_ms   until the next call may be made; null: at once
--   why        what is being waited for, for people; null leaves what is there
--   begins     the list is read from its beginning, as the result of another job
-- Returns the job as it is stored, also to a caller that repeats its change (`this_change`), since the answer was lost; null for one
-- that comes late, whose calls are counted all the same.
create or replace function sluice.set_job(
  unit_id bigint, this_run uuid, this_node text, at_pages int, was jsonb, now_is jsonb, extra_calls int, delay_ms float8, why text, begins boolean, this_change bigint
) returns jsonb language plpgsql set search_path = pg_catalog as $$
declare
  stored jsonb := case when now_is ? 'at' then now_is
    else now_is || jsonb_build_object('at', floor(extract(epoch from clock_timestamp()) * 1000)) end;
begin
  update sluice.unit x set
    job = stored, calls = x.calls + extra_calls, changes = sluice.with_change(x.changes, this_change), error = coalesce(why, x.error),
    -- A job that was done and is asked for its results anew, because they could not be read, has not got on.
    attempts = case when now_is->>'state' = 'made' or (now_is->>'state' = 'done' and was->>'state' is distinct from 'done') then 0
      else x.attempts end,
    refusals = 0, puzzle = null, retry_at = clock_timestamp() + delay_ms * interval '1 millisecond',
    position = case when begins then null else x.position end,
    guard = case when begins then '{"begunAgain": 1}' else x.guard end
    where x.id = unit_id and x.run_id = this_run and x.node = this_node and x.pages = at_pages and x.end_kind is null
      and x.job is not distinct from was and this_change <> all (x.changes)
      and exists (select 1 from sluice.run r where r.id = this_run and (r.state = 'running' or (r.state = 'paused' and now_is->>'state' <> 'sending')));
  if not found then
    -- Null where another has moved it on since.
    select case when x.job - 'at' = now_is - 'at' then x.job end into stored from sluice.unit x
      where x.id = unit_id and x.run_id = this_run and this_change = any (x.changes);
    if found then
      return stored;
    end if;
    update sluice.unit x set changes = sluice.with_change(x.changes, this_change)
      where x.id = unit_id and x.run_id = this_run and x.node = this_node;
  end if;
  update sluice.node n set calls = n.calls + extra_calls where n.run_id = this_run and n.name = this_node and extra_calls > 0;
  return stored;
end $$;
