-- Runs and the nodes of their trees. All times are the database's own. Written by db/functions/runs, lists,
-- pages and accounts, by db/stores/run, and by db/stores/sync/insert-only-pages.ts for plain pages.

create table sluice.run (
  id uuid primary key,
  workflow_id text not null,
  provider text not null,
  sync text not null,
  account text not null,
  tenant text,
  input jsonb not null,
  plan jsonb not null,
  -- incremental: lists are asked from their watermarks on; full: from their beginning.
  mode text not null default 'incremental' check (mode in ('incremental', 'full')),
  -- Workflow id of the fleet that carries it out, or has; null where it has a workflow of its own.
  fleet text,
  -- The id that it had in a fleet, before a workflow of its own took it over: its rows were stored under it.
  fleet_id uuid,
  -- The run whose failed lists this one reads again, and those that it was itself a retry of.
  retry_of uuid[] not null default '{}',
  state text not null default 'running' check (state in ('running', 'paused', 'done', 'incomplete', 'failed', 'cancelled')),
  -- Why it is paused: by its operator, because its account must be connected again, or until its workflow ends it as cancelled.
  paused_by text check (paused_by in ('operator', 'auth', 'cancel')),
  paused_reason text,
  -- How often it was paused from outside: a resume that was asked for before the last of them does nothing.
  pauses int not null default 0,
  reasons jsonb not null default '[]',
  error text,
  started_at timestamptz not null default clock_timestamp(),
  ended_at timestamptz
);
create index run_by_workflow on sluice.run (workflow_id, started_at desc);
create index run_by_account on sluice.run (account, sync, started_at desc);
-- Good runs: the last one of an account and sync says how old its rows are.
create index run_good on sluice.run (account, sync, ended_at desc) where state = 'done';
-- The newest runs of a sync.
create index run_ended on sluice.run (sync, ended_at desc) where ended_at is not null;
-- Ended runs by age, and those that read again what others had failed at.
create index run_by_age on sluice.run (ended_at, id) where ended_at is not null;
create index run_retry on sluice.run (account, sync) where retry_of <> '{}';
-- Lists of runs, newest first: of a state, of a state and a sync, a provider or a tenant.
create index run_by_state on sluice.run (state, started_at, id);
create index run_by_sync on sluice.run (sync, state, started_at, id);
create index run_by_provider on sluice.run (provider, state, started_at, id);
create index run_by_tenant on sluice.run (tenant, state, started_at, id) where tenant is not null;
create index run_open on sluice.run (provider, sync, account) where state in ('running', 'paused');
-- One at a time of an account and sync.
create unique index run_of_account_in_fleet on sluice.run (account, sync) where state in ('running', 'paused') and fleet is not null;
create index run_in_fleet on sluice.run (fleet, id) where state in ('running', 'paused') and fleet is not null;
create index run_paused_for_auth on sluice.run (provider, account) where state = 'paused' and paused_by = 'auth';

-- What was asked of a run before a worker opened it.
create table sluice.run_wish (
  run_id uuid primary key,
  paused_by text not null check (paused_by in ('operator', 'cancel')),
  asked_at timestamptz not null default clock_timestamp()
);

-- Counters of one node of a run's tree: progress is one index read, whatever the number of units.
create table sluice.node (
  run_id uuid not null references sluice.run on update cascade on delete cascade,
  name text not null,
  ordinal smallint not null,
  parent text,
  resource text not null,
  state text not null default 'waiting' check (state in ('waiting', 'running', 'done', 'incomplete', 'failed', 'skipped')),
  waiting int not null default 0,
  running int not null default 0,
  done int not null default 0,
  failed int not null default 0,
  skipped int not null default 0,
  flawed int not null default 0,
  pages bigint not null default 0,
  rows bigint not null default 0,
  calls bigint not null default 0,
  -- Lists up to this parent key have moved their watermark and marked their deletions.
  settled_to text,
  -- Known rows up to this key, which its lists did not bring this time, have been given to its children.
  opened_to text,
  -- The list of the runs before that is being taken over, how far, and whether all of it has been.
  owed_run uuid,
  owed_to bigint,
  owed_taken boolean not null default false,
  primary key (run_id, name)
) with (fillfactor = 50, autovacuum_vacuum_threshold = 500);
