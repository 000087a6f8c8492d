-- Actions: one row for each write to a third party. Written by db/stores/action.
-- States: ready (may be sent) → sending (committed before the call) → done | ready again (refused or never sent) |
-- unknown (sent, and nobody recorded how it went) → looked up: done | ready. Ends: done, failed, cancelled.

create table sluice.action_step (
  workflow_id text primary key,
  -- The saga that it is a step of, else its own.
  root_workflow_id text not null,
  provider text not null,
  action text not null,
  account text not null,
  tenant text not null,
  -- Set for a compensation: the workflow whose write it takes back.
  undoes text,
  -- Sent to the third party: the same over retries, kills and restarts.
  idempotency_key uuid not null,
  input jsonb not null,
  state text not null default 'ready' check (state in ('ready', 'sending', 'unknown', 'done', 'failed', 'cancelled')),
  -- Real attempts that count against the budget, and all calls with look-ups and refusals by a limit.
  attempts int not null default 0,
  calls int not null default 0,
  -- Refusals of its credentials in a row: the first one costs no attempt.
  refusals int not null default 0,
  -- Which sending is under way: an answer to an older one may still say `done`, and nothing else.
  sending int not null default 0,
  sent_at timestamptz,
  -- Number of its latest change among those that would do harm twice: one that is repeated, since its answer was lost, is known by it.
  change bigint,
  -- When the last sending repeats earlier ones whose fate is not known: the first of them. From then on the third party may know
  -- the key. Of a ready row: one whose fate was unknown has been looked up, and was not there. Else null.
  unsettled_at timestamptz,
  output jsonb,
  error text,
  error_type text,
  created_at timestamptz not null default clock_timestamp(),
  ended_at timestamptz,
  -- Who has said what became of a write whose fate was left to a person, and when.
  resolved_by text,
  resolved_at timestamptz
) with (fillfactor = 80);
create index action_step_by_root on sluice.action_step (root_workflow_id);
create index action_step_ended on sluice.action_step (ended_at) where ended_at is not null;

-- Inputs of sagas; their steps are rows of action_step.
create table sluice.saga (
  workflow_id text primary key,
  name text not null,
  account text not null,
  tenant text not null,
  -- The tenant that its client sees alone; the entities of its steps are that tenant's own. Else null.
  bound_to text,
  started_by text not null,
  input jsonb not null,
  created_at timestamptz not null default clock_timestamp()
);
create index saga_created on sluice.saga (created_at);
