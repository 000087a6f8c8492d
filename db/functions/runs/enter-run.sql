-- What a workflow must know that begins or goes on with a run: its state, the nodes that have ended, and as many open units of each
-- other node as its window holds.
create or replace function sluice.enter_run(for_run uuid) returns jsonb language sql set search_path = pg_catalog as $$
  select jsonb_build_object(
    'state', r.state, 'pausedReason', r.paused_reason, 'plan', r.plan,
    'ended', (select coalesce(jsonb_agg(n.name), '[]') from sluice.node n
      where n.run_id = r.id and n.state not in ('waiting', 'running')),
    'units', (select coalesce(jsonb_agg(jsonb_build_object('id', u.id, 'node', n->>'name', 'parentKey', u.parent_key, 'part', u.part, 'lane', u.lane)
          order by o, u.id), '[]')
        from jsonb_array_elements(r.plan->'nodes') with ordinality x(n, o)
        cross join lateral sluice.next_units(r.id, n->>'name', '{}', (n->>'window')::int) u
        where r.state = 'running'))
  from sluice.run r where r.id = for_run
$$;
