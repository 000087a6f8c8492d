-- Ends a report, once. One row by primary key; the sums read the few rows of the run by index. Only a failure is told to the app.
-- Returns false when it had ended before, or there is none.
create or replace function sluice.end_report(its_id uuid, its_end text, why text, its_type text, trace text, its_run uuid)
returns boolean language plpgsql set search_path = pg_catalog as $$
begin
  update sluice.report r set
    status = its_end, error = why, error_type = its_type, traceback = trace, run_id = coalesce(r.run_id, its_run),
    ended_at = clock_timestamp(), end_seq = nextval('sluice.report_end_seq'),
    tell = case when its_end = 'failed' then 'due' else 'no' end, tell_at = clock_timestamp(), tell_tries = 0, notice = null,
    attempts = case r.kind
      when 'sync' then (select coalesce(sum(n.calls), 0) from sluice.node n where n.run_id = coalesce(r.run_id, its_run))
      when 'saga' then (select coalesce(sum(a.calls), 0) from sluice.action_step a where a.root_workflow_id = r.workflow_id)
      else (select coalesce(sum(a.calls), 0) from sluice.action_step a where a.workflow_id = r.workflow_id) end
  where r.id = its_id and r.status = 'pending';
  return found;
end $$;
