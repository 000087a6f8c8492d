-- Takes a place. Returns { state: 'held' | 'waiting' | 'refused', ahead: [workflow ids], byRoot }. Asking twice is one
-- place; with byRoot there is none of its own to give back.
create or replace function sluice.take_lock(for_entity text, for_workflow text, root text, of_kind text, of_name text, of_account text,
  by_whom text, policy text) returns jsonb language plpgsql set search_path = pg_catalog as $$
declare
  mine sluice.entity_lock;
  before text[];
  is_step boolean := root <> for_workflow;
begin
  if is_step then
    -- Before the entity's own lock: the circle is looked for in a graph to which nobody else adds.
    perform pg_advisory_xact_lock(hashtextextended('sluice.entities', 0));
  end if;
  perform pg_advisory_xact_lock(hashtextextended('sluice.entity/' || for_entity, 0));
  -- A saga that holds the entity holds it for its steps.
  if is_step and exists (
    select 1 from sluice.entity_lock l where l.entity = for_entity and l.workflow_id = root and l.acquired_at is not null)
  then
    return jsonb_build_object('state', 'held', 'ahead', '[]'::jsonb, 'byRoot', true);
  end if;
  select * into mine from sluice.entity_lock l where l.entity = for_entity and l.workflow_id = for_workflow;
  select array_agg(l.workflow_id order by l.ticket) into before from sluice.entity_lock l
    where l.entity = for_entity and l.workflow_id <> for_workflow and (mine.ticket is null or l.ticket < mine.ticket);
  if before is not null and mine.ticket is null and policy = 'refuse' then
    return jsonb_build_object('state', 'refused', 'ahead', to_jsonb(before));
  end if;
  -- `cancel-previous` ends those before it, whatever they wait for.
  if is_step and before is not null and mine.ticket is null and policy = 'wait' and exists (
    with recursive reached (root_id) as (
      select l.root_workflow_id from sluice.entity_lock l where l.entity = for_entity and l.workflow_id = any (before)
      union
      -- Whom they wait for: all that are ahead of them somewhere. Who is to leave its queue waits for nobody.
      select ahead.root_workflow_id from reached
        join sluice.entity_lock waiting on waiting.root_workflow_id = reached.root_id
          and not (waiting.is_cancelled and waiting.acquired_at is null)
        join sluice.entity_lock ahead on ahead.entity = waiting.entity and ahead.ticket < waiting.ticket
    ) select 1 from reached where root_id = root)
  then
    return jsonb_build_object('state', 'refused', 'ahead', to_jsonb(before), 'isCircle', true);
  end if;
  if before is not null and policy = 'cancel-previous' then
    update sluice.entity_lock l set is_cancelled = true where l.entity = for_entity and l.workflow_id = any (before);
  end if;
  if mine.ticket is null then
    insert into sluice.entity_lock (entity, workflow_id, root_workflow_id, kind, name, account, started_by, acquired_at, is_told)
      values (for_entity, for_workflow, root, of_kind, of_name, of_account, by_whom,
        case when before is null then clock_timestamp() end, before is null);
  end if;
  return jsonb_build_object('state', case when before is null then 'held' else 'waiting' end,
    'ahead', coalesce(to_jsonb(before), '[]'::jsonb));
end $$;
