-- Ends a run, once: a second caller reads what the first one decided. `how` is 'read' (to its end), 'cancelled', or 'failed' with `why`.
-- Locks: the run. Returns { state, flaws, rows, calls }, or null when there is no such run. Flaws are grouped by node, kind and
-- reason: a million lists with one reason are one entry; at most 50, the most frequent first.
create or replace function sluice.finish_run(for_run uuid, how text, why text) returns jsonb language plpgsql set search_path = pg_catalog as $$
declare
  r sluice.run;
  bad sluice.node;
  found_flaws jsonb;
  worst jsonb;
  allowed text;
begin
  select * into r from sluice.run x where x.id = for_run for no key update;
  if not found then
    return null;
  end if;
  if r.state in ('running', 'paused') then
    select coalesce(jsonb_agg(f), '[]') into found_flaws from (
      select u.node, u.end_kind as kind, coalesce(u.reason, u.flaw, '') as reason, count(*) as count,
        min(case when u.parent_record is null then '' else u.parent_key end) as example
      from sluice.unit u where u.run_id = for_run and u.end_kind <> 'complete'
      group by u.node, u.end_kind, coalesce(u.reason, u.flaw, '') order by count(*) desc limit 50
    ) f;
    select * into bad from sluice.node n where n.run_id = for_run and n.state = 'failed' order by n.ordinal limit 1;
    r.state := case
      when how = 'cancelled' then 'cancelled'
      when how = 'failed' or bad.name is not null then 'failed'
      when found_flaws <> '[]' or exists (select 1 from sluice.node n where n.run_id = for_run and n.waiting + n.running > 0)
        then 'incomplete'
      else 'done' end;
    r.reasons := found_flaws;
    r.error := why;
    if r.state = 'failed' and why is null then
      select f into worst from jsonb_array_elements(found_flaws) f
        where f->>'node' = bad.name and f->>'kind' in ('failed', 'skipped') limit 1;
      allowed := (select n->'onChildError'->>'maxSkippedShare' from jsonb_array_elements(r.plan->'nodes') n where n->>'name' = bad.name);
      r.error := case
        when bad.parent is null then format('%s: %s', bad.name, coalesce(worst->>'reason', 'failed'))
        else format('%s: %s of %s lists could not be read (%s failed, %s skipped), more than the share of %s that onChildError.maxSkippedShare '
          'allows, e.g. "%s": %s', bad.name, bad.failed + bad.skipped, bad.done + bad.failed + bad.skipped, bad.failed, bad.skipped, allowed,
          worst->>'example', worst->>'reason') end;
    end if;
    update sluice.run x set state = r.state, reasons = r.reasons, error = r.error, ended_at = clock_timestamp() where x.id = for_run;
  end if;
  return (
    select jsonb_build_object('state', r.state, 'flaws', r.reasons, 'rows', coalesce(sum(n.rows), 0), 'calls', coalesce(sum(n.calls), 0))
    from sluice.node n where n.run_id = for_run
  );
end $$;
