-- Ends a run whose last node has been read, with that node, and with its report where all of it is right. It does what
-- `settle_lists`, `finish_node`, `finish_run` and `end_report` do one after the other. With `if_idle` only a run that is running
-- and has nothing open.
-- Returns what `finish_run` returns, and whether the report was ended; null when it is to be done step by step, or not yet.
create or replace function sluice.end_read(
  for_run uuid, for_node text, marks_deletions boolean, allows_empty boolean, max_skipped_share float8, room int, if_idle boolean,
  its_report uuid, report_run uuid
) returns jsonb language plpgsql set search_path = pg_catalog as $$
declare
  result jsonb;
begin
  if if_idle and (
    not exists (select 1 from sluice.run r where r.id = for_run and r.state = 'running')
    or exists (select 1 from sluice.node n where n.run_id = for_run and n.waiting + n.running > 0)
  ) then
    return null;
  end if;
  if sluice.settle_lists(for_run, for_node, marks_deletions, allows_empty, room) >= room
    or not sluice.finish_node(for_run, for_node, max_skipped_share) then
    return null;
  end if;
  result := sluice.finish_run(for_run, 'read', null);
  return result || jsonb_build_object('isReported', result->>'state' = 'done' and its_report is not null
    and sluice.end_report(its_report, 'ok', null, null, null, report_run));
end $$;
