-- One operation at a time on one entity. A row is a place in the queue of its entity; the lowest ticket holds the lock.
-- The owner is a workflow: it gives the place back in its `finally`, and the reconciler takes it from a closed one.
-- Every function of db/functions/locks locks the entity's queue first (advisory, until the transaction ends).

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
create index entity_lock_root on sluice.entity_lock (root_workflow_id);
create index entity_lock_owner on sluice.entity_lock (workflow_id);
create index entity_lock_to_check on sluice.entity_lock (check_at);

-- Two sagas that each hold an entity and wait for the other's would wait for ever: take_lock refuses the one that would close the
-- circle. Only a step of a saga can hold one entity while it waits for another, so only those are looked at, one at a time.
