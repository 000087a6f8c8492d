-- One operation at a time on one entity. A row is a place in the queue of its entity; the lowest ticket holds the lock.
-- The owner is a workflow: it gives the place back in its `finally`, and the reconciler takes it from a closed one.
-- Every function here locks the entity's queue first (advisory, until the transaction ends).

create table sluice.entity_lock (
  ticket bigint generated always as identity primary key,
  entity text not null,
  workflow_id text not null,
  root_workflow_id text not null,
  kind text not null,
  name text not null,
  account text not null,
  started_by text not null,
  requested_at timestamptz not null default clock_timestamp(),
  acquired_at timestamptz,
  -- The owner knows that it holds the lock.
  is_told boolean not null default false,
  -- A later operation wants this one gone.
  is_cancelled boolean not null default false,
  check_at timestamptz not null default clock_timestamp() + interval '10 seconds',
  unique (entity, workflow_id)
);
create index entity_lock_queue on sluice.entity_lock (entity, ticket);
create index entity_lock_owner on sluice.entity_lock (workflow_id);
create index entity_lock_to_check on sluice.entity_lock (check_at);

-- Takes a place. Returns { state: 'held' | 'waiting' | 'refused', ahead: [workflow ids], byRoot }. Asking twice is one
-- place; with byRoot there is none of its own to give back.
create function sluice.take_lock(for_entity text, for_workflow text, root text, of_kind text, of_name text, of_account text,
  by_whom text, policy text) returns jsonb language plpgsql as $$
declare
  mine sluice.entity_lock;
  before text[];
begin
  perform pg_advisory_xact_lock(hashtextextended('sluice.entity/' || for_entity, 0));
  -- A saga that holds the entity holds it for its steps.
  if root <> for_workflow and exists (
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

-- Gives a place back and hands the lock to the next one. Returns the workflow that holds it now and does not know yet.
create function sluice.release_lock(for_entity text, for_workflow text) returns text language plpgsql as $$
declare
  next_one sluice.entity_lock;
begin
  perform pg_advisory_xact_lock(hashtextextended('sluice.entity/' || for_entity, 0));
  delete from sluice.entity_lock l where l.entity = for_entity and l.workflow_id = for_workflow;
  select * into next_one from sluice.entity_lock l where l.entity = for_entity order by l.ticket limit 1;
  if next_one.ticket is null or next_one.is_told then
    return null;
  end if;
  update sluice.entity_lock set acquired_at = coalesce(acquired_at, clock_timestamp()) where ticket = next_one.ticket;
  return next_one.workflow_id;
end $$;

-- Does this workflow hold the entity's lock? Asking is also being told.
create function sluice.holds_lock(for_entity text, for_workflow text) returns boolean language plpgsql as $$
begin
  perform pg_advisory_xact_lock(hashtextextended('sluice.entity/' || for_entity, 0));
  update sluice.entity_lock l set acquired_at = coalesce(l.acquired_at, clock_timestamp()), is_told = true
    where l.entity = for_entity and l.workflow_id = for_workflow
      and l.ticket = (select min(x.ticket) from sluice.entity_lock x where x.entity = for_entity);
  return found;
end $$;
