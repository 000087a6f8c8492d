-- What a workflow must know that begins or continues a run. It is the run's state, the nodes that have ended, and as many open
-- units of each other node as its window holds. A run that was to be paused before it was opened is paused here.
create or replace function sluice.enter_run(for_run uuid) returns jsonb language plpgsql set search_path = pg_catalog as $$
declare
  whose text;
begin
  -- Against ask_run.
  perform pg_advisory_xact_lock(hashtextextended('sluice.run ' || for_run, 0));
  delete from sluice.run_wish where run_id = for_run returning paused_by into whose;
  if found then
    update sluice.run set state = 'paused', paused_by = whose where id = for_run and state in ('running', 'paused');
  end if;
  return (
    select jsonb_build_object(
      'state', r.state, 'pausedReason', r.paused_reason, 'plan', r.plan,
      'ended', (select coalesce(jsonb_agg(n.name), '[]') from sluice.node n
        where n.run_id = r.id and n.state not in ('waiting', 'running')),
      'units', (select coalesce(jsonb_agg(jsonb_build_object('id', u.id, 'node', n->>'name', 'parentKey', u.parent_key, 'part', u.part, 'lane', u.lane)
            order by o, u.id), '[]')
          from jsonb_array_elements(r.plan->'nodes') with ordinality x(n, o)
          cross join lateral sluice.next_units(r.id, n->>'name', '{}', (n->>'window')::int) u
          where r.state = 'running'))
    from sluice.run r where r.id = for_run);
end $$;
