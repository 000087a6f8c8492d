-- Reports: one row for each action, saga and sync run. Written by db/stores/report, and by
-- db/functions/runs where a run's end is one statement with its report's.
-- Life: pending (inserted by the starter before the workflow is started) → ok | failed | cancelled (by the workflow itself, else by
-- the reconciler that asks Temporal). A failed one is then told to the app: tell = due → told. So is a pending one whose run can't
-- continue by itself: it has a notice, and the reason as its error.

create table sluice.report (
  id uuid primary key,
  seq bigint generated always as identity,
  kind text not null check (kind in ('sync', 'action', 'saga')),
  name text not null,
  account text not null,
  tenant text not null,
  started_by text not null,
  workflow_id text not null,
  -- The first run of a chain of continue-as-new; null until Temporal has accepted the start.
  run_id uuid,
  -- The workflow that this one belongs to (a saga, for its steps), else its own: failures of one are told in order.
  root_workflow_id text not null,
  what text not null,
  status text not null default 'pending' check (status in ('pending', 'ok', 'failed', 'cancelled')),
  error text,
  error_type text,
  traceback text,
  attempts int not null default 0,
  started_at timestamptz not null default clock_timestamp(),
  ended_at timestamptz,
  end_seq bigint,
  -- When the reconciler looks next whether the workflow of a pending report is still open.
  check_at timestamptz not null default clock_timestamp() + interval '10 seconds',
  tell text not null default 'no' check (tell in ('no', 'due', 'told')),
  tell_at timestamptz,
  tell_tries int not null default 0,
  tell_error text,
  -- Of a pending run: its account must be connected again, or nothing has moved for too long.
  notice text check (notice in ('needs-reconnect', 'no-progress')),
  -- Pages and ended lists of the run when they were last seen to have changed.
  progress bigint not null default 0,
  progress_at timestamptz not null default clock_timestamp()
) with (fillfactor = 80);
create unique index report_of_run on sluice.report (workflow_id, run_id) where run_id is not null;
create index report_by_account on sluice.report (account, seq);
create index report_of_action on sluice.report (account, seq) where kind = 'action';
create index report_by_seq on sluice.report (seq);
-- Lists of reports, newest first, of a status and a kind.
create index report_by_status on sluice.report (status, kind, seq);
create index report_by_workflow on sluice.report (workflow_id, seq);
create index report_to_check on sluice.report (check_at) where status = 'pending';
create index report_to_tell on sluice.report (root_workflow_id, end_seq) where tell = 'due';
create index report_noticed on sluice.report (run_id) where notice is not null;
create index report_pending_by_account on sluice.report (account) where status = 'pending';
create index report_pending_sync on sluice.report (run_id) where status = 'pending' and kind = 'sync';
create index report_ended on sluice.report (ended_at) where status <> 'pending';

create sequence sluice.report_end_seq;
