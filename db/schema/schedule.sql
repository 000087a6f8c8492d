-- What the code of syncs declares, as it was applied last: when runs start by themselves, how old rows may be. Written by
-- db/stores/schedule/*.ts. Locks, always in this order: declaration, due.

create table sluice.declaration (
  kind text not null check (kind in ('schedule', 'freshness')),
  -- `sync` or `sync/name`.
  id text not null,
  sync text not null,
  provider text not null,
  -- Whose it is: workers of this task queue serve the sync, and nobody else touches it.
  task_queue text not null,
  spec jsonb not null,
  -- Moves on with every change of the spec: accounts that were placed by an older one are placed anew.
  version int not null default 1,
  paused_at timestamptz,
  paused_reason text,
  applied_at timestamptz not null default clock_timestamp(),
  primary key (kind, id)
);

-- What the code of the workers of a task queue declares: of the one that has said something else last. Where it differs for long from what
-- is in force, an alert says so.
create table sluice.declared_code (
  task_queue text primary key,
  declarations jsonb not null,
  told_at timestamptz not null default clock_timestamp()
);

-- What each worker serves, told six times a minute. A worker that lacks a part of a run's tree leaves the run to one that has it, for as
-- long as there is one.
create table sluice.worker (
  id uuid primary key,
  -- As Temporal knows its process.
  identity text not null,
  task_queue text not null,
  -- That and those of its other roles: what it asks for tasks.
  queues text[] not null default '{}',
  -- The paths of each sync's tree, by its name.
  serves jsonb not null,
  -- Calls at once of each role, as it was started.
  concurrency int not null,
  seen_at timestamptz not null default clock_timestamp(),
  -- What an operator wants of it: other calls at once; that it ends. It looks when it tells.
  wanted_concurrency int check (wanted_concurrency between 0 and concurrency),
  is_draining boolean not null default false
);

-- When each account is due by each schedule: a row for every connected account of the provider. Any worker claims what is due. A
-- claim is a lease: a worker that is killed loses nothing. The run's report has `start_id` as its id, which keeps another worker
-- from starting the same twice.
create table sluice.due (
  schedule text not null,
  account text not null,
  due_at timestamptz not null,
  -- Its own within the schedule, from 0 on: where in the period it is due (contracts/schedules/slots.ts).
  place int not null,
  -- Its account is not connected: it is not looked at, and keeps its time.
  is_parked boolean not null default false,
  is_catch_up boolean not null default false,
  version int not null,
  lease_until timestamptz,
  start_id uuid,
  last_at timestamptz,
  last_outcome text check (last_outcome in ('started', 'joined', 'busy', 'skipped', 'missed', 'failed')),
  last_error text,
  primary key (schedule, account)
) with (fillfactor = 70);
create unique index due_place on sluice.due (schedule, place);
create index due_next on sluice.due (schedule, due_at) where not is_parked;
create index due_parked on sluice.due (schedule) where is_parked;
create index due_failed on sluice.due (schedule) where last_outcome = 'failed';
create index due_by_account on sluice.due (account);
