-- Not released yet: `npm run freeze-sql` writes it anew.

-- Tables, copied from db/schema.

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

-- One unit of work: one list (or object) of one parent. A list that was too long for the third party is split into parts ('0' and
-- '1', then '00', …) with ranges of their own. Parallel lanes of one part are rows of their own.
create table sluice.unit (
  id bigint generated always as identity primary key,
  run_id uuid not null,
  node text not null,
  parent_key text not null,
  -- The row that the list is of; null for the list of a root, whose parent_key names it among those of other inputs.
  parent_record text,
  part text not null default '',
  lane smallint not null default 0,
  -- Lane 0 of the part; null on that one itself.
  root_id bigint,
  range jsonb,
  state text not null default 'waiting' check (state in ('waiting', 'running', 'done', 'failed', 'skipped')),
  position jsonb,
  guard jsonb,
  -- The job of the third party's that its list is the result of (contracts/job.ts); null: none was made.
  job jsonb,
  stalled smallint not null default 0,
  pages int not null default 0,
  -- Items as they came, the different rows among them, and those that came again. They come again because a page was asked for
  -- again, or because rows were added in front of it.
  items int not null default 0,
  rows int not null default 0,
  again int not null default 0,
  -- An operator has taken back that the list had rows: an empty answer is believed.
  is_forgotten boolean not null default false,
  -- Those that did not fit and are in quarantine.
  aside int not null default 0,
  calls int not null default 0,
  attempts smallint not null default 0,
  -- Of the page that comes next: refusals of its credentials, what went wrong last, and a name of the answer that was not understood.
  refusals smallint not null default 0,
  error text,
  puzzle text,
  -- When a unit whose call failed may be called again. Its backoff is kept when the workflow that waits is continued as new, or
  -- its worker is lost. Null, or past: now.
  retry_at timestamptz,
  -- Numbers of its latest changes, the last one first (sluice.with_change), also of those that came late and were only counted: one that
  -- is repeated, since its answer was lost, is known by it, whatever others have done meanwhile.
  changes bigint[] not null default '{}',
  -- Items that the third party says there are, when that number is exact.
  total bigint,
  -- The watermark that it was asked from, and the highest one that its rows have.
  since jsonb,
  watermark jsonb,
  -- Opaque state that its answers have brought, the first of each: see sluice.list.
  kept jsonb,
  -- Rows or fields that could not be taken although their pages were good; the first reason. With `flaws_hold` what is missing
  -- must be asked for again: the list's watermark does not move.
  flaws int not null default 0,
  flaw text,
  flaws_hold boolean not null default false,
  -- When it came up: its parent's row was as it was then, or newer, when the list was asked for.
  opened_at timestamptz not null default clock_timestamp(),
  end_kind text check (end_kind in ('complete', 'flawed', 'capped', 'looped', 'truncated', 'skipped', 'failed')),
  reason text,
  unique (run_id, node, parent_key, part, lane),
  foreign key (run_id, node) references sluice.node (run_id, name) on update cascade on delete cascade
) with (fillfactor = 70);
-- Units that have not ended. A unit that is taken up changes its state, but not what an index is made of.
create index unit_unended on sluice.unit (run_id, node, id) where end_kind is null;
-- Jobs of third parties that are under way: which of them nobody wants any more.
create index unit_with_job on sluice.unit (id) where job->>'state' = 'made';
create index unit_flawed on sluice.unit (run_id, node, id) where end_kind <> 'complete';

-- What the lanes of one part share; made when it gets lanes, removed when one lane reads on alone. Positions are pages (indexes)
-- of one size.
create table sluice.lane_board (
  run_id uuid not null,
  node text not null,
  parent_key text not null,
  part text not null,
  page_size int not null,
  -- From the beginning of one page to the next: pages may overlap.
  stride int not null,
  -- The next page that no lane has yet.
  next_position bigint not null,
  -- Pages up to here are read side by side; null: as far as it goes. The last of them is followed by one more until the end is seen.
  planned_end bigint,
  -- The exact total as it was first told; has another one been told since, or have more rows come than it allows?
  total bigint,
  has_moved boolean not null default false,
  total_is_wrong boolean not null default false,
  -- The first page known to lie past the end, and the last one that had rows.
  end_position bigint,
  last_with_rows bigint not null,
  capped text,
  -- Where pages overlap: by the number of a page, the row with which it begins or should begin. It is kept while only one of the
  -- two pages that share it has come.
  borders jsonb not null default '{}',
  -- What the lane that saw the end wants checked, by the lane that ends last.
  checks jsonb,
  primary key (run_id, node, parent_key, part),
  foreign key (run_id, node) references sluice.node (run_id, name) on update cascade on delete cascade
) with (fillfactor = 50);

-- What is known of an endpoint from the lists of all accounts. It is the most rows that it gave in one page, the largest common cap
-- that a list has gone beyond, and the most rows of a page behind which others came, or were looked for twice in vain. A page is short,
-- and an end is a cap, only against what is known here.
create table sluice.endpoint (
  provider text not null,
  endpoint text not null,
  given int not null default 0,
  beyond bigint not null default 0,
  followed int not null default 0,
  closed int not null default 0,
  primary key (provider, endpoint)
);

-- The page size that works for an endpoint and account; no row means the provider's own start. `need` full pages in a row
-- make it grow by half; the need doubles when a size that was grown to fails.
create table sluice.page_size (
  provider text not null,
  endpoint text not null,
  account text not null,
  size int not null,
  clean int not null default 0,
  need int not null default 5,
  -- The size before the last growth, if it has not shrunk since.
  grown_from int,
  changed_at timestamptz not null default clock_timestamp(),
  primary key (provider, endpoint, account)
) with (fillfactor = 70);

-- What makes the change feed outlive its server. Transactions are numbered anew in a copy of the database, and again after it was
-- put back to an earlier moment. So the feed counts in eras. An era begins whenever another start of a Postgres server writes or
-- reads here.
create table sluice.feed_era (
  -- Positions of one era lie behind all of those before it: see sluice.feed_position.
  era int primary key,
  -- Of two histories that went apart, each has a name of its own for the same number.
  name text not null unique,
  -- When the server was started that writes in it.
  server timestamptz not null,
  began_at timestamptz not null default clock_timestamp()
);

-- How often a feed has been read in an era. A cursor carries the number of its reading. One that is not known here was handed out
-- by a history that this database does not have.
create table sluice.feed_reading (
  account text not null,
  resource text not null,
  era int not null references sluice.feed_era,
  readings bigint not null,
  primary key (account, resource, era)
) with (fillfactor = 70);

-- The last deletion of a feed that was removed, by its place in it. A reader that has not come by it, and began before it, must
-- begin again. Written by db/stores/operate/retention-store.ts.
create table sluice.feed_trim (
  account text not null,
  resource text not null,
  tx bigint not null,
  seq bigint not null,
  primary key (account, resource)
);

-- What is known of each parent's list from run to run. Changed when the list was read to its end, and by a reset.
create table sluice.list (
  account text not null,
  resource text not null,
  parent_key text not null,
  -- Rows of the last reading from its beginning, or more that came since.
  rows bigint not null,
  -- The highest `incremental.field` of its rows: the next run asks from there.
  watermark jsonb,
  -- Opaque state of the third party's, asked with in the next run: { checkpoint, etag, lastModified }.
  kept jsonb,
  -- When a checkpoint was not known any more, and in what words: the run read the list from its beginning by itself.
  expired_at timestamptz,
  expired_reason text,
  run_id uuid not null,
  read_at timestamptz not null,
  -- When its last reading came up: a parent's row that has changed since may have something new below it.
  opened_at timestamptz not null,
  -- When its watermark was last taken away by hand: runs that had begun before do not set it again.
  reset_at timestamptz,
  -- All of its rows are in sluice.member: since its last whole reading its node has looked for deletions.
  is_listed boolean not null default false,
  primary key (account, resource, parent_key)
) with (fillfactor = 85);

-- Which parents' lists have a record, and the run that saw it there last; only for nodes that mark deletions.
create table sluice.member (
  account text not null,
  resource text not null,
  parent_key text not null,
  key text not null,
  run_id uuid not null,
  primary key (account, resource, parent_key, key)
) with (fillfactor = 85);
create index member_by_key on sluice.member (account, resource, key);

create sequence sluice.record_seq cache 32;

-- The latest version of everything fetched. (tx, seq) is the change sequence: tx is the position of the writing transaction
-- (sluice.feed_position). So a reader who stops below the oldest transaction still running can never miss a row that commits
-- late.
create table sluice.record (
  account text not null,
  resource text not null,
  key text not null,
  data jsonb not null,
  tx bigint not null,
  seq bigint not null,
  first_seen_at timestamptz not null,
  last_seen_at timestamptz not null,
  changed_at timestamptz not null,
  deleted_at timestamptz,
  run_id uuid not null,
  unit_id bigint not null,
  primary key (account, resource, key)
) with (fillfactor = 85);
-- For the feed only. With account and resource in front, like the primary key, it would also be used where statistics are old, to
-- search for one row in all that the account has. (No account has a `/` in its name.)
create index record_feed on sluice.record ((account || '/' || resource), tx, seq);
-- Deletions by age.
create index record_gone on sluice.record (deleted_at) where deleted_at is not null;

-- Rows that did not fit: the schema refused them, their key or mapping could not be made, or Postgres does not take them. Kept as they
-- came, so that a mended schema can read them again without a call. The latest one of each row; it counts for nothing once the same
-- row was stored after it.
create table sluice.quarantine (
  id bigint generated always as identity primary key,
  sync text not null,
  node text not null,
  account text not null,
  resource text not null,
  parent_key text not null,
  parent_record text,
  -- Key of the row where that can be read, else '#' and a name of its content.
  name text not null,
  path text not null,
  reason text not null,
  -- JSON as text: what Postgres takes for no JSON is kept too. Null: it could not be written down.
  row_text text,
  -- The answer without its rows, and where they were in it; null where the row was the whole answer.
  frame text,
  place text[],
  run_id uuid not null,
  unit_id bigint not null,
  first_seen_at timestamptz not null,
  last_seen_at timestamptz not null,
  unique (account, resource, parent_key, name)
);
create index quarantine_by_age on sluice.quarantine (last_seen_at);

-- Accounts and their secrets. A secret is ciphertext only (db/encryption.ts), bound to its account, `generation` and `version`.
-- `version` is the fence of refreshes: a new pair of tokens is stored only over the version that it was made from. Written by
-- db/stores/account and db/functions/accounts. Locks, always in this order: account, credential, runs by id.

create table sluice.account (
  provider text not null,
  account text not null,
  tenant text,
  status text not null default 'connected' check (status in ('connected', 'needs_reconnect')),
  reason text,
  since timestamptz not null default clock_timestamp(),
  -- What the provider needs to know of it and is no secret, as the app gave it: a domain, a region, a plan.
  settings jsonb,
  primary key (provider, account)
);
create index account_by_status on sluice.account (status, since, provider, account);
create index account_by_provider on sluice.account (provider, status, since, account);
create index account_by_name on sluice.account (account);

-- Drawn when an account gets secrets that has none: together with `version` no two ciphertexts of an account are bound alike.
create sequence sluice.credential_generation;

create table sluice.credential (
  provider text not null,
  account text not null,
  secret bytea not null,
  key_id text not null,
  generation bigint not null,
  version bigint not null default 1,
  issued_at timestamptz not null default clock_timestamp(),
  is_refreshed boolean not null default false,
  -- An access token is among the secrets: else calls go by a password or a key, or a first token is got by them.
  has_token boolean not null default true,
  life_ms bigint,
  -- When the access token ends, as its issuer said; or when it was refused, which says the same.
  expires_at timestamptz,
  lease_owner uuid,
  lease_until timestamptz,
  -- Refreshes in a row that failed without an answer to the question, and what the last one said. They are for people, and say
  -- whether the app's own set-up is to blame.
  failures int not null default 0,
  failure text,
  is_misconfigured boolean not null default false,
  retry_at timestamptz,
  primary key (provider, account),
  foreign key (provider, account) references sluice.account on delete cascade
) with (fillfactor = 70);
create index credential_by_key on sluice.credential (key_id);

-- Secrets of disconnected accounts that the third party is to be told of. Deleted when it was, or when that was given up.
create table sluice.revocation (
  id bigint generated always as identity primary key,
  provider text not null,
  account text not null,
  secret bytea not null,
  key_id text not null,
  generation bigint not null,
  version bigint not null,
  tenant text,
  settings jsonb,
  asked_at timestamptz not null default clock_timestamp(),
  attempts int not null default 0,
  next_at timestamptz not null default clock_timestamp()
);
create index revocation_due on sluice.revocation (next_at);

-- The audit: who used the secrets of an account, for what, in which hour, how often. Reads are written some seconds later.
create table sluice.secret_use (
  provider text not null,
  account text not null,
  hour timestamptz not null,
  what text not null,
  -- Database role, name of the application, address.
  who text not null,
  times bigint not null,
  first_at timestamptz not null,
  last_at timestamptz not null,
  primary key (provider, account, hour, what, who)
) with (fillfactor = 70);
create index secret_use_by_hour on sluice.secret_use (hour);

-- Logins at third parties that are under way in a browser: what the callback needs. The state and what the browser proves itself by are
-- kept as hashes, and the code verifier nowhere (connecting/login-secrets.ts). Those that are over are deleted by the logins that follow.
create table sluice.login (
  state bytea primary key,
  session bytea not null,
  provider text not null,
  account text not null,
  tenant text,
  -- Null: those that the account has when the callback comes.
  settings jsonb,
  return_to text not null,
  expires_at timestamptz not null,
  taken_at timestamptz
);
create index login_by_end on sluice.login (expires_at);
create index login_by_account on sluice.login (provider, account);

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

-- The limiter's tables. Written by db/functions/limiter.
-- All times are microseconds of the database's clock, read after the row locks are held. Costs are float8 on a grid of
-- 1/1024, so that sums and differences are exact.

-- One row per limit and scope value. A row may have a ring (a known window, or calls in flight), pacing (a bucket, a learned
-- rate), or neither. Without either it is no limit, which can only be blocked, or a gate, which can only be paused or held. Hot:
-- updated by every permit, hence the fill factor and eager vacuum.
create table sluice.limit_bucket (
  id bigint primary key,                          -- 53 bits of the key's SHA-256, made by the client
  key text collate "C" not null unique,           -- provider/limit/scope value; ordered by bytes, so that a prefix is a range
  kind text not null check (kind in ('window', 'calendar', 'bucket', 'inflight', 'learned', 'none', 'gate')),
  spec jsonb not null,                            -- as declared; a changed declaration is noticed by comparing it
  -- Ring: units granted in slot s are at ring[s % slots + 1] until slot s's end + win + guard. Live slots: tail … now + slots_ahead.
  -- A worker that is slow to send has its grants counted so many slots later than now at most.
  declared_max float8,
  override_max float8,
  seen_max float8,                                -- what the third party says its limit is
  max float8,                                     -- the one in force; null = no ring
  win_us bigint not null default 0,
  guard_us bigint not null default 0,
  slot_us bigint not null default 0,
  slots int not null default 0,
  slots_ahead int not null default 0,
  -- Null: the window slides. Else it begins at multiples of win_us after align_us, or at midnights of a zone, and has two slots.
  -- Slot 2k is the inner part of window k. Slot 2k + 1 is the edge of guard_us on both sides of its end, which counts for both
  -- windows.
  align text check (align in ('clock', 'day', 'week', 'month')),
  align_zone text,
  align_us bigint not null default 0,
  ring float8[],
  foreign_used float8 not null default 0,         -- part of used that others took, as their headers told us
  foreign_slot bigint not null default 0,
  higher_seen int not null default 0,             -- answers in a row that promised more than we believe
  reserve_step float8 not null default 1,
  hold_us bigint not null default 500000,         -- calls in flight: smoothed time from permit to release
  -- Pacing: tokens flow in at rate per second up to burst. In hold one call is let through at probe_us.
  declared_rate float8,                           -- of a bucket
  rate float8,
  override_rate float8,
  override_until timestamptz,                     -- when the sweep takes an override back; null = an operator does
  burst float8 not null default 1,
  hold boolean not null default false,
  probe_us bigint not null default 0,
  probe_lease_us bigint not null default 0,       -- a probe is on its way; given up when nothing is heard of it
  epoch int not null default 0,
  law jsonb,                                      -- learned: its control law; gates: their breaker; others: their refusals
  law_version int not null default 0,
  law_stepped_us bigint not null default 0,
  law_due_us bigint,                              -- null = time alone changes nothing
  -- What happened since the law's last step.
  ev_refused int not null default 0,
  ev_failed int not null default 0,
  ev_stale int not null default 0,
  ev_retry_ms float8,
  ev_counted boolean not null default false,      -- the answer that refused said how much is left
  -- Blocked by an answer, or paused by an operator.
  blocked_us bigint not null default 0,
  blocked_at timestamptz,
  blocked_reason text,
  paused_at timestamptz,
  paused_reason text,
  generation bigint not null default 0,           -- of limit_alive, when last written
  -- The columns that change with every permit stand at the end of the row, in the order of how often they change: Postgres logs of
  -- an update that stays on its page only what lies between the first and the last byte that differ. With the ring and the law
  -- between them that would be nearly the whole row, 1.5 kB for each row of each batch.
  -- Queue: tickets with a claim, in order of (class, tag).
  vtime float8[] not null default '{1,1,1}',      -- virtual time of each class: tag of the last one served
  queue_until_us bigint not null default 0,       -- when the last ticket lapses
  queue_cost float8 not null default 0,
  queue_len int not null default 0,
  -- Commits do not wait for the disk, but what is granted never exceeds what a commit that did wait has reserved. After a
  -- crash everything reserved counts as granted.
  reserved float8 not null default 0,
  freed_us bigint not null default 0,             -- what slots gave back in the last seconds, since freed_us: an answer that was
  freed float8 not null default 0,                -- on its way meanwhile may still count it
  tail bigint not null default 0,                 -- the oldest live slot of the ring
  ev_waited_us bigint not null default 0,         -- time in which somebody waited
  ev_ok int not null default 0,
  ev_fresh int not null default 0,                -- of ev_ok: permits of the current epoch
  -- What the newest slot was granted is not in the ring yet: it moves there when that slot is over.
  filling_slot bigint not null default 0,
  tokens float8 not null default 0,               -- pacing: calls that may go at once
  paced_us bigint not null default 0,             -- when tokens last flowed in
  ev_granted float8 not null default 0,
  granted float8 not null default 0,
  filling float8 not null default 0,
  used float8 not null default 0,                 -- of the ring and of what fills
  last_us bigint not null default 0               -- time never runs backwards for a row, whatever the clock does
) with (fillfactor = 50, autovacuum_vacuum_threshold = 1000, autovacuum_vacuum_scale_factor = 0.05, autovacuum_vacuum_cost_delay = 0);
alter table sluice.limit_bucket alter column ring set storage main;
-- None of these columns changes with a permit, so permits stay on their page.
create index limit_bucket_paused on sluice.limit_bucket (key) where paused_at is not null;
create index limit_bucket_blocked on sluice.limit_bucket (blocked_us) where blocked_us > 0;
create index limit_bucket_override_ends on sluice.limit_bucket (override_until) where override_until is not null;

-- A call's place in the queue of a bucket that had no room for it. A place, not a time: eta_us is only an estimate.
create table sluice.limit_ticket (
  bucket_id bigint not null,
  call_key text not null,
  account text not null,
  class smallint not null,
  tag float8 not null,                            -- start tag of start-time fair queueing; order is (class, tag)
  cost float8 not null,
  created_us bigint not null,
  eta_us bigint not null,
  lapse_us bigint not null,                       -- later it holds nobody up, but keeps its tag
  bounces int not null default 0,
  primary key (bucket_id, call_key)
) with (fillfactor = 70, autovacuum_vacuum_threshold = 1000, autovacuum_vacuum_scale_factor = 0.05);
create index limit_ticket_order on sluice.limit_ticket (bucket_id, class, tag);
create index limit_ticket_call on sluice.limit_ticket (call_key);

-- Where each account stands on a shared bucket: its next ticket's tag is never before finish_tag.
create table sluice.limit_account (
  bucket_id bigint not null,
  account text not null,
  class smallint not null,
  finish_tag float8 not null,
  seen_us bigint not null,
  primary key (bucket_id, account, class)
) with (fillfactor = 70, autovacuum_vacuum_threshold = 1000, autovacuum_vacuum_scale_factor = 0.05);

-- What an operator wants to look back at: decreases, blocks, drift, pauses. Kept for some days.
create table sluice.limit_event (
  id bigint generated always as identity primary key,
  bucket_id bigint not null,
  at timestamptz not null default clock_timestamp(),
  type text not null,
  detail jsonb not null default '{}'
);
create index limit_event_bucket on sluice.limit_event (bucket_id, id desc);
create index limit_event_at on sluice.limit_event (at);

-- Unlogged, so it is empty after a crash (or on a promoted standby). That is the sign that commits which did not wait for the
-- disk may be lost. A clean restart keeps it, and loses nothing.
create unlogged table sluice.limit_alive (
  one boolean primary key default true check (one),
  generation bigint not null
);

-- What each process has told last of what it counts itself and adds to rows: how calls went, and elsewhere the pace and the uses of
-- secrets. Where the answer is lost it is told again under the same number, and counts once. Logged: what was told and that it was
-- told are kept together, or lost together.
create table sluice.told (
  teller uuid primary key,
  serial bigint not null,                         -- of its last telling; they come one after another
  at timestamptz not null default clock_timestamp()
) with (fillfactor = 50, autovacuum_vacuum_threshold = 1000, autovacuum_vacuum_scale_factor = 0.05);

-- What operators did: one row for each act of a client that changes something. It is written before the act and completed after it; one
-- that stays `begun` belongs to a process that died. Written by db/stores/operate/audit-store.ts only, never changed later; what an
-- erased account had in its rows is taken out.
create table sluice.audit (
  id bigint generated always as identity primary key,
  at timestamptz not null default clock_timestamp(),
  ended_at timestamptz,
  -- `user:<id>` or `system`.
  by text not null,
  via text not null check (via in ('client', 'cli', 'page')),
  -- As the client names it: `accounts.disconnect`, `run.pause`, …
  act text not null,
  subject_kind text not null,
  subject text not null,
  -- Whose account it concerns; null where it is of none.
  account text,
  tenant text,
  why text,
  before jsonb,
  after jsonb,
  outcome text not null default 'begun' check (outcome in ('begun', 'done', 'failed')),
  error text
);
create index audit_by_subject on sluice.audit (subject, id desc);
create index audit_by_account on sluice.audit (account, id desc) where account is not null;
create index audit_by_tenant on sluice.audit (tenant, id desc) where tenant is not null;
create index audit_by_at on sluice.audit (at);

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

-- What somebody must know: fired once, cleared once, and told to the app and to a webhook until they have taken it. Written by
-- db/stores/alert/*.ts.

create table sluice.alert (
  id uuid primary key default gen_random_uuid(),
  kind text not null check (kind in ('stale', 'needs-reconnect', 'blocked', 'provider-fails', 'flaws', 'unserved', 'drift')),
  -- What it is about: `sync/account`, `provider/account`, a key, a task queue.
  subject text not null,
  tenant text,
  text text not null,
  details jsonb not null default '{}',
  fired_at timestamptz not null default clock_timestamp(),
  cleared_at timestamptz
);
create unique index alert_open on sluice.alert (kind, subject) where cleared_at is null;
create index alert_by_time on sluice.alert (fired_at desc);
create index alert_cleared on sluice.alert (cleared_at) where cleared_at is not null;

-- That an alert was fired or cleared, on its way to one receiver. Those of one alert go in order.
create table sluice.alert_delivery (
  id bigint generated always as identity primary key,
  alert_id uuid not null references sluice.alert on delete cascade,
  event text not null check (event in ('fired', 'cleared')),
  channel text not null check (channel in ('handler', 'webhook')),
  at timestamptz not null default clock_timestamp(),
  due_at timestamptz not null default clock_timestamp(),
  tries int not null default 0,
  error text,
  delivered_at timestamptz
);
create index alert_delivery_due on sluice.alert_delivery (channel, due_at) where delivered_at is null;
create index alert_delivery_of on sluice.alert_delivery (alert_id, channel, id);

-- Task queues that workers have served. A canary is a workflow that only passes through one: when none comes through, nobody serves it.
create table sluice.canary (
  task_queue text primary key,
  asked_at timestamptz,
  passed_at timestamptz not null default clock_timestamp()
);

-- When somebody last looked for alerts: one process does it for all; and what counts as one, as the workers' code says.
create table sluice.alert_round (
  one boolean primary key default true check (one),
  looked_at timestamptz not null,
  rules jsonb not null
);

-- How old the rows of each sync were when somebody last looked, in numbers: to look costs 0.2 s for ten thousand accounts.
create table sluice.freshness_seen (
  one boolean primary key default true check (one),
  at timestamptz not null,
  syncs jsonb not null
);

-- What all workers did together, by the minute for a day and by the quarter of an hour for 90 days. It has some 10,000 rows at
-- most.
-- Written by db/stores/operate/pace-store.ts; each worker adds what it did every some seconds, and removes what is too old.

create table sluice.pace (
  -- How long a slot is, in seconds: 60 or 900.
  grain_s int not null,
  at timestamptz not null,
  calls bigint not null,
  -- Of the calls, those that a limit of the third party has refused.
  refused bigint not null,
  -- Rows that came and were stored.
  rows bigint not null,
  primary key (grain_s, at)
) with (fillfactor = 70);

-- How each limit was used over time: by the minute for a day, by three hours for 90 days. In one slot 1,000 keys at most, those
-- that were refused, waited for and used up first. So it has some two million rows at most, whatever the number of keys. Written
-- by sluice.limit_note_use.
create table sluice.limit_pace (
  bucket_id bigint not null,
  -- How long a slot is, in seconds: 60 or 10,800.
  grain_s int not null,
  at timestamptz not null,
  calls int not null,
  refused int not null,
  -- The most that was used of the window, or in flight, and that waited, at the ends of some seconds.
  used real,
  waiting int not null,
  -- The last limit in force, and the last calls a second given out.
  max real,
  rate real,
  primary key (bucket_id, grain_s, at)
) with (fillfactor = 80);
create index limit_pace_by_time on sluice.limit_pace (grain_s, at);

-- Builds of the workers, in the order in which they began to serve: one row where it is another one than the row before.
create table sluice.deploy (
  at timestamptz primary key default clock_timestamp(),
  build text not null
);

-- When a worker last looked for rows that are older than they are kept: one does it for all. Written by
-- db/stores/operate/retention-store.ts.
create table sluice.retention_round (
  one boolean primary key default true check (one),
  due_at timestamptz not null
);

-- Functions, copied from db/functions.
set local check_function_bodies = off;

-- What a page of one lane tells the others, and the lane's next page. Called by commit_page; locks the lanes' board.
--   move    { index, hasRows, isCellDone, endAt, plannedEnd, first, last, isElsewhere }: see contracts/list.ts
--   fresh   rows of the page that this list has not brought before
--   ended   how the page ends its lane; null when it does not
-- A lane is given pages up to the planned end, and one more behind the last of them, until a page shows where the list ends.
-- Returns how the lane ends, or the position of its next page.
create or replace function sluice.advance_lane(
  u sluice.unit, page jsonb, fresh int, inout ended text, inout why text, out new_position jsonb
) language plpgsql set search_path = pg_catalog as $$
declare
  board sluice.lane_board;
  move jsonb := page->'move';
  page_index bigint := (move->>'index')::bigint;
  has_rows boolean := (move->>'hasRows')::boolean;
  end_here bigint := (move->>'endAt')::bigint;
  told bigint := (page->>'total')::bigint;
  border record;
  doubt jsonb;
begin
  new_position := nullif(page->'position', 'null');
  select * into board from sluice.lane_board b where b.run_id = u.run_id and b.node = u.node
    and b.parent_key = u.parent_key and b.part = u.part for no key update;
  -- Two pages share a row: whichever comes second compares it. Another row, or none, means that rows came or went in between.
  for border in select * from (values (page_index::text, move->>'first'), ((page_index + 1)::text, move->>'last')) b (page, row_name)
    where b.row_name is not null
  loop
    if board.borders ? border.page then
      board.has_moved := board.has_moved or board.borders->>border.page <> border.row_name;
      board.borders := board.borders - border.page;
    elsif border.row_name <> '' then
      board.borders := board.borders || jsonb_build_object(border.page, border.row_name);
    end if;
  end loop;
  board.has_moved := board.has_moved or coalesce((move->>'isElsewhere')::boolean, false);
  if (page->>'isQuietEnd')::boolean then
    -- Behind the total: nothing new means the end, anything new that the total is none.
    if fresh = 0 then
      ended := 'complete';
      end_here := page_index;
    else
      board.total_is_wrong := true;
    end if;
  end if;
  doubt := nullif(coalesce(nullif(page->'checks', 'null'), board.checks)->'doubt', 'null');
  if ended in ('looped', 'truncated') and end_here is null then
    end_here := page_index;
  end if;
  -- An end before a page that has rows: something is missing in between. Where the total has fallen, rows were removed. A list that has
  -- moved is read again, which shows more.
  if coalesce(ended, 'complete') = 'complete' and not (board.has_moved and doubt is not null) and told is not distinct from board.total
     and ((has_rows and page_index >= board.end_position) or end_here <= board.last_with_rows) then
    ended := 'truncated';
    why := format('this list ended before page %s, but page %s had rows', least(end_here, board.end_position),
      case when has_rows then greatest(page_index, board.last_with_rows) else board.last_with_rows end);
  end if;
  if ended = 'capped' then
    -- Said once for the list, by the lane that ends last.
    board.capped := coalesce(board.capped, why);
    ended := 'complete';
    why := null;
  end if;
  board.has_moved := board.has_moved or coalesce(told <> board.total, false);
  board.total := coalesce(board.total, told);
  board.last_with_rows := case when has_rows then greatest(board.last_with_rows, page_index) else board.last_with_rows end;
  board.end_position := least(board.end_position, end_here);
  board.total_is_wrong := board.total_is_wrong or jsonb_typeof(page->'split') = 'array';
  board.planned_end := case when board.total_is_wrong then null
    else greatest(board.planned_end, (move->>'plannedEnd')::bigint) end;
  if ended is null and (move->>'isCellDone')::boolean then
    if board.end_position is null and board.next_position >= board.planned_end and page_index = board.planned_end - 1 then
      board.planned_end := board.planned_end + 1;
    end if;
    if board.next_position >= least(board.end_position, board.planned_end) then
      ended := 'complete';
    else
      new_position := jsonb_build_object('index', board.next_position, 'size', board.page_size, 'stride', board.stride);
      board.next_position := board.next_position + 1;
    end if;
  end if;
  update sluice.lane_board b set next_position = board.next_position, planned_end = board.planned_end, total = board.total,
    has_moved = board.has_moved, total_is_wrong = board.total_is_wrong, end_position = board.end_position,
    last_with_rows = board.last_with_rows, capped = board.capped, borders = board.borders, checks = coalesce(nullif(page->'checks', 'null'), b.checks)
    where b.run_id = u.run_id and b.node = u.node and b.parent_key = u.parent_key and b.part = u.part;
end $$;

-- Pauses a run, or holds it until its workflow has ended it as cancelled, from outside: from here on no call of it is made. One that no
-- worker has opened yet opens so.
create or replace function sluice.ask_run(for_run uuid, what text) returns void language plpgsql set search_path = pg_catalog as $$
declare
  whose text := case what when 'cancel' then 'cancel' else 'operator' end;
begin
  -- Against enter_run: the run is there, or whoever opens it sees what is asked here.
  perform pg_advisory_xact_lock(hashtextextended('sluice.run ' || for_run, 0));
  update sluice.run set state = 'paused', paused_by = whose, paused_reason = null, pauses = pauses + 1
    where id = for_run and state in ('running', 'paused') and paused_by is distinct from 'cancel';
  if not exists (select 1 from sluice.run where id = for_run) then
    insert into sluice.run_wish (run_id, paused_by) values (for_run, whose)
      on conflict (run_id) do update set paused_by = excluded.paused_by where run_wish.paused_by <> 'cancel';
  end if;
end $$;

-- Stores one page: rows, child units, position and counters, in one statement and so in one transaction.
-- Locks, always in this order: the unit, records by key, members by key, rows that are gone by key, the quarantine by name. Then
-- child units by (node, key), the lanes' board, sums of parts, nodes by ordinal.
-- `page` is a PageToCommit of db/stores/sync/page-store.ts, as JSON: records are [[key, data]], children [[node, key, record, unlessRead]].
-- A child with `unlessRead`, its resource, is visited only where its list was not read since the record was stored as it is.
-- `start` gives the list lanes, `move` is a page of a list that has them. With `expectsNew` its rows are taken to be new. Where
-- that is wrong, nothing of the attempt stays, and the page is stored like all others.
-- The fence: the page is stored only in the run and node that it names, and over the very page that it follows. The run must not
-- have ended. A page that comes late changes nothing but the count of calls. One that is repeated, since the answer to its first try
-- was lost, is late as well, and has been counted (`change`).
-- Returns { stale } for such a page, else { rows, fresh, changed, ended, reason, lanes, children, isRunning, isAllNew };
-- `isAllNew` only where it was expected.
create or replace function sluice.commit_page(page jsonb) returns jsonb language plpgsql set search_path = pg_catalog as $$
declare
  u sluice.unit;
  this_run uuid := (page->>'run')::uuid;
  run_state text;
  came int := jsonb_array_length(page->'records');
  put_aside int := jsonb_array_length(page->'aside');
  fresh int := 0;
  fresh_in_run int := 0;
  changed int := 0;
  came_again int := 0;
  clashes int := 0;
  clash text;
  ended text := page->'end'->>'kind';
  why text := page->'end'->>'reason';
  stalled_pages smallint;
  new_position jsonb := nullif(page->'position', 'null');
  new_guard jsonb := page->'guard';
  gone text[];
  split jsonb := nullif(page->'split', 'null');
  go_on jsonb;
  new_lanes int := 0;
  children jsonb := '{}';
  retry_of uuid[] := array(select jsonb_array_elements_text(page->'retryOf'))::uuid[];
  root bigint;
  of_account text := page->>'account';
  of_resource text := page->>'resource';
  now_at timestamptz;
  this_tx bigint;
  all_new boolean;
  r record;
begin
  select * into u from sluice.unit x
    where x.id = (page->>'unit')::bigint and x.run_id = this_run and x.node = page->>'node' for no key update;
  select x.state into run_state from sluice.run x where x.id = this_run;
  if u.id is null or u.pages <> (page->>'pages')::int or u.end_kind is not null or run_state not in ('running', 'paused') then
    if (page->>'change')::bigint = any (u.changes) then
      return jsonb_build_object('stale', true);
    end if;
    update sluice.unit x set changes = sluice.with_change(x.changes, (page->>'change')::bigint) where x.id = u.id;
    update sluice.node n set calls = n.calls + (page->>'calls')::int where n.run_id = this_run and n.name = page->>'node';
    return jsonb_build_object('stale', true);
  end if;
  root := coalesce(u.root_id, u.id);

  if came > 0 then
    if (page->>'expectsNew')::boolean then
      now_at := clock_timestamp();
      this_tx := sluice.feed_position();
      begin
        insert into sluice.record
          (account, resource, key, data, tx, seq, first_seen_at, last_seen_at, changed_at, run_id, unit_id)
        select of_account, of_resource, e->>0, e->1, this_tx, nextval('sluice.record_seq'), now_at, now_at, now_at, u.run_id, root
        from jsonb_array_elements(page->'records') e order by e->>0;
        all_new := true;
        fresh := came;
        fresh_in_run := came;
        changed := came;
      exception when unique_violation then
        -- A row is known, or another page stores it at this moment.
        all_new := false;
      end;
    end if;
    if all_new is not true then
      select * into fresh, fresh_in_run, changed, clashes, clash
        from sluice.store_records(of_account, of_resource, page->'records', u.run_id, root, u.parent_key, retry_of, (page->>'isReread')::boolean);
      if clashes > 0 then
        page := jsonb_set(page, '{flaws}', '{"holds": false}' || coalesce(nullif(page->'flaws', 'null'), '{}') || jsonb_build_object(
          'count', coalesce((page->'flaws'->>'count')::int, 0) + clashes, 'reason', coalesce(page->'flaws'->>'reason', clash)));
      end if;
    end if;

    if (page->>'isMember')::boolean then
      insert into sluice.member as m (account, resource, parent_key, key, run_id)
      select distinct of_account, of_resource, u.parent_key, e->>0, u.run_id
      from jsonb_array_elements(page->'records') e order by 4
      on conflict (account, resource, parent_key, key) do update set run_id = excluded.run_id
        where m.run_id <> excluded.run_id;
    end if;
  end if;
  if jsonb_array_length(page->'gone') > 0 then
    gone := array(select jsonb_array_elements_text(page->'gone'));
    -- One that this list has brought as a row before is counted as that.
    page := jsonb_set(page, '{guard,gone}', to_jsonb(greatest(0, coalesce((page->'guard'->>'gone')::bigint, 0) - (
      select count(*) from sluice.record t
      where t.account = of_account and t.resource = of_resource and t.key = any (gone) and t.unit_id = root))));
    new_guard := page->'guard';
    perform sluice.mark_gone(of_account, of_resource, u.parent_key, gone);
  end if;
  if put_aside > 0 then
    perform sluice.set_aside(u, page);
  end if;
  came_again := case when (page->>'isReread')::boolean then came - fresh else least((page->>'known')::int, came - fresh) end;

  stalled_pages := case when (page->>'isReread')::boolean then u.stalled when came > 0 and fresh = 0 then least(u.stalled + 1, 30000) else 0 end;
  if ended is null and stalled_pages >= (page->>'stalledLimit')::int then
    ended := 'looped';
    why := format('%s pages in a row brought only rows that this list had already brought', stalled_pages);
  end if;

  if jsonb_array_length(page->'children') > 0 then
    for r in
      with inserted as (
        insert into sluice.unit (run_id, node, parent_key, parent_record)
        select u.run_id, c.node, c.key, c.rec
        from (select distinct on (e->>0, e->>1) e->>0 as node, e->>1 as key, e->>2 as rec
              from jsonb_array_elements(page->'children') e
              where e->>3 is null or not exists (
                select 1 from sluice.list k join sluice.record t
                  on t.account = of_account and t.resource = of_resource and t.key = e->>2
                where k.account = of_account and k.resource = e->>3 and k.parent_key = e->>1
                  and k.opened_at >= t.changed_at)
              order by e->>0, e->>1) c
        -- A retry visits only what the runs before it have not read to the end.
        where retry_of = '{}' or not exists (
          select 1 from sluice.unit o where o.run_id = any (retry_of) and o.node = c.node and o.parent_key = c.key
            and o.part = '' and o.lane = 0 and o.end_kind = 'complete')
        order by c.node, c.key
        on conflict (run_id, node, parent_key, part, lane) do nothing
        returning node
      ) select node, count(*)::int as n from inserted group by node
    loop
      children := children || jsonb_build_object(r.node, r.n);
    end loop;
  end if;

  if jsonb_typeof(page->'start') = 'object' and ended is null then
    insert into sluice.lane_board
      (run_id, node, parent_key, part, page_size, stride, next_position, planned_end, total, last_with_rows, capped, borders)
    values (u.run_id, u.node, u.parent_key, u.part, (page->'start'->>'size')::int, (page->'start'->>'stride')::int,
      (page->'start'->>'next')::bigint + (page->'start'->>'lanes')::int, (page->'start'->>'plannedEnd')::bigint,
      (page->>'total')::bigint, (page->'start'->>'next')::bigint - 1, page->'start'->>'capped',
      case when page->'start'->>'last' is null then '{}' else jsonb_build_object(page->'start'->>'next', page->'start'->>'last') end);
    new_lanes := (page->'start'->>'lanes')::int - 1;
    -- Each lane knows the first page: one that brings it again is caught at once.
    insert into sluice.unit (run_id, node, parent_key, parent_record, part, lane, root_id, range, position, guard)
    select u.run_id, u.node, u.parent_key, u.parent_record, u.part, n, root, page->'range',
      jsonb_build_object('index', (page->'start'->>'next')::bigint + n, 'size', (page->'start'->>'size')::int,
        'stride', (page->'start'->>'stride')::int), (page->'guard') - 'gone'
    from generate_series(1, new_lanes) n
    on conflict (run_id, node, parent_key, part, lane) do nothing;
  elsif jsonb_typeof(page->'move') = 'object' then
    select l.ended, l.why, l.new_position into ended, why, new_position from sluice.advance_lane(u, page, fresh, ended, why) l;
  elsif ended is null and (page->>'isQuietEnd')::boolean and fresh = 0 then
    ended := 'complete';
  end if;

  if ended = 'complete' and split is null then
    select e.kind, e.why, e.go_on, e.split into ended, why, go_on, split
      from sluice.end_of_part(u, page, fresh, came_again, why) e;
    if ended = 'complete' and split is null and jsonb_typeof(page->'ifShrunken') = 'object'
       and sluice.is_shrunken(u, of_account, of_resource, u.rows + fresh, page->'ifShrunken') then
      ended := null;
      why := null;
      go_on := page->'ifShrunken';
    end if;
    if go_on is not null then
      -- Whatever came twice so far has been judged.
      new_position := nullif(go_on->'position', 'null');
      new_guard := go_on->'guard';
      came_again := greatest(came_again, u.items + came - u.rows - u.aside - fresh - u.again);
      delete from sluice.lane_board b
        where b.run_id = u.run_id and b.node = u.node and b.parent_key = u.parent_key and b.part = u.part;
    end if;
  end if;
  if split is not null then
    -- Both halves of a capped range become parts of this list, once, whichever lane met the cap first.
    insert into sluice.unit (run_id, node, parent_key, parent_record, part, range)
    select u.run_id, u.node, u.parent_key, u.parent_record, u.part || n, split->n from generate_series(0, 1) n
    on conflict (run_id, node, parent_key, part, lane) do nothing;
    get diagnostics new_lanes = row_count;
  end if;

  update sluice.unit set
    state = case when ended is null then 'running' when ended in ('skipped', 'failed') then ended else 'done' end,
    position = new_position, range = nullif(page->'range', 'null'), guard = new_guard, stalled = stalled_pages,
    pages = u.pages + 1, items = u.items + came + put_aside, aside = u.aside + put_aside, rows = u.rows + fresh, again = u.again + came_again,
    calls = u.calls + (page->>'calls')::int, attempts = 0, refusals = 0, error = null, puzzle = null, retry_at = null,
    total = coalesce((page->>'total')::bigint, u.total), since = nullif(page->'since', 'null'),
    watermark = coalesce(nullif(page->'watermark', 'null'), u.watermark),
    kept = sluice.kept_with(u.kept, u.guard, u.position, page->'kept'),
    flaws = u.flaws + coalesce((page->'flaws'->>'count')::int, 0), flaw = coalesce(u.flaw, page->'flaws'->>'reason'),
    flaws_hold = u.flaws_hold or coalesce((page->'flaws'->>'holds')::boolean, false),
    end_kind = ended, reason = why, changes = sluice.with_change(u.changes, (page->>'change')::bigint)
    where id = u.id;

  update sluice.node set
    pages = pages + 1, rows = rows + fresh_in_run, calls = calls + (page->>'calls')::int,
    waiting = waiting + new_lanes - case when ended is not null and u.state = 'waiting' then 1 else 0 end,
    running = running - case when ended is not null and u.state = 'running' then 1 else 0 end,
    done = done + case when ended is not null and ended not in ('skipped', 'failed') then 1 else 0 end,
    skipped = skipped + case when ended = 'skipped' then 1 else 0 end,
    failed = failed + case when ended = 'failed' then 1 else 0 end,
    flawed = flawed + case when ended is not null and ended <> 'complete' then 1 else 0 end
    where run_id = u.run_id and name = u.node;

  for r in select n.name, (children->>n.name)::int as added from sluice.node n
    where n.run_id = u.run_id and (n.parent = u.node or n.name = u.node) and children ? n.name order by n.ordinal
  loop
    update sluice.node n set waiting = n.waiting + r.added where n.run_id = u.run_id and n.name = r.name;
  end loop;

  return jsonb_build_object('rows', came, 'fresh', fresh, 'changed', changed, 'ended', ended, 'reason', why,
    'lanes', new_lanes, 'children', children, 'isAllNew', all_new, 'isRunning', run_state = 'running');
end $$;

-- Connects an account, for the first time or again; with `new_secret` null the app keeps the secrets itself.
-- Whatever refresh is under way with older tokens can't be stored any more: the version has moved on.
--   for_settings        null leaves those that it has
--   may_change_tenant   an account may be given to another tenant, also one that had none, and one that was disconnected and has rows
--   for_generation, for_version   what the ciphertext is bound to: those of the secrets that follow on the ones that are there
-- Returns `done`; or, with nothing changed, `newer` when other secrets were stored meanwhile (seal them anew), `other-tenant` when it
-- belongs to another tenant than the one that is given. Locks: account, credential.
create or replace function sluice.connect_account(
  for_provider text, for_account text, for_tenant text, new_secret bytea, new_key text, new_life_ms bigint,
  for_generation bigint, for_version bigint, for_settings jsonb, may_change_tenant boolean, brings_token boolean
) returns text language plpgsql set search_path = pg_catalog as $$
declare
  c sluice.credential;
  known_tenant text;
begin
  -- Before it is there: of one that was disconnected its runs and rows say whose it is.
  select t into known_tenant from sluice.tenant_of_account(for_provider, for_account) t;
  if found and known_tenant is distinct from for_tenant and for_tenant is not null and not may_change_tenant then
    return 'other-tenant';
  end if;
  insert into sluice.account (provider, account, tenant) values (for_provider, for_account, for_tenant)
    on conflict (provider, account) do nothing;
  select tenant into known_tenant from sluice.account where provider = for_provider and account = for_account for no key update;
  if known_tenant is distinct from for_tenant and for_tenant is not null and not may_change_tenant then
    return 'other-tenant';
  end if;
  if new_secret is not null then
    select * into c from sluice.credential where provider = for_provider and account = for_account for no key update;
    if c.version is null and for_version <> 1 or c.version is not null and (c.generation, c.version + 1) <> (for_generation, for_version)
    then
      return 'newer';
    end if;
    insert into sluice.credential (provider, account, secret, key_id, generation, version, has_token, life_ms, expires_at)
    values (for_provider, for_account, new_secret, new_key, for_generation, for_version, brings_token, new_life_ms,
      clock_timestamp() + new_life_ms * interval '1 millisecond')
    on conflict (provider, account) do update set
      secret = excluded.secret, key_id = excluded.key_id, version = excluded.version, issued_at = clock_timestamp(),
      is_refreshed = false, has_token = excluded.has_token, life_ms = excluded.life_ms, expires_at = excluded.expires_at,
      lease_owner = null, lease_until = null, failures = 0, failure = null, is_misconfigured = false, retry_at = null;
    perform sluice.note_secret_use(for_provider, for_account, 'connected', 1);
  end if;
  update sluice.account set tenant = coalesce(for_tenant, tenant), settings = coalesce(for_settings, settings), status = 'connected', reason = null, since = clock_timestamp()
    where provider = for_provider and account = for_account;
  return 'done';
end $$;

-- The era in which this server writes; begun by the first one who asks after a start. Locks: of those who begin one, each waits for the
-- one before it.
create or replace function sluice.current_era() returns int language plpgsql set search_path = pg_catalog as $$
declare
  e sluice.feed_era;
begin
  select * into e from sluice.feed_era x order by x.era desc limit 1;
  if e.server = pg_postmaster_start_time() then
    return e.era;
  end if;
  perform pg_advisory_xact_lock(728410559204);
  select * into e from sluice.feed_era x order by x.era desc limit 1;
  if e.server is distinct from pg_postmaster_start_time() then
    e.era := coalesce(e.era, 0) + 1;
    insert into sluice.feed_era (era, name, server) values (e.era, left(md5(gen_random_uuid()::text), 8), pg_postmaster_start_time());
  end if;
  return e.era;
end $$;

-- Counts a call that brought no page, and says when the next one may be made. Fence as in commit_page: a caller that comes late
-- changes nothing but the count of calls, and one that is repeated (`this_change`) not even that.
--   costs      `nothing`, `attempt` of the budget, or `refusal`: of credentials, of which the first one in a row costs nothing and
--              says nothing: what went wrong before it is still what is wrong
--   delay_ms   null: its next call may be made at once
--   why        what went wrong, for people; null leaves what is there
--   riddle     a name of an answer that was not understood; null for any other failure
-- Returns the real attempts at this page so far, whether the answer before was the same riddle, and what went wrong before; null for
-- a caller that comes late.
create or replace function sluice.defer_unit(
  unit_id bigint, this_run uuid, this_node text, at_pages int, costs text, extra_calls int, delay_ms float8, why text, riddle text, this_change bigint,
  out attempts int, out is_same boolean, out before text
) language plpgsql set search_path = pg_catalog as $$
declare
  u sluice.unit;
  is_late boolean;
begin
  select * into u from sluice.unit x where x.id = unit_id and x.run_id = this_run and x.node = this_node for no key update;
  is_late := u.id is null or u.pages <> at_pages or u.end_kind is not null;
  if this_change = any (u.changes) then
    if is_late then
      return;
    end if;
    -- What it was before is not known any more: that the answer was the same riddle shows at the next call.
    attempts := u.attempts;
    is_same := false;
    before := u.error;
    return;
  end if;
  if is_late then
    update sluice.unit x set changes = sluice.with_change(x.changes, this_change) where x.id = u.id;
  else
    attempts := u.attempts + case when costs = 'attempt' or (costs = 'refusal' and u.refusals > 0) then 1 else 0 end;
    is_same := coalesce(u.puzzle = riddle, false);
    before := u.error;
    update sluice.unit x set
      calls = u.calls + extra_calls, attempts = defer_unit.attempts, changes = sluice.with_change(u.changes, this_change),
      refusals = case costs when 'refusal' then u.refusals + 1 when 'attempt' then 0 else u.refusals end,
      error = case when costs = 'refusal' and u.refusals = 0 then coalesce(u.error, why) else coalesce(why, u.error) end, puzzle = riddle, retry_at = clock_timestamp() + delay_ms * interval '1 millisecond'
      where x.id = u.id;
  end if;
  update sluice.node n set calls = n.calls + extra_calls where n.run_id = this_run and n.name = this_node and extra_calls > 0;
end $$;

-- Marks rows as deleted that have been taken out of a list, as far as no other list has them that is still asked for. A row may have moved
-- out of one before the row above that was deleted. Rows that are not known, or were deleted before, stay as they are.
-- Locks: records by key.
create or replace function sluice.delete_unlisted(of_account text, of_resource text, gone text[])
returns void language plpgsql set search_path = pg_catalog as $$
declare
  this_tx bigint;
begin
  -- Locked before it is asked who else has them: of two lists that lose a row at once the second one sees it.
  perform 1 from sluice.record t where t.account = of_account and t.resource = of_resource and t.key = any (gone)
    order by t.key for no key update;
  this_tx := sluice.feed_position();
  update sluice.record t set deleted_at = clock_timestamp(), changed_at = clock_timestamp(),
    tx = this_tx, seq = nextval('sluice.record_seq')
  where t.account = of_account and t.resource = of_resource and t.key = any (gone) and t.deleted_at is null
    and not exists (
      -- Of the row alone (`offset 0`): else a plan by old statistics asks for every member of the list, for each row.
      select 1 from (select m.account, m.resource, m.parent_key, m.run_id from sluice.member m
        where m.account = t.account and m.resource = t.resource and m.key = t.key offset 0) m
      where not sluice.is_list_cut_off(m.account, m.resource, m.parent_key, m.run_id));
end $$;

-- Removes an account and its secrets; with `revokes` they are kept aside until the third party was told (`sluice.revocation`). Runs and
-- records stay. Returns false when there was none. Locks: account, credential.
create or replace function sluice.disconnect_account(for_provider text, for_account text, revokes boolean)
returns boolean language plpgsql set search_path = pg_catalog as $$
begin
  perform 1 from sluice.account where provider = for_provider and account = for_account for update;
  if not found then
    return false;
  end if;
  if revokes then
    insert into sluice.revocation (provider, account, tenant, settings, secret, key_id, generation, version)
    select c.provider, c.account, a.tenant, a.settings, c.secret, c.key_id, c.generation, c.version
      from sluice.credential c join sluice.account a using (provider, account)
      where c.provider = for_provider and c.account = for_account for update of c;
  end if;
  delete from sluice.account where provider = for_provider and account = for_account;
  perform sluice.note_secret_use(for_provider, for_account, 'disconnected', 1);
  return true;
end $$;

-- What becomes of a part of a list whose reading ends with this page: whether that is to be believed. Called by commit_page, under
-- the locks of the unit and of the lanes' board.
--   u, page   the unit before the page, and the page as commit_page has it
--   fresh     rows of the page that this list has not brought before; came_again those that were to come again
--   why       what the page says of its end
-- In this order:
--   other lanes still read                     the lane is done, the part is not
--   the list has moved (`checks`)              it goes on at `go_on`: it is read again, or a page is looked at again
--   fewer rows than places that were read      it is read again, as long as that brings new ones; then `truncated`
--   as many rows as a third party likes to cap split into two parts, or `capped`
--   fewer rows than the exact total            `truncated`
--   fewer rows in all parts than in the whole  `truncated`
--   rows or fields could not be taken          `flawed`
-- Returns the kind of the end, or `go_on` = { position, guard }, or `split` = [range, range].
create or replace function sluice.end_of_part(
  u sluice.unit, page jsonb, fresh int, came_again int, inout why text, out kind text, out go_on jsonb, out split jsonb
) language plpgsql set search_path = pg_catalog as $$
declare
  board sluice.lane_board;
  checks jsonb := nullif(page->'checks', 'null');
  -- Rows that were set aside have come, and are no others than they were.
  put_aside bigint := u.aside + coalesce(jsonb_array_length(page->'aside'), 0);
  came bigint := u.items + jsonb_array_length(page->'records') + coalesce(jsonb_array_length(page->'aside'), 0);
  found bigint := u.rows + fresh + put_aside;
  explained bigint := u.again + came_again;
  all_flaws bigint := u.flaws + coalesce((page->'flaws'->>'count')::int, 0);
  first_flaw text := coalesce(u.flaw, page->'flaws'->>'reason');
  expected bigint := coalesce((page->>'total')::bigint, u.total);
  -- Rows that say that they are gone: the third party counts them, and they are none here.
  gone bigint := coalesce((page->'guard'->>'gone')::bigint, 0);
  in_doubt boolean;
  has_too_few boolean;
  lost text;
begin
  kind := 'complete';
  if (page->>'mayHaveLanes')::boolean then
    select * into board from sluice.lane_board b
      where b.run_id = u.run_id and b.node = u.node and b.parent_key = u.parent_key and b.part = u.part;
    if exists (select 1 from sluice.unit x where x.run_id = u.run_id and x.node = u.node and x.parent_key = u.parent_key
               and x.part = u.part and x.id <> u.id and x.end_kind is null) then
      return;
    end if;
    select found + coalesce(sum(x.rows + x.aside), 0), came + coalesce(sum(x.items), 0), explained + coalesce(sum(x.again), 0),
           case when board.total_is_wrong then null else coalesce(expected, max(x.total)) end,
           all_flaws + coalesce(sum(x.flaws), 0), coalesce(first_flaw, min(x.flaw)),
           put_aside + coalesce(sum(x.aside), 0),
           -- Without a board the list is read again, and what lanes have counted before is counted anew.
           gone + case when board.run_id is null then 0 else coalesce(sum((x.guard->>'gone')::bigint), 0) end
      into found, came, explained, expected, all_flaws, first_flaw, put_aside, gone from sluice.unit x
      where x.run_id = u.run_id and x.node = u.node and x.parent_key = u.parent_key and x.part = u.part and x.id <> u.id;
    checks := coalesce(checks, board.checks);
    if board.capped is not null then
      kind := 'capped';
      why := board.capped;
      return;
    end if;
  end if;

  if checks is not null then
    -- Where the third party counts as many as came, each has its place.
    has_too_few := all_flaws = 0 and coalesce(found + gone < (checks->>'leastRows')::bigint, false)
      and found + gone is distinct from expected;
    in_doubt := coalesce(board.has_moved, false)
      or ((checks->>'isTwiceDoubtful')::boolean and came - found > explained)
      or coalesce(u.rows + fresh > (checks->>'mostRows')::bigint, false)
      or (has_too_few and u.rows + fresh > (checks->>'rowsBefore')::bigint);
    go_on := case when in_doubt then nullif(checks->'doubt', 'null')
      else jsonb_set(nullif(checks->'still', 'null'), '{guard,gone}', to_jsonb(gone)) end;
    if go_on is not null then
      kind := null;
      why := null;
      return;
    end if;
    if checks->'caps' @> to_jsonb(found) then
      split := nullif(checks->'split', 'null');
      kind := case when split is null then 'capped' else 'complete' end;
      why := format('the list ended after exactly %s items: probably the third party''s cap, not the end', found);
      return;
    end if;
    if has_too_few then
      kind := 'truncated';
      why := format('a reading of it has %s rows, of which %s are different ones: its order does not tell all rows apart, and others may be missing. '
        'Ask in the order of something unique', checks->>'leastRows', found + gone);
      return;
    end if;
    if in_doubt and ((checks->>'isTwiceDoubtful')::boolean or checks->>'mostRows' is not null) then
      kind := 'truncated';
      why := 'the list changes faster than it is read';
      return;
    end if;
  end if;
  if found < expected - gone then
    kind := 'truncated';
    why := format('%s rows came%s, but the third party counts %s', found + gone,
      case when put_aside > 0 then ', with those that were set aside' else '' end, expected);
    return;
  end if;
  lost := case when u.part <> '' then sluice.lost_by_split(u, found) end;
  if lost is not null then
    kind := 'truncated';
    why := lost;
  elsif all_flaws > 0 then
    kind := 'flawed';
    why := first_flaw;
  end if;
end $$;

-- Ends a run whose last node has been read, with that node, and with its report where all of it is right. It does what
-- `settle_lists`, `finish_node`, `finish_run` and `end_report` do one after the other. With `if_idle` only a run that is running
-- and has nothing open.
-- Returns what `finish_run` returns, and whether the report was ended; null when it is to be done step by step, or not yet.
create or replace function sluice.end_read(
  for_run uuid, for_node text, marks_deletions boolean, allows_empty boolean, max_skipped_share float8, room int, if_idle boolean,
  its_report uuid, report_run uuid
) returns jsonb language plpgsql set search_path = pg_catalog as $$
declare
  result jsonb;
begin
  if if_idle and (
    not exists (select 1 from sluice.run r where r.id = for_run and r.state = 'running')
    or exists (select 1 from sluice.node n where n.run_id = for_run and n.waiting + n.running > 0)
  ) then
    return null;
  end if;
  if sluice.settle_lists(for_run, for_node, marks_deletions, allows_empty, room) >= room
    or not sluice.finish_node(for_run, for_node, max_skipped_share) then
    return null;
  end if;
  result := sluice.finish_run(for_run, 'read', null);
  return result || jsonb_build_object('isReported', result->>'state' = 'done' and its_report is not null
    and sluice.end_report(its_report, 'ok', null, null, null, report_run));
end $$;

-- Ends a report, once. One row by primary key; the sums read the few rows of the run by index. Only a failure is told to the app.
-- Returns false when it had ended before, or there is none.
create or replace function sluice.end_report(its_id uuid, its_end text, why text, its_type text, trace text, its_run uuid)
returns boolean language plpgsql set search_path = pg_catalog as $$
begin
  update sluice.report r set
    status = its_end, error = why, error_type = its_type, traceback = trace, run_id = coalesce(r.run_id, its_run),
    ended_at = clock_timestamp(), end_seq = nextval('sluice.report_end_seq'),
    tell = case when its_end = 'failed' then 'due' else 'no' end, tell_at = clock_timestamp(), tell_tries = 0, notice = null,
    attempts = case r.kind
      when 'sync' then (select coalesce(sum(n.calls), 0) from sluice.node n where n.run_id = coalesce(r.run_id, its_run))
      when 'saga' then (select coalesce(sum(a.calls), 0) from sluice.action_step a where a.root_workflow_id = r.workflow_id)
      else (select coalesce(sum(a.calls), 0) from sluice.action_step a where a.workflow_id = r.workflow_id) end
  where r.id = its_id and r.status = 'pending';
  return found;
end $$;

-- Ends a unit without a page: skipped, failed, or a lane past the end. Fence and lock order are those of commit_page: a caller that
-- comes late changes nothing but the count of calls, and one that is repeated (`this_change`) not even that. The last lane of a list
-- goes on where the list is in doubt. Returns whether the unit has ended.
create or replace function sluice.end_unit(
  unit_id bigint, this_run uuid, this_node text, at_pages int, kind text, why text, extra_calls int, this_change bigint
) returns boolean language plpgsql set search_path = pg_catalog as $$
declare
  u sluice.unit;
  ended text := kind;
  reason_given text := why;
  go_on jsonb;
  split jsonb;
begin
  select * into u from sluice.unit x where x.id = unit_id and x.run_id = this_run and x.node = this_node for no key update;
  if this_change = any (u.changes) then
    return u.end_kind is not null;
  end if;
  if u.id is null or u.pages <> at_pages or u.end_kind is not null then
    update sluice.unit x set changes = sluice.with_change(x.changes, this_change) where x.id = u.id;
    update sluice.node n set calls = n.calls + extra_calls where n.run_id = this_run and n.name = this_node and extra_calls > 0;
    return false;
  end if;
  perform 1 from sluice.lane_board b where b.run_id = u.run_id and b.node = u.node
    and b.parent_key = u.parent_key and b.part = u.part for no key update;
  if ended = 'complete' then
    select e.kind, e.why, e.go_on, e.split into ended, reason_given, go_on, split
      from sluice.end_of_part(u, '{"records": [], "mayHaveLanes": true}', 0, 0, why) e;
  end if;
  if go_on is not null then
    update sluice.unit x set position = go_on->'position', guard = go_on->'guard', again = greatest(x.again, x.items - x.rows),
      changes = sluice.with_change(x.changes, this_change)
      where x.id = u.id;
    delete from sluice.lane_board b
      where b.run_id = u.run_id and b.node = u.node and b.parent_key = u.parent_key and b.part = u.part;
    return false;
  end if;
  if split is not null then
    with parts as (
      insert into sluice.unit (run_id, node, parent_key, parent_record, part, range)
      select u.run_id, u.node, u.parent_key, u.parent_record, u.part || n, split->n from generate_series(0, 1) n
      on conflict (run_id, node, parent_key, part, lane) do nothing
      returning 1
    ) update sluice.node n set waiting = n.waiting + (select count(*) from parts) where n.run_id = u.run_id and n.name = u.node;
  end if;
  update sluice.unit set
    state = case when ended in ('skipped', 'failed') then ended else 'done' end,
    end_kind = ended, reason = reason_given, calls = u.calls + extra_calls, changes = sluice.with_change(u.changes, this_change)
    where id = u.id;
  update sluice.node set
    calls = calls + extra_calls,
    waiting = waiting - case when u.state = 'waiting' then 1 else 0 end,
    running = running - case when u.state = 'running' then 1 else 0 end,
    done = done + case when ended not in ('skipped', 'failed') then 1 else 0 end,
    skipped = skipped + case when ended = 'skipped' then 1 else 0 end,
    failed = failed + case when ended = 'failed' then 1 else 0 end,
    flawed = flawed + case when ended <> 'complete' then 1 else 0 end
    where run_id = u.run_id and name = u.node;
  return true;
end $$;

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

-- Where the changes of this transaction stand in the feed: behind all earlier eras, and by the number of the transaction in this one.
-- An era has room for 2^40 transactions, and a bigint for eight million eras.
create or replace function sluice.feed_position() returns bigint language sql volatile set search_path = pg_catalog as $$
  select (sluice.current_era()::bigint << 40) + pg_current_xact_id()::text::bigint
$$;

-- Ends a node. Its state follows from its lists, and from the share of them that may be skipped. A root's own list may not fail; those
-- below rows of a tree are judged by their share. Asked again, it changes nothing.
-- Returns false when there is no such node.
create or replace function sluice.finish_node(for_run uuid, for_node text, max_skipped_share float8)
returns boolean language plpgsql set search_path = pg_catalog as $$
declare
  n sluice.node;
  lists int;
  bad int;
begin
  select * into n from sluice.node x where x.run_id = for_run and x.name = for_node for no key update;
  if not found then
    return false;
  end if;
  lists := n.done + n.failed + n.skipped;
  bad := n.failed + n.skipped;
  update sluice.node x set state = case
      when n.parent is null and n.failed > 0 and exists (select 1 from sluice.unit u where u.run_id = for_run and u.node = for_node
        and u.parent_record is null and u.end_kind = 'failed') then 'failed'
      when bad > 0 and bad::float8 / lists > max_skipped_share and (n.parent is not null
        or exists (select 1 from sluice.unit u where u.run_id = for_run and u.node = for_node and u.parent_record is not null)) then 'failed'
      when lists > 0 and n.done = 0 and bad > 0 then 'skipped'
      when n.flawed > 0 or n.waiting + n.running > 0 then 'incomplete'
      else 'done' end
    where x.run_id = for_run and x.name = for_node and x.state in ('waiting', 'running');
  return true;
end $$;

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

-- How many rows a list is known to have had: those of its last reading to its end, or of a run since then that did not come to its end. The
-- latter has stored them too, so an empty answer would take them back, and half of them is a cut.
-- Looks at no more than 1,000 runs, each by the index of its units. Most lists have been read to their end by the run before.
create or replace function sluice.had_rows(this sluice.run, for_node text, of_resource text, for_parent text) returns bigint
language sql stable set search_path = pg_catalog as $$
  with known as (
    select k.rows, greatest(k.read_at, k.reset_at) as known_at from sluice.list k
    where k.account = this.account and k.resource = of_resource and k.parent_key = for_parent
  )
  select greatest(0, (select rows from known), (
    select max(b.rows) from (
      select x.id from sluice.run x
      where x.account = this.account and x.sync = this.sync and x.started_at < this.started_at
        and x.started_at > coalesce((select known_at from known), '-infinity')
      order by x.started_at desc limit 1000
    ) since cross join lateral (
      select sum(u.rows)::bigint as rows from sluice.unit u
      where u.run_id = since.id and u.node = for_node and u.parent_key = for_parent and not u.is_forgotten
    ) b
  ))
$$;

-- Does this workflow hold the entity's lock? Asking is also being told.
create or replace function sluice.holds_lock(for_entity text, for_workflow text) returns boolean language plpgsql set search_path = pg_catalog as $$
begin
  perform pg_advisory_xact_lock(hashtextextended('sluice.entity/' || for_entity, 0));
  update sluice.entity_lock l set acquired_at = coalesce(l.acquired_at, clock_timestamp()), is_told = true
    where l.entity = for_entity and l.workflow_id = for_workflow
      and l.ticket = (select min(x.ticket) from sluice.entity_lock x where x.entity = for_entity);
  return found;
end $$;

-- Whether a row hangs below one that is marked as deleted. All lists that have it are then below such rows, or below ones that
-- are cut off so themselves. Nobody asks for those lists any more, so that the row's own mark stays. Rows of nodes that do not
-- look for deletions are taken for being there. So are those whose runs have been removed.
-- Reads members, units, nodes and records, each by its key.
create or replace function sluice.is_cut_off(of_account text, of_resource text, of_key text, of_unit bigint) returns boolean
language plpgsql stable set search_path = pg_catalog as $$
declare
  u sluice.unit;
  above_resource text;
  above sluice.record;
begin
  select * into u from sluice.unit x where x.id = of_unit;
  if u.parent_record is null
     or not exists (select 1 from sluice.member m where m.account = of_account and m.resource = of_resource
       and m.parent_key = u.parent_key and m.key = of_key)
     or exists (select 1 from sluice.member m where m.account = of_account and m.resource = of_resource
       and m.key = of_key and m.parent_key <> u.parent_key
       and not sluice.is_list_cut_off(of_account, of_resource, m.parent_key, m.run_id)) then
    return false;
  end if;
  select p.resource into above_resource from sluice.node n join sluice.node p on p.run_id = n.run_id and p.name = n.parent
    where n.run_id = u.run_id and n.name = u.node;
  select * into above from sluice.record t
    where t.account = of_account and t.resource = above_resource and t.key = u.parent_record;
  if above.key is null then
    return false;
  end if;
  return above.deleted_at is not null or sluice.is_cut_off(of_account, above_resource, above.key, above.unit_id);
end $$;

-- Whether a list is below a row that is marked as deleted, or that is cut off so itself: nobody asks for it any more, and what it had last
-- says nothing. It is looked at as it was in `in_run`, which has brought a row of it, and as it was read last; both must be so. Lists of
-- roots, those that several rows may share, and those whose runs have been removed are taken for being asked for.
-- Reads the list, units, nodes and records, each by its key.
create or replace function sluice.is_list_cut_off(of_account text, of_resource text, of_parent text, in_run uuid) returns boolean
language plpgsql stable set search_path = pg_catalog as $$
declare
  is_found boolean := false;
  u record;
  above sluice.record;
begin
  for u in
    select x.parent_record, p.resource as above_resource
    from sluice.node n
    join sluice.unit x on x.run_id = n.run_id and x.node = n.name and x.parent_key = of_parent and x.part = '' and x.lane = 0
    left join sluice.node p on p.run_id = n.run_id and p.name = n.parent
    where n.resource = of_resource and n.run_id in (in_run, (select k.run_id from sluice.list k
      where k.account = of_account and k.resource = of_resource and k.parent_key = of_parent))
  loop
    if u.parent_record is distinct from of_parent then
      return false;
    end if;
    select * into above from sluice.record t
      where t.account = of_account and t.resource = u.above_resource and t.key = u.parent_record;
    if above.key is null
       or (above.deleted_at is null and not sluice.is_cut_off(of_account, u.above_resource, above.key, above.unit_id)) then
      return false;
    end if;
    is_found := true;
  end loop;
  return is_found;
end $$;

-- Whether a list that ends has less than a share of the rows that it had, and lacks so many of them at least.
--   u          the unit; its rows, and its list's members of this run, are stored
--   came       different rows that the list has brought
--   unless     { least, share, ofMembers }
-- A node that marks deletions has had the rows that are members of the list. Those that this run has not seen would be marked as deleted:
-- also where no run has read the list to its end, and where it has grown by runs that asked for what had changed. Any other node has had
-- as many as its last reading brought, or a run since then. Reads the list's members by their primary key; records only where it may be so.
create or replace function sluice.is_shrunken(
  u sluice.unit, of_account text, of_resource text, came bigint, unless jsonb
) returns boolean language plpgsql stable set search_path = pg_catalog as $$
declare
  least bigint := (unless->>'least')::bigint;
  share float8 := (unless->>'share')::float8;
  this sluice.run;
  had bigint;
  lost bigint;
begin
  if came = 0 then
    return false; -- settle_lists judges an empty one
  end if;
  select * into this from sluice.run x where x.id = u.run_id;
  if not (unless->>'ofMembers')::boolean then
    had := sluice.had_rows(this, u.node, of_resource, u.parent_key);
    return had - came >= least and came < share * had;
  end if;
  select count(*) into lost from sluice.member m
    where m.account = of_account and m.resource = of_resource and m.parent_key = u.parent_key
      and m.run_id <> this.id and m.run_id is distinct from this.fleet_id;
  if lost < least or came >= share * (lost + came) then
    return false;
  end if;
  -- Row by row: where statistics are old, a join is planned as a scan of all that the account has.
  select lost + count(*) into had from sluice.member m cross join lateral (
      select 1 from sluice.record t where t.account = m.account and t.resource = m.resource and t.key = m.key
        and t.first_seen_at < this.started_at limit 1
    ) t
    where m.account = of_account and m.resource = of_resource and m.parent_key = u.parent_key
      and (m.run_id = this.id or m.run_id = this.fleet_id);
  return came < share * had;
end $$;

-- Notes that a process tells something, in the transaction that stores it. False: it was stored before, and only the answer was lost;
-- then nothing of it may be added again. Locks the process's row first of all, so a statement that is still at work is waited for.
create or replace function sluice.is_told_first(p_teller uuid, p_serial bigint) returns boolean language plpgsql volatile
set enable_seqscan = off set search_path = pg_catalog as $$
begin
  update sluice.told t set serial = p_serial, at = clock_timestamp() where t.teller = p_teller and t.serial < p_serial;
  if not found then
    insert into sluice.told (teller, serial) values (p_teller, p_serial) on conflict do nothing;
  end if;
  return found;
end $$;

-- What a list keeps for the next run, once a page has told more of it.
--   had       what pages before it have told, or null
--   guard     of the list, before the page
--   of_page   position of the page, or null for the first one of a reading
--   told      by the page, or null
-- The first checkpoint that a reading is told holds: what changes while the list is read is not missed. But one that is the name of this
-- page, as in a log, follows the reading: it goes on from there. A list that is begun again, since its cursor had died, has a new one; not so
-- where only its front is looked at again. The body is bound when it is made, so no search path matters, and statements take it in.
create or replace function sluice.kept_with(had jsonb, guard jsonb, of_page jsonb, told jsonb) returns jsonb language sql immutable
  return case
    when told is null or told = 'null' then had
    when guard->>'front' = '1' then told || coalesce(had, '{}')
    when of_page is null then coalesce(had, '{}') || told
    when had->>'checkpoint' in (of_page->>'cursor', of_page->>'url') then had || told
    else told || coalesce(had, '{}')
  end;

-- What a row says, field by field, with the fields of the objects in it, four deep: the path of each, e.g. `/user/name`, and its value.
create or replace function sluice.leaves(data jsonb) returns table (path text, value jsonb) language sql immutable set search_path = pg_catalog as $$
  with recursive part (path, value, depth) as (
    select '', data, 0
    union all
    select p.path || '/' || e.key, e.value, p.depth + 1
    from part p, jsonb_each(case jsonb_typeof(p.value) when 'object' then p.value else '{}' end) e
    where p.depth < 4
  ) select p.path, p.value from part p where jsonb_typeof(p.value) not in ('object', 'null')
$$;

-- Gives a call's places up.
create or replace function sluice.limit_abandon(p_keys text[]) returns void language plpgsql volatile set search_path = pg_catalog as $$
begin
  perform from sluice.limit_bucket b
    where b.id in (select t.bucket_id from sluice.limit_ticket t where t.call_key = any (p_keys)) order by b.id for no key update;
  with gone as (
    delete from sluice.limit_ticket t where t.call_key = any (p_keys) returning t.bucket_id, t.cost
  ), summed as (
    select bucket_id, count(*) tickets, sum(cost) cost from gone group by bucket_id
  )
  update sluice.limit_bucket b set queue_len = greatest(0, b.queue_len - summed.tickets),
    queue_cost = case when b.queue_len <= summed.tickets then 0 else greatest(0, b.queue_cost - summed.cost) end
    from summed where b.id = summed.bucket_id;
end $$;

-- Takes permits for a batch of calls: each call gets all that it asks for, or nothing and a place in the queue.
--
-- Most rows of a batch are where the last permit left them: the same slot, room enough, an empty queue. One statement takes
-- those and changes a few numbers without going through the ring. Only the others are looked at one by one. What such rows grant
-- is kept in `filling`. It moves to slot `filling_slot` of the ring with the next limit_advance(), with which every other
-- function begins.
--
-- Locks: the bucket rows by id, in a statement of their own before the clock is read.
--
--   p_ids       the buckets, ascending, without repeats; locked in this order, so no two calls can deadlock
--   p_demand    what the whole batch asks of each
--   p_gates     rows that are only read: a gate that is paused, or held because what is behind it fails, denies
--   p_requests  [{k: call key, a: account, w: weight, c: class 0-2, g: gate positions, f: goes first, b: bucket positions,
--               q: costs}], read only when not everything can simply be granted; null = they were not sent
--   p_renewals  null, or permits that were not sent in time, [{n: request, g: gate positions, b: bucket positions, s: slots,
--               q: costs}]: they are counted now instead of then, which takes no room. Not part of p_demand and p_requests.
--   p_late_us   how late this worker may send: its grants are counted that much later (`slots_ahead` slots at most)
-- Result:
--   missing     ids without a row; then nothing was done
--   slots       aligned with p_ids, as are epochs. Null where not everything can simply be granted and p_requests is null: then
--               nothing was done either
--   denied      [[request, cause, bucket position, wait µs, ahead, until µs]] for those not granted. Causes are full, blocked,
--               paused, queue, probing (of the bucket) and gate (then the position is a gate's)
--   law_due     buckets whose control law wants to hear that time passed
create or replace function sluice.limit_acquire(
  p_ids bigint[], p_demand float8[], p_gates bigint[], p_requests json, p_renewals json, p_late_us bigint,
  out missing bigint[], out lock_wait_us bigint, out slots bigint[], out epochs int[], out denied json, out law_due bigint[]
) language plpgsql volatile set enable_seqscan = off set plan_cache_mode = force_generic_plan set search_path = pg_catalog as $$
declare
  v_entry bigint := sluice.limit_clock_us();
  v_clock bigint;
  v_generation bigint := coalesce((select a.generation from sluice.limit_alive a), sluice.limit_generation());
  v_count int := coalesce(array_length(p_ids, 1), 0);
  v_found int;
  v_look sluice.limit_bucket[];        -- rows that need a closer look, and their positions
  v_positions int[];
  v_rows sluice.limit_bucket[] := '{}';
  r sluice.limit_bucket;
  v_index int;
  v_waits boolean := false;
  -- By bucket position.
  v_left float8[];
  v_tight boolean[] := array_fill(false, array[v_count]);
  v_cause text[] := '{}';              -- why nothing may be taken at all; null = by its numbers
  v_grant float8[] := p_demand;
  -- By gate position.
  v_gate_shut boolean[] := '{}';
  q record;
  v_renewable boolean;
  v_lost json[] := '{}';
  v_simple boolean;
  v_fast boolean[];                    -- taken without a closer look
  v_rolls boolean[];                   -- of those: what fills belongs to a slot that is over
  v_changed sluice.limit_bucket[] := '{}';
begin
  -- The locks: an own statement, in id order, before the clock is read.
  -- Whoever waits for another batch mostly waits for the first row, and has the rest as that batch left it if it looks only then.
  if v_count > 1 then
    perform from sluice.limit_bucket b where b.id = p_ids[1] for no key update;
  end if;
  perform from sluice.limit_bucket b where b.id = any (p_ids) order by b.id for no key update;
  get diagnostics v_found = row_count;
  v_clock := sluice.limit_clock_us();
  select coalesce(array_agg(b.paused_at is not null or b.hold or b.blocked_us > v_clock order by gate.position), '{}')
    into v_gate_shut
    from unnest(p_gates) with ordinality gate (id, position) join sluice.limit_bucket b on b.id = gate.id;
  if v_found <> v_count or cardinality(v_gate_shut) <> cardinality(p_gates) then
    missing := array(
      select asked.id from unnest(p_ids || p_gates) asked (id)
      where not exists (select from sluice.limit_bucket b where b.id = asked.id));
    return;
  end if;
  lock_wait_us := greatest(0, v_clock - v_entry);

  select array_agg(now.slot), array_agg(now.epoch), array_agg(now.fast), array_agg(now.fast and now.rolls),
         coalesce(bool_or(now.fast and now.beyond), false), array_agg(now.b) filter (where not now.fast), array_agg(now.position::int) filter (where not now.fast)
    into slots, epochs, v_fast, v_rolls, v_waits, v_look, v_positions
    from (
      select b, asked.position, b.epoch, at.slot, b.max is not null and b.granted + asked.units > b.reserved beyond,
             b.rate is null and not b.hold and b.queue_len = 0 and b.law_due_us is null and b.paused_at is null and b.blocked_us <= v_clock
               -- Without a ring there is nothing to count.
               and (b.max is null or (b.align is null and b.last_us <= v_clock and b.generation = v_generation
                                      and at.slot - b.tail < b.slots and b.used + asked.units <= b.max)) fast,
             b.filling <> 0 and b.filling_slot <> at.slot rolls
        from unnest(p_ids, p_demand) with ordinality asked (id, units, position)
        join sluice.limit_bucket b on b.id = asked.id
       cross join lateral (select least((v_clock + p_late_us) / nullif(b.slot_us, 0), v_clock / nullif(b.slot_us, 0) + b.slots_ahead)) at (slot)
       order by asked.position) now;

  for v_pass in 1 .. 2 loop
    for k in 1 .. coalesce(array_length(v_look, 1), 0) loop
      v_index := v_positions[k];
      r := sluice.limit_advance(v_look[k], v_clock, v_generation);
      v_rows[v_index] := r;
      slots[v_index] := case when r.align is not null then least(sluice.limit_slot(r, r.last_us + p_late_us), sluice.limit_slot(r, r.last_us) + r.slots_ahead)
                             when r.slot_us > 0 then least((r.last_us + p_late_us) / r.slot_us, r.last_us / r.slot_us + r.slots_ahead) else 0 end;
      if r.kind = 'bucket' and p_late_us > 0 then
        -- What is sent late arrives together with what is sent then: so much of the burst stays unused.
        r.tokens := least(r.tokens, greatest(1, r.burst - r.rate * p_late_us / 1000000.0));
        v_rows[v_index] := r;
      end if;
      v_cause[v_index] := case when r.paused_at is not null then 'paused' when r.blocked_us > r.last_us then 'blocked'
                               when r.hold and greatest(r.probe_us, r.probe_lease_us) > r.last_us then 'probing' end;
      -- least() passes over nulls: without a ring and without pacing there is no bound.
      v_left[v_index] := case when v_cause[v_index] is not null then 0
                              when r.hold then least(1, r.max - r.used)
                              else coalesce(least(r.max - r.used, case when r.rate is not null then r.tokens end), 'infinity') end;
      v_tight[v_index] := p_demand[v_index] > v_left[v_index] or (r.queue_len > 0 and r.queue_until_us > r.last_us);
      if r.law_due_us <= r.last_us then
        law_due := law_due || r.id;
      end if;
    end loop;
    v_simple := p_renewals is null and not true = any (v_tight) and not true = any (v_gate_shut);
    exit when v_simple or v_pass = 2;
    -- One has no room, so all are looked at.
    select array_agg(b), array_agg(f.position::int) into v_look, v_positions
      from unnest(p_ids, v_fast) with ordinality f (id, fast, position) join sluice.limit_bucket b on b.id = f.id where f.fast;
  end loop;
  if not v_simple and p_requests is null then
    slots := null;
    perform set_config('synchronous_commit', 'off', true);
    return;
  end if;
  if not v_simple then
    v_fast := array_fill(false, array[v_count]);
    v_waits := false;
  end if;

  if p_renewals is not null then
    for q in select * from json_to_recordset(p_renewals) as renewal (n int, g int[], b int[], s bigint[], q float8[]) loop
      v_renewable := not exists (select from unnest(q.g) gate (position) where v_gate_shut[gate.position]);
      for k in 1 .. cardinality(q.b) loop
        r := v_rows[q.b[k]];
        v_renewable := v_renewable and coalesce(v_cause[q.b[k]], 'probing') = 'probing' and (r.max is null or q.s[k] >= r.tail);
      end loop;
      if not v_renewable then
        v_lost := v_lost || json_build_array(q.n, 'queue', 1, 0, 0, null);
        continue;
      end if;
      for k in 1 .. cardinality(q.b) loop
        r := v_rows[q.b[k]];
        if r.max is not null then
          v_index := (q.s[k] % r.slots)::int + 1;
          r.ring[v_index] := r.ring[v_index] - q.q[k];
          v_index := (slots[q.b[k]] % r.slots)::int + 1;
          r.ring[v_index] := r.ring[v_index] + q.q[k];
          v_rows[q.b[k]] := r;
        elsif r.kind = 'bucket' then
          -- Given back and taken again: what flowed over meanwhile is lost.
          r.tokens := least(r.burst, r.tokens + q.q[k]) - q.q[k];
          v_rows[q.b[k]] := r;
        end if;
      end loop;
    end loop;
  end if;

  if true = any (v_tight) or true = any (v_gate_shut) then
    select d.p_rows, d.p_grants, d.denied into v_rows, v_grant, denied
      from sluice.limit_decide(v_rows, p_demand, p_ids, v_left, v_tight, v_cause, v_gate_shut, p_requests) d;
  end if;

  if cardinality(v_lost) > 0 then
    denied := (select json_agg(entry) from (
      select entry from json_array_elements(denied) entry union all select unnest(v_lost)) lost (entry));
  end if;

  for i in 1 .. v_count loop
    continue when v_fast[i] or (v_simple and p_demand[i] = 0);
    r := v_rows[i];
    if r.max is not null and v_grant[i] > 0 then
      v_index := (slots[i] % r.slots)::int + 1;
      r.ring[v_index] := r.ring[v_index] + v_grant[i];
      r.used := r.used + v_grant[i];
      r.granted := r.granted + v_grant[i];
      if r.granted > r.reserved then
        r.reserved := r.granted + r.reserve_step;
        v_waits := true;
      end if;
    end if;
    if r.hold and v_grant[i] > 0 then
      r.probe_lease_us := r.last_us + 30000000;
    end if;
    if r.rate is not null then
      r.tokens := r.tokens - v_grant[i];
    end if;
    if r.law_due_us <= r.last_us then
      r.law_due_us := r.last_us + 1000000;
    end if;
    r.ev_granted := r.ev_granted + v_grant[i];
    v_changed := v_changed || r;
  end loop;
  if true = any (v_fast) then
    if true = any (v_rolls) then
      update sluice.limit_bucket b set
        ring[(b.filling_slot % b.slots)::int + 1] = b.ring[(b.filling_slot % b.slots)::int + 1] + b.filling,
        used = b.used + f.units, filling = f.units, filling_slot = f.slot, granted = b.granted + f.units,
        reserved = case when b.granted + f.units > b.reserved then b.granted + f.units + b.reserve_step else b.reserved end,
        ev_granted = b.ev_granted + f.units, last_us = v_clock
        from unnest(p_ids, p_demand, v_rolls, limit_acquire.slots) f (id, units, rolls, slot)
        where b.id = f.id and f.rolls and f.units > 0 and b.max is not null;
    end if;
    update sluice.limit_bucket b set
      used = b.used + f.units, filling = b.filling + f.units, filling_slot = f.slot, granted = b.granted + f.units,
      reserved = case when b.granted + f.units > b.reserved then b.granted + f.units + b.reserve_step else b.reserved end,
      ev_granted = b.ev_granted + f.units, last_us = v_clock
      from unnest(p_ids, p_demand, v_fast, v_rolls, limit_acquire.slots) f (id, units, fast, rolls, slot)
      where b.id = f.id and f.fast and not f.rolls and f.units > 0 and b.max is not null;
  end if;
  update sluice.limit_bucket b set
    tail = n.tail, used = n.used, ring = n.ring, filling = n.filling, foreign_used = n.foreign_used,
    freed = n.freed, freed_us = n.freed_us, tokens = n.tokens, paced_us = n.paced_us,
    probe_us = n.probe_us, probe_lease_us = n.probe_lease_us, blocked_us = n.blocked_us,
    law_due_us = n.law_due_us, ev_granted = n.ev_granted, ev_waited_us = n.ev_waited_us,
    queue_len = n.queue_len, queue_cost = n.queue_cost, queue_until_us = n.queue_until_us, vtime = n.vtime,
    last_us = n.last_us, generation = n.generation, granted = n.granted, reserved = n.reserved
    from unnest(v_changed) n where b.id = n.id;
  if not v_waits then
    -- Commit without waiting for the disk; a function-level SET would be undone before the commit.
    perform set_config('synchronous_commit', 'off', true);
  end if;
end $$;

-- The row as it stands at the clock's time: old slots freed, tokens flowed in. Pure arithmetic on a locked row.
create or replace function sluice.limit_advance(r sluice.limit_bucket, p_clock_us bigint, p_generation bigint)
returns sluice.limit_bucket language plpgsql volatile set search_path = pg_catalog as $$
declare
  v_now bigint := greatest(p_clock_us, r.last_us);
  v_tail bigint;
  v_gap bigint;
  v_index int;
  v_ring float8[];
  v_used float8 := r.used;
begin
  if r.filling <> 0 then
    v_index := (r.filling_slot % r.slots)::int + 1;
    r.ring[v_index] := r.ring[v_index] + r.filling;
    r.filling := 0;
  end if;
  -- The clock was set back by more than the window: waiting for it would stand still for too long. Everything that was
  -- granted counts as granted now, which is never too little.
  if r.last_us - p_clock_us > greatest(r.win_us + r.guard_us, 1000000) then
    v_now := p_clock_us;
    r.blocked_us := case when r.blocked_us > r.last_us then v_now + r.blocked_us - r.last_us else 0 end;
    r.probe_us := case when r.probe_us > r.last_us then v_now + r.probe_us - r.last_us else 0 end;
    r.paced_us := v_now;
    r.tokens := least(r.tokens, 0);
    if r.max is not null then
      r.tail := sluice.limit_tail(r, v_now);
      r.ring := array_fill(0::float8, array[r.slots]);
      r.ring[(sluice.limit_slot(r, v_now) % r.slots)::int + 1] := r.used;
    end if;
  end if;
  if r.max is not null then
    v_tail := case when r.align is null then (v_now - r.win_us - r.guard_us) / r.slot_us else sluice.limit_tail(r, v_now) end;
    v_gap := v_tail - r.tail;
    if r.used = 0 then
      r.tail := greatest(v_tail, r.tail);
    elsif v_gap >= r.slots then
      r.used := 0;
      r.foreign_used := 0;
      r.ring := array_fill(0::float8, array[r.slots]);
      r.tail := v_tail;
    elsif v_gap > 0 then
      v_ring := r.ring;
      -- Offsets, not slot numbers: a loop variable is an int4 and slot numbers are not.
      for k in 0 .. v_gap::int - 1 loop
        v_index := ((r.tail + k) % r.slots)::int + 1;
        r.used := r.used - v_ring[v_index];
        v_ring[v_index] := 0;
      end loop;
      r.ring := v_ring;
      r.tail := v_tail;
      if r.foreign_slot < v_tail then
        r.foreign_used := 0;
      end if;
    end if;
    if r.used < v_used then
      r.freed := case when r.freed_us < v_now - 4000000 then 0 else r.freed end + v_used - r.used;
      r.freed_us := case when r.freed_us < v_now - 4000000 then v_now else r.freed_us end;
    end if;
    if r.generation <> p_generation and r.generation <> 0 and r.reserved > r.granted then
      v_index := (sluice.limit_slot(r, v_now) % r.slots)::int + 1;
      v_used := greatest(0, least(r.reserved - r.granted, r.max - r.used));
      r.ring[v_index] := r.ring[v_index] + v_used;
      r.used := r.used + v_used;
      r.granted := r.reserved;
      insert into sluice.limit_event (bucket_id, type, detail) values (r.id, 'restarted', jsonb_build_object('charged', v_used));
    end if;
  end if;
  if r.rate is not null then
    r.tokens := least(r.burst, r.tokens + r.rate * greatest(v_now - r.paced_us, 0) / 1000000.0);
    r.paced_us := v_now;
    if r.generation <> p_generation and r.generation <> 0 then
      r.tokens := least(r.tokens, 0);
    end if;
  end if;
  if r.queue_len > 0 then
    r.ev_waited_us := r.ev_waited_us + greatest(0, least(v_now, r.queue_until_us) - r.last_us);
  end if;
  r.generation := p_generation;
  r.last_us := v_now;
  return r;
end $$;

-- A function of its own, so that tests can move the clock. Its body is bound when it is made, so no search path matters, and the
-- statements that call it take it in. With a `set search_path` each permit took 2 to 3 % more of the database's time.
create or replace function sluice.limit_clock_us() returns bigint language sql volatile
  return (extract(epoch from pg_catalog.clock_timestamp()) * 1000000)::bigint;

-- Makes a bucket's row, or brings it up to a changed declaration. Paused prefixes are found by their index: the rows themselves may fill
-- many pages.
create or replace function sluice.limit_configure(
  p_id bigint, p_key text, p_kind text, p_spec jsonb, p_max float8, p_win_us bigint, p_guard_us bigint, p_slot_us bigint,
  p_slots int, p_slots_ahead int, p_align text, p_align_zone text, p_align_us bigint, p_reserve_step float8, p_rate float8, p_burst float8
) returns void language plpgsql volatile set enable_seqscan = off set search_path = pg_catalog as $$
declare
  r sluice.limit_bucket;
begin
  insert into sluice.limit_bucket (id, key, kind, spec, declared_max, max, win_us, guard_us, slot_us, slots, slots_ahead, align, align_zone, align_us,
    ring, reserve_step, declared_rate, rate, burst, law_due_us, paused_at, paused_reason)
  select p_id, p_key, p_kind, p_spec, p_max, p_max, p_win_us, p_guard_us, p_slot_us, p_slots, p_slots_ahead, p_align, p_align_zone, p_align_us,
    case when p_slots > 0 then array_fill(0::float8, array[p_slots]) end, p_reserve_step,
    case when p_kind = 'bucket' then p_rate end, p_rate, p_burst, case when p_kind = 'learned' then 0 end, pause.paused_at, pause.paused_reason
    from (select) one left join lateral (
      -- A pause of a prefix holds for keys that turn up later.
      select g.paused_at, g.paused_reason from sluice.limit_bucket g
       where g.kind = 'gate' and g.paused_at is not null and p_kind <> 'gate' and right(g.key, 2) = '/*'
         and starts_with(p_key, left(g.key, -1)) order by length(g.key) limit 1) pause on true
  on conflict do nothing;
  if found then
    return;
  end if;
  select * into r from sluice.limit_bucket b where b.id = p_id for no key update;
  if r.key is distinct from p_key then
    raise exception 'limit key % has the id % of another key, %', p_key, p_id, r.key;
  end if;
  if r.spec = p_spec then
    return;
  end if;
  insert into sluice.limit_event (bucket_id, type, detail) values (p_id, 'declared', jsonb_build_object('from', r.spec, 'to', p_spec));
  r := sluice.limit_advance(r, sluice.limit_clock_us(), sluice.limit_generation());
  if p_kind <> 'learned' or r.kind <> 'learned' then
    r := sluice.limit_reslot(r, p_win_us, p_guard_us, p_slot_us, p_slots, p_slots_ahead, p_align, p_align_zone, p_align_us);
    r.max := coalesce(r.override_max, p_max);
    r.declared_rate := case when p_kind = 'bucket' then p_rate end;
    r.rate := coalesce(r.override_rate, p_rate);
    r.burst := p_burst;
    -- How full its bucket is is not known when it was of another kind.
    r.tokens := case when r.kind = 'bucket' then least(r.tokens, p_burst) else 0 end;
    r.paced_us := r.last_us;
    r.hold := false;
    r.law := null;
  end if;
  update sluice.limit_bucket b set kind = p_kind, spec = p_spec, declared_max = p_max, seen_max = null, max = r.max,
    win_us = r.win_us, guard_us = r.guard_us, slot_us = r.slot_us, slots = r.slots, slots_ahead = r.slots_ahead, align = r.align, align_zone = r.align_zone,
    align_us = r.align_us, ring = r.ring, filling = r.filling, used = r.used,
    tail = r.tail, foreign_used = r.foreign_used, reserve_step = p_reserve_step, granted = r.granted, declared_rate = r.declared_rate,
    rate = r.rate, burst = r.burst, tokens = r.tokens, paced_us = r.paced_us, hold = r.hold, law = r.law,
    law_version = b.law_version + 1, law_due_us = case when p_kind = 'learned' then 0 end, last_us = r.last_us,
    generation = r.generation
    where b.id = p_id;
end $$;

-- Corrects a ring, or a bucket, by what the third party's own count says. Pure arithmetic on an advanced row.
--   p_remaining units left by its count (null = not said), p_reset_us until its quota is whole again (null = not said),
--   p_max its limit (null = not said, or not surely this limit's), p_age_us since the call was granted
create or replace function sluice.limit_correct(r sluice.limit_bucket, p_remaining float8, p_reset_us bigint, p_max float8, p_age_us bigint)
returns sluice.limit_bucket language plpgsql volatile set search_path = pg_catalog as $$
declare
  v_slot bigint;
  v_index int;
  v_amount float8;
  v_reserved float8;
  v_known float8;
begin
  if r.kind = 'bucket' then
    -- There is at most what it said and what has flowed in since; that others took the rest can only be seen here.
    if p_remaining + r.rate * p_age_us / 1000000.0 < r.tokens then
      r.foreign_used := r.tokens - p_remaining;
      r.tokens := p_remaining + r.rate * p_age_us / 1000000.0;
    end if;
    return r;
  end if;
  if r.max is null or r.kind not in ('window', 'calendar') then
    return r;
  end if;
  if p_max is not null and r.override_max is null then
    -- The share left to others stays the same share of whatever the limit is.
    v_reserved := floor(p_max * coalesce(r.declared_max / nullif((r.spec ->> 'max')::float8, 0), 1));
    v_known := coalesce(r.seen_max, r.declared_max);
    if v_reserved >= 1 and v_reserved < v_known then
      insert into sluice.limit_event (bucket_id, type, detail)
        values (r.id, 'drift', jsonb_build_object('max', p_max, 'declared', (r.spec ->> 'max')::float8, 'adopted', true));
      r.seen_max := v_reserved;
      r := sluice.limit_in_force(r);
      r.higher_seen := 0;
    elsif v_reserved > v_known then
      -- Lower is believed at once, higher after ten answers in a row.
      r.higher_seen := r.higher_seen + 1;
      if r.higher_seen >= 10 then
        insert into sluice.limit_event (bucket_id, type, detail)
          values (r.id, 'drift', jsonb_build_object('max', p_max, 'declared', (r.spec ->> 'max')::float8, 'adopted', true));
        r.seen_max := v_reserved;
        r := sluice.limit_in_force(r);
        r.higher_seen := 0;
      end if;
    else
      r.higher_seen := 0;
    end if;
  end if;
  -- An answer that was so long on its way that a new window may have begun says nothing.
  if p_remaining is null or p_reset_us <= 0 or (p_reset_us is null and p_age_us > 4000000) then
    return r;
  end if;
  -- Only what is surely used by others: what we granted since the answer, or freed while it was on its way, is not.
  v_amount := (r.max - r.used) - p_remaining - case when r.freed_us >= r.last_us - 4000000 - p_age_us then r.freed else 0 end;
  if v_amount > 0 then
    -- Others used it. It is counted in the slot that is freed when the third party's quota is whole again.
    v_slot := sluice.limit_slot(r, r.last_us);
    if p_reset_us is not null and r.align is null then
      v_slot := greatest(r.tail, least(v_slot, (r.last_us + p_reset_us - r.win_us - r.guard_us) / r.slot_us));
    end if;
    v_index := (v_slot % r.slots)::int + 1;
    r.ring[v_index] := r.ring[v_index] + v_amount;
    r.used := r.used + v_amount;
    r.foreign_used := case when r.foreign_slot = v_slot then r.foreign_used else 0 end + v_amount;
    r.foreign_slot := v_slot;
  end if;
  return r;
end $$;

-- Who of a batch is served when not everything can be granted. Part of limit_acquire, under its locks.
-- Calls are looked at in order of class, tag, age and name. A batch of many accounts has tickets of one tag and one moment: were
-- each of them behind the others, none would ever go. A call is served if every bucket has room beyond the claims of the tickets
-- before it. Those that count are live and due, or will be within the horizon. Who is not served gets a ticket on each bucket
-- that had no room, and an estimate from everything that waits before it.
create or replace function sluice.limit_decide(
  inout p_rows sluice.limit_bucket[], inout p_grants float8[], p_ids bigint[], p_left float8[], p_tight boolean[],
  p_cause text[], p_gate_shut boolean[], p_requests json, out denied json
) language plpgsql volatile set search_path = pg_catalog as $$
declare
  v_count int := coalesce(array_length(p_ids, 1), 0);
  v_loaded int := 300; -- tickets looked at one by one; what is behind them is counted, some times a batch
  v_counts int := 0;
  -- A paced bucket keeps hardly any token for later, so a token kept for a call that does not come is lost. By the time a
  -- call is due its token has flowed in, so only calls that are due now claim one, and not for long.
  v_soon_us constant bigint := 10000;
  v_overdue_us constant bigint := 300000;
  v_keys text[] := array(select entry ->> 'k' from json_array_elements(p_requests) entry);
  r sluice.limit_bucket;
  -- By bucket and class, flattened: virtual time, the last tag served now, the first tag that still waits.
  v_vtime float8[] := '{}';
  v_served float8[] := array_fill(0::float8, array[3 * v_count]);
  v_waits float8[] := array_fill('infinity'::float8, array[3 * v_count]);
  -- Tickets of the queues, bucket after bucket in order; v_at walks from v_at to v_end.
  t_class int[] := '{}';
  t_tag float8[] := '{}';
  t_created bigint[] := '{}';
  t_key text[] := '{}';
  t_cost float8[] := '{}';
  t_claims boolean[] := '{}';
  v_at int[] := '{}';
  v_end int[] := '{}';
  v_more boolean[] := '{}';            -- there are more tickets than were loaded
  v_counted_class int[] := '{}';
  v_counted_tag float8[] := '{}';
  v_denied_cost float8[] := array_fill(0::float8, array[v_count]);
  v_denied_calls int[] := array_fill(0, array[v_count]);
  -- By bucket: room after grants, room after grants and claims, cost and number of what waits before the one looked at.
  v_most float8[] := '{}';             -- a cost above it is served when the bucket is full, and leaves a debt
  v_gone int[] := array_fill(0, array[v_count]);
  v_gone_cost float8[] := array_fill(0::float8, array[v_count]);
  v_room float8[] := p_left;
  v_open float8[] := p_left;
  v_ahead float8[] := array_fill(0::float8, array[v_count]);
  v_ahead_count int[] := array_fill(0, array[v_count]);
  q record;
  l record;
  -- The parts of the request looked at.
  c_pos int[] := '{}';
  c_cost float8[] := '{}';
  c_tag float8[] := '{}';
  c_old boolean[] := '{}';
  v_fails boolean[] := '{}';
  v_denied boolean;
  v_pos int;
  -- Denied parts, and what follows from the decisions.
  d_request int[] := '{}';
  d_pos int[] := '{}';
  d_key text[] := '{}';
  d_account text[] := '{}';
  d_class int[] := '{}';
  d_tag float8[] := '{}';
  d_cost float8[] := '{}';
  d_need float8[] := '{}';
  d_ahead int[] := '{}';
  d_cause text[] := '{}';
  d_gate int[] := '{}';                -- the first of its gates that is shut
  d_old boolean[] := '{}';
  d_fails boolean[] := '{}';
  d_wait bigint[];
  v_served_ids bigint[] := '{}';
  v_served_keys text[] := '{}';
  a_pos int[] := '{}';
  a_account text[] := '{}';
  a_class int[] := '{}';
  a_finish float8[] := '{}';
  v_etas bigint[];
begin
  for i in 1 .. v_count loop
    r := p_rows[i];
    v_vtime := v_vtime || r.vtime;
    v_most[i] := case when r.max is not null or r.rate is null then 'infinity' when r.hold then 1 else r.burst end;
    v_at[i] := coalesce(array_length(t_tag, 1), 0) + 1;
    v_more[i] := false;
    v_counted_class[i] := -1;
    v_counted_tag[i] := 0;
    if p_tight[i] and r.queue_len > 0 then
      select array_agg(class) classes, array_agg(tag) tags, array_agg(created_us) created, array_agg(call_key) keys, array_agg(cost) costs, array_agg(claims) claims,
             count(*) tickets, sum(cost) total into l
        from (select class, tag, created_us, call_key, cost, case when r.rate is null or r.max is not null
                                              then eta_us <= r.last_us + greatest(100000, least(5000000, coalesce(r.win_us, 0) / 4))
                                              else eta_us between r.last_us - v_overdue_us and r.last_us + v_soon_us end claims
                from sluice.limit_ticket t
               where t.bucket_id = r.id and t.lapse_us > r.last_us and not t.call_key = any (v_keys)
               order by class, tag, created_us, call_key collate "C" limit v_loaded) ticket;
      if l.tickets > 0 then
        t_class := t_class || l.classes;
        t_tag := t_tag || l.tags;
        t_created := t_created || l.created;
        t_key := t_key || l.keys;
        t_cost := t_cost || l.costs;
        t_claims := t_claims || l.claims;
        for k in 1 .. l.tickets loop
          v_waits[3 * i - 2 + l.classes[k]] := least(v_waits[3 * i - 2 + l.classes[k]], l.tags[k]);
        end loop;
      end if;
      v_more[i] := l.tickets = v_loaded;
    end if;
    v_end[i] := coalesce(array_length(t_tag, 1), 0);
  end loop;

  for q in
    with charge as (
      select ask.ord, ask.k, ask.a, greatest(ask.w, 0.001) w, ask.c, first.gate, ask.f, ask.b, ask.q, part.pos, part.cost
        from rows from (json_to_recordset(p_requests) as (k text, a text, w float8, c int, g int[], f boolean, b int[], q float8[]))
             with ordinality ask (k, a, w, c, g, f, b, q, ord)
       cross join lateral (select min(n) gate from unnest(ask.g) shut (n) where p_gate_shut[n]) first
       cross join lateral unnest(ask.b, ask.q) part (pos, cost)
       where p_tight[part.pos] or first.gate is not null
    ), tagged as (
      select charge.*, t.tag is not null old, coalesce(t.created_us, 9223372036854775807) created_us,
             coalesce(t.tag, case when f then 0 end, greatest(v_vtime[3 * pos - 2 + c], account.finish_tag)
               + coalesce(sum(case when t.tag is null then greatest(charge.cost, 0.001) / w else 0 end)
                   over (partition by pos, a, c order by ord rows between unbounded preceding and 1 preceding), 0)) tag
        from charge
        left join sluice.limit_ticket t on t.bucket_id = p_ids[pos] and t.call_key = k
        left join sluice.limit_account account on account.bucket_id = p_ids[pos] and account.account = a and account.class = c
    )
    select *, max(tag) over (partition by ord) request_tag, min(created_us) over (partition by ord) request_created,
           case when bool_or(old) over (partition by ord) then k end collate "C" old_key, count(*) over (partition by ord) parts from tagged
     order by c, request_tag, request_created, old_key, ord, pos
  loop
    v_pos := q.pos;
    while v_at[v_pos] <= v_end[v_pos]
      and (t_class[v_at[v_pos]] < q.c or (t_class[v_at[v_pos]] = q.c
        and (t_tag[v_at[v_pos]], t_created[v_at[v_pos]], t_key[v_at[v_pos]] collate "C") < (q.tag, q.created_us, q.k))) loop
      v_ahead[v_pos] := v_ahead[v_pos] + t_cost[v_at[v_pos]];
      v_ahead_count[v_pos] := v_ahead_count[v_pos] + 1;
      if t_claims[v_at[v_pos]] then
        v_open[v_pos] := v_open[v_pos] - t_cost[v_at[v_pos]];
      end if;
      v_at[v_pos] := v_at[v_pos] + 1;
    end loop;
    if v_more[v_pos] and v_at[v_pos] > v_end[v_pos] and v_counts < 8
      and (q.c <> v_counted_class[v_pos] or q.tag > v_counted_tag[v_pos] + 2) then
      select coalesce(sum(t.cost), 0) cost, count(*)::int tickets into l from sluice.limit_ticket t
       where t.bucket_id = p_ids[v_pos] and (t.class, t.tag) <= (q.c, q.tag) and t.lapse_us > (p_rows[v_pos]).last_us
         and not t.call_key = any (v_keys);
      v_ahead[v_pos] := l.cost + v_denied_cost[v_pos];
      v_ahead_count[v_pos] := l.tickets + v_denied_calls[v_pos];
      v_counted_class[v_pos] := q.c;
      v_counted_tag[v_pos] := q.tag;
      v_counts := v_counts + 1;
    end if;
    c_pos := c_pos || v_pos;
    c_cost := c_cost || q.cost;
    c_tag := c_tag || q.tag;
    c_old := c_old || q.old;
    v_fails := v_fails || (p_cause[v_pos] is not null or (v_open[v_pos] < least(q.cost, v_most[v_pos]) and q.cost > 0));
    continue when cardinality(c_pos) < q.parts;

    v_denied := true = any (v_fails) or q.gate is not null;
    for i in 1 .. q.parts loop
      v_pos := c_pos[i];
      if not v_denied then
        v_room[v_pos] := v_room[v_pos] - c_cost[i];
        v_open[v_pos] := v_open[v_pos] - c_cost[i];
        v_served[3 * v_pos - 2 + q.c] := greatest(v_served[3 * v_pos - 2 + q.c], c_tag[i]);
        if c_old[i] then
          v_served_ids := v_served_ids || p_ids[v_pos];
          v_served_keys := v_served_keys || q.k;
          v_gone[v_pos] := v_gone[v_pos] + 1;
          v_gone_cost[v_pos] := v_gone_cost[v_pos] + c_cost[i];
        end if;
      else
        -- A gate has no queue; the first bucket keeps the place.
        if not true = any (v_fails) and i = 1 then
          v_fails[1] := true;
        end if;
        if v_fails[i] or c_old[i] then
          d_request := d_request || q.ord::int;
          d_pos := d_pos || v_pos;
          d_key := d_key || q.k;
          d_account := d_account || q.a;
          d_class := d_class || q.c;
          d_tag := d_tag || c_tag[i];
          d_cost := d_cost || c_cost[i];
          d_need := d_need || (v_ahead[v_pos] + c_cost[i]);
          d_ahead := d_ahead || v_ahead_count[v_pos];
          d_gate := d_gate || q.gate;
          d_cause := d_cause || case when q.gate is not null then 'gate'
                                     else coalesce(p_cause[v_pos], case when v_room[v_pos] >= c_cost[i] then 'queue' else 'full' end) end;
          d_old := d_old || c_old[i];
          d_fails := d_fails || v_fails[i];
        end if;
        if v_fails[i] then
          v_waits[3 * v_pos - 2 + q.c] := least(v_waits[3 * v_pos - 2 + q.c], c_tag[i]);
          v_open[v_pos] := v_open[v_pos] - c_cost[i];
          v_ahead[v_pos] := v_ahead[v_pos] + c_cost[i];
          v_ahead_count[v_pos] := v_ahead_count[v_pos] + 1;
          v_denied_cost[v_pos] := v_denied_cost[v_pos] + c_cost[i];
          v_denied_calls[v_pos] := v_denied_calls[v_pos] + 1;
        end if;
      end if;
      if not c_old[i] and c_tag[i] > 0 and (v_fails[i] or not v_denied) then
        a_pos := a_pos || v_pos;
        a_account := a_account || q.a;
        a_class := a_class || q.c;
        a_finish := a_finish || (c_tag[i] + greatest(c_cost[i], 0.001) / q.w);
      end if;
    end loop;
    if v_denied then
      for i in 1 .. cardinality(q.b) loop
        p_grants[q.b[i]] := p_grants[q.b[i]] - q.q[i];
      end loop;
    end if;
    c_pos := '{}';
    c_cost := '{}';
    c_tag := '{}';
    c_old := '{}';
    v_fails := '{}';
  end loop;

  -- Estimates, bucket by bucket, with what this batch took already taken.
  d_wait := array_fill(0::bigint, array[cardinality(d_pos)]);
  for i in 1 .. v_count loop
    continue when not i = any (d_pos);
    r := p_rows[i];
    r.used := r.used + p_grants[i];
    r.tokens := r.tokens - p_grants[i];
    if r.hold and p_grants[i] > 0 then
      r.probe_lease_us := r.last_us + 1000000;
    end if;
    v_etas := sluice.limit_etas(r, array(select d.need from unnest(d_pos, d_need) with ordinality d (pos, need, n) where d.pos = i order by n));
    v_pos := 0;
    for j in 1 .. cardinality(d_pos) loop
      continue when d_pos[j] <> i;
      v_pos := v_pos + 1;
      continue when not d_fails[j];
      d_wait[j] := greatest(5000, v_etas[v_pos],
        -- After a block nobody comes back in the same instant as everybody else.
        case when d_cause[j] = 'blocked' then r.blocked_us - r.last_us + 500 * d_ahead[j]::bigint
             when d_cause[j] in ('paused', 'gate') then 10000000 + 20000 * d_ahead[j]::bigint else 0 end);
    end loop;
  end loop;

  if cardinality(v_served_ids) > 0 then
    delete from sluice.limit_ticket t using unnest(v_served_ids, v_served_keys) served (id, key)
     where t.bucket_id = served.id and t.call_key = served.key;
  end if;
  if cardinality(d_pos) > 0 then
    -- All tickets of one call carry the same estimate: the latest of its buckets.
    insert into sluice.limit_ticket as t (bucket_id, call_key, account, class, tag, cost, created_us, eta_us, lapse_us)
    select p_ids[d.pos], d.key, d.account, d.class, d.tag, d.cost, now_us, now_us + wait, now_us + wait + least(5000000, 2000000 + wait / 10)
      from (select *, max(d.part_wait) over (partition by d.request) wait, (p_rows[d.pos]).last_us now_us
              from unnest(d_request, d_pos, d_key, d_account, d_class, d_tag, d_cost, d_wait)
                   d (request, pos, key, account, class, tag, cost, part_wait)) d
    on conflict (bucket_id, call_key) do update
      set eta_us = excluded.eta_us, lapse_us = excluded.lapse_us, bounces = t.bounces + 1;
    for l in
      select d.pos, count(*) filter (where not d.old) added, coalesce(sum(d.cost) filter (where not d.old), 0) cost, max(d.wait) wait
        from (select d.*, max(d.part_wait) over (partition by d.request) wait
                from unnest(d_request, d_pos, d_cost, d_old, d_wait) d (request, pos, cost, old, part_wait)) d
       group by d.pos
    loop
      r := p_rows[l.pos];
      r.queue_len := r.queue_len + l.added;
      r.queue_cost := r.queue_cost + l.cost;
      r.queue_until_us := greatest(r.queue_until_us, r.last_us + l.wait + 5000000);
      p_rows[l.pos] := r;
    end loop;
    select json_agg(json_build_array(d.request, d.cause, coalesce(d.gate, d.pos), d.wait, d.ahead,
             case d.cause when 'blocked' then (p_rows[d.pos]).blocked_us - (p_rows[d.pos]).last_us end))
      into denied
      from (select distinct on (d.request) * from unnest(d_request, d_cause, d_pos, d_gate, d_wait, d_ahead)
              d (request, cause, pos, gate, wait, ahead) order by d.request, d.wait desc) d;
  end if;
  if cardinality(a_pos) > 0 then
    insert into sluice.limit_account as a (bucket_id, account, class, finish_tag, seen_us)
    select p_ids[n.pos], n.account, n.class, max(n.finish), (p_rows[n.pos]).last_us
      from unnest(a_pos, a_account, a_class, a_finish) n (pos, account, class, finish) group by n.pos, n.account, n.class
    on conflict (bucket_id, account, class) do update
      set finish_tag = greatest(a.finish_tag, excluded.finish_tag), seen_us = excluded.seen_us;
  end if;
  for i in 1 .. v_count loop
    r := p_rows[i];
    -- Virtual time is the tag of the last one served, but never passes one that still waits. Else a call that was served early,
    -- because room was free, would put all later ones behind what its account has waiting.
    for k in 3 * i - 2 .. 3 * i loop
      v_vtime[k] := greatest(v_vtime[k], least(v_served[k], v_waits[k]));
    end loop;
    r.vtime := v_vtime[3 * i - 2 : 3 * i];
    if v_gone[i] > 0 then
      r.queue_len := greatest(0, r.queue_len - v_gone[i]);
      r.queue_cost := case when r.queue_len = 0 then 0 else greatest(0, r.queue_cost - v_gone_cost[i]) end;
    end if;
    p_rows[i] := r;
  end loop;
end $$;

-- Microseconds until a bucket that advanced to its last_us can serve, one after the other, each amount of p_needs. They ascend:
-- each is everything to be admitted from now on, up to and including the one who asks.
create or replace function sluice.limit_etas(r sluice.limit_bucket, p_needs float8[]) returns bigint[] language plpgsql stable set search_path = pg_catalog as $$
declare
  v_etas bigint[] := '{}';
  v_ring float8[] := r.ring;
  v_need float8;
  v_cycles bigint;
  v_freed float8 := case when r.max is null then 0 else r.max - r.used end;
  v_offset int := -1;
  v_last_cycles bigint := 0;
  v_eta bigint;
  v_rest float8;
  v_rate float8 := r.rate;
  v_window record;
begin
  if r.override_rate is null and r.law ->> 'phase' in ('ease', 'recover') then
    -- Half the rate, but only for a moment: longer waits are at the rate that follows.
    v_rate := greatest(r.rate, (r.law ->> 'limit')::float8 * 0.98);
  end if;
  foreach v_need in array p_needs loop
    v_eta := 0;
    if r.max is not null and r.kind = 'inflight' and r.max > 0 then
      if v_need > r.max - r.used then
        v_eta := greatest(20000, (r.hold_us * (v_need - (r.max - r.used)) / r.max)::bigint);
      end if;
    elsif r.align is not null and r.max > 0 then
      -- All of it is freed when an edge is over.
      if v_need > r.max - r.used then
        v_window := sluice.limit_window(r, r.last_us - r.guard_us);
        v_cycles := ceil((v_need - (r.max - r.used)) / r.max)::bigint - 1;
        v_eta := v_window.end_us + r.guard_us - r.last_us + v_cycles * r.win_us;
      end if;
    elsif r.max is not null and r.max > 0 then
      -- What is admitted when a slot is freed is freed again one period later: whole windows first, then the ring.
      v_cycles := ceil(v_need / r.max)::bigint - 1;
      v_rest := v_need - v_cycles * r.max;
      if v_cycles <> v_last_cycles then
        v_freed := r.max - r.used;
        v_offset := -1;
        v_last_cycles := v_cycles;
      end if;
      while v_freed < v_rest and v_offset < r.slots - 1 loop
        v_offset := v_offset + 1;
        v_freed := v_freed + v_ring[((r.tail + v_offset) % r.slots)::int + 1];
      end loop;
      v_eta := v_cycles * r.slot_us * (r.slots - 1 - r.slots_ahead);
      if v_offset >= 0 then
        v_eta := v_eta + greatest(0, (r.tail + v_offset + 1) * r.slot_us + r.win_us + r.guard_us - r.last_us);
      end if;
    elsif r.max is not null then
      v_eta := greatest(r.win_us, 1000000);
    end if;
    if r.rate is not null then
      if r.hold then
        -- While a probe is on its way, look again when its answer should be known.
        v_eta := greatest(v_eta, greatest(r.probe_us - r.last_us, least(r.probe_lease_us - r.last_us, 1000000)) + ((v_need - 1) * 1000000 / greatest(r.rate, 0.0001))::bigint);
      elsif v_need > r.tokens then
        v_rest := (v_need - r.tokens) * 1000000 / greatest(v_rate, 0.000001);
        -- A rate that is still being searched doubles every second: who slept as long as today's rate says would miss it.
        -- In that time the n-th call comes after log2(1 + ln 2 * n / rate) seconds.
        if r.kind = 'learned' and coalesce(r.law ->> 'phase', 'start') = 'start' and r.override_rate is null then
          v_rest := 1000000 * least(v_rest / 1000000, ln(1 + 0.69 * v_rest / 1000000) / 0.69);
        end if;
        v_eta := greatest(v_eta, v_rest::bigint);
      end if;
    end if;
    v_etas := v_etas || v_eta;
  end loop;
  return v_etas;
end $$;

-- When a call that came now would be served by each bucket, and who goes before it. Reads only.
create or replace function sluice.limit_explain(p_ids bigint[], p_costs float8[], p_account text)
returns table (id bigint, eta_us bigint, ahead int, accounts_ahead int) language sql volatile set search_path = pg_catalog as $$
  select b.id,
    greatest((sluice.limit_etas(now_row, array[asked.cost + before.cost]))[1], b.blocked_us - now_row.last_us, 0),
    before.tickets::int, before.accounts::int
    from unnest(p_ids, p_costs) asked (id, cost)
    join sluice.limit_bucket b on b.id = asked.id
    cross join lateral sluice.limit_advance(b, sluice.limit_clock_us(), b.generation) now_row
    left join sluice.limit_account account on account.bucket_id = b.id and account.account = p_account and account.class = 1
    cross join lateral (
      select count(*) tickets, count(distinct t.account) accounts, coalesce(sum(t.cost), 0) cost from sluice.limit_ticket t
       where t.bucket_id = b.id and t.lapse_us > now_row.last_us
         and (t.class, t.tag) <= (1, greatest(b.vtime[2], account.finish_tag))) before
$$;

-- Forgets a key: what it used, what it learned, who waits. The next call starts afresh.
create or replace function sluice.limit_forget(p_key text) returns boolean language plpgsql volatile set search_path = pg_catalog as $$
declare
  v_id bigint;
begin
  delete from sluice.limit_bucket b where b.key = p_key returning b.id into v_id;
  if v_id is null then
    return false;
  end if;
  delete from sluice.limit_ticket t where t.bucket_id = v_id;
  delete from sluice.limit_account a where a.bucket_id = v_id;
  insert into sluice.limit_event (bucket_id, type, detail) values (v_id, 'forgotten', jsonb_build_object('key', p_key));
  return true;
end $$;

-- The number of the current life of the database; a new one after every crash.
create or replace function sluice.limit_generation() returns bigint language plpgsql volatile set search_path = pg_catalog as $$
declare
  v_generation bigint;
begin
  select generation into v_generation from sluice.limit_alive;
  if v_generation is null then
    insert into sluice.limit_alive (generation) values (sluice.limit_clock_us()) on conflict do nothing;
    select generation into v_generation from sluice.limit_alive;
  end if;
  return v_generation;
end $$;

-- By which numbers a limit is given out: what an operator has put in force, else what the third party or the declaration says.
-- Of the latter two the law of refusals takes off what it leaves out, and they are given out evenly where it says so: over their length,
-- or at the pace that it has found. Pure arithmetic on an advanced row.
create or replace function sluice.limit_in_force(r sluice.limit_bucket) returns sluice.limit_bucket language plpgsql stable set search_path = pg_catalog as $$
declare
  v_share float8 := case when r.kind = 'learned' then 1 else coalesce((r.law ->> 'share')::float8, 1) end;
  v_paced boolean := r.kind in ('window', 'calendar') and coalesce((r.law ->> 'isPaced')::boolean, false);
  v_before float8 := r.rate;
begin
  if r.slots > 0 then
    -- Of a learned window nothing is declared: the law has said what it holds.
    r.max := coalesce(r.override_max, case when r.declared_max is null then r.max
      else greatest(1, floor(coalesce(r.seen_max, r.declared_max) * v_share + 0.000000001)) end);
  else
    r.max := null;
  end if;
  -- What is given out evenly goes at the rate of its own number, whoever has said that.
  r.rate := coalesce(r.override_rate, case
    when r.kind = 'bucket' then r.declared_rate * v_share
    when r.kind = 'learned' then coalesce(case when r.slots > 0 then r.override_max * 1000000 / r.win_us end, r.rate)
    when v_paced then coalesce((r.law -> 'pace' ->> 'perSecond')::float8, r.max * 1000000 / r.win_us) end);
  if r.kind <> 'bucket' and r.rate is distinct from v_before then
    r.burst := greatest(1, 0.05 * r.rate);
    r.tokens := case when v_before is null then 0 else least(r.tokens, r.burst) end;
  end if;
  return r;
end $$;

-- What the laws of buckets need for their next step: of learned limits, and of refusals by known ones. Reads only.
create or replace function sluice.limit_law_read(p_ids bigint[])
returns table (id bigint, kind text, spec jsonb, law jsonb, version int, at_ms float8, ok int, fresh int, refused int, failed int,
  stale int, retry_ms float8, waited_us bigint, granted float8, demand float8, sibling_rate float8, in_use float8, units float8,
  length_ms float8, closed_ms float8, is_counted boolean)
language sql volatile set search_path = pg_catalog as $$
  select b.id, b.kind, b.spec, b.law, b.law_version, clock.us / 1000.0, b.ev_ok, b.ev_fresh, b.ev_refused, b.ev_failed, b.ev_stale,
    b.ev_retry_ms, waited.us, b.ev_granted,
    case when clock.us > b.law_stepped_us then least(1, waited.us::float8 / (clock.us - b.law_stepped_us)) else 1 end,
    case when b.law is null and b.kind = 'learned' then (
      -- What the same limit turned out to be for others: provider/limit/…
      select percentile_cont(0.5) within group (order by s.rate)
        from (select sibling.rate from sluice.limit_bucket sibling
               where sibling.key like replace(replace(regexp_replace(b.key, '[^/]*$', ''), '_', '\_'), '%', '\%') || '%'
                 and sibling.id <> b.id and sibling.kind = 'learned' and sibling.epoch > 0 and sibling.law is not null
               order by sibling.law_stepped_us desc limit 50) s) end,
    -- A bucket that refuses with tokens in it is in use, however many those are. So are calls at once: those that were in flight with it have
    -- given back their places by now.
    case when b.kind in ('bucket', 'inflight') then 1 when b.max > 0 then least(1, b.used / b.max) else 0 end,
    -- Of a bucket it is the rate that is given out less of, and that has no least part.
    case when b.kind = 'bucket' then greatest(100, b.burst) else coalesce(b.seen_max, b.declared_max, 1) end,
    -- What is in flight has ended after twice the time that a call takes, be they short or long.
    case when b.kind = 'bucket' then 1000 * b.burst / b.declared_rate
      when b.kind = 'inflight' then least(greatest(b.hold_us / 500.0, 1000), 60000)
      when b.win_us > 0 then b.win_us / 1000.0 else 60000 end,
    -- A bucket is never closed until all of it is there again.
    case when b.kind = 'bucket' then least(1000 * b.burst, 10000) / b.declared_rate
      when b.kind = 'inflight' then least(greatest(b.hold_us / 500.0, 4000), 60000)
      when b.win_us > 0 then b.win_us / 1000.0 else 60000 end,
    b.ev_counted
    from sluice.limit_bucket b
    cross join lateral (select greatest(sluice.limit_clock_us(), b.last_us) us) clock
    cross join lateral (
      select b.ev_waited_us + case when b.queue_len > 0 then greatest(0, least(clock.us, b.queue_until_us) - b.last_us) else 0 end us
    ) waited
   where b.id = any (p_ids) and b.kind <> 'gate'
$$;

-- Writes the law's answer, unless another worker stepped it first (then false, and nothing is changed). What was reported
-- since the law read stays for its next step; its refusals are of an epoch that has had its decrease.
create or replace function sluice.limit_law_write(
  p_id bigint, p_version int, p_law jsonb, p_at_ms float8, p_rate float8, p_burst float8, p_hold boolean, p_probe_ms float8,
  p_epoch int, p_max float8, p_win_us bigint, p_guard_us bigint, p_slot_us bigint, p_slots int, p_slots_ahead int, p_ok int, p_fresh int,
  p_refused int, p_failed int, p_stale int, p_waited_us bigint, p_granted float8, p_event text
) returns boolean language plpgsql volatile set search_path = pg_catalog as $$
declare
  r sluice.limit_bucket;
  v_decreased boolean;
  v_rate float8;
begin
  select * into r from sluice.limit_bucket b where b.id = p_id for no key update;
  if not found or r.law_version <> p_version then
    return false;
  end if;
  r := sluice.limit_advance(r, sluice.limit_clock_us(), sluice.limit_generation());
  if r.slots <> p_slots or r.win_us <> p_win_us then
    r := sluice.limit_reslot(r, p_win_us, p_guard_us, p_slot_us, p_slots, p_slots_ahead, null, null, 0);
  end if;
  v_decreased := p_epoch > r.epoch;
  v_rate := r.rate;
  -- Calls without a limit that are refused too often have one that nobody knows.
  r.kind := 'learned';
  r.max := p_max;
  r.rate := p_rate;
  r.burst := p_burst;
  r.tokens := least(r.tokens, p_burst);
  r := sluice.limit_in_force(r);
  update sluice.limit_bucket b set
    kind = r.kind, law = p_law, law_version = p_version + 1, law_stepped_us = greatest((p_at_ms * 1000)::bigint, 0), law_due_us = r.last_us + 500000,
    rate = r.rate, burst = r.burst, tokens = r.tokens, paced_us = r.paced_us,
    hold = p_hold and r.override_rate is null, probe_us = coalesce((p_probe_ms * 1000)::bigint, 0),
    probe_lease_us = case when v_decreased then 0 else r.probe_lease_us end, epoch = p_epoch,
    max = r.max, win_us = r.win_us, guard_us = r.guard_us, slot_us = r.slot_us, slots = r.slots, slots_ahead = r.slots_ahead,
    ring = r.ring, filling = r.filling, used = r.used, tail = r.tail, foreign_used = r.foreign_used,
    ev_ok = r.ev_ok - p_ok, ev_fresh = case when v_decreased then 0 else r.ev_fresh - p_fresh end,
    ev_refused = case when v_decreased then 0 else r.ev_refused - p_refused end,
    ev_failed = r.ev_failed - p_failed,
    ev_stale = r.ev_stale - p_stale + case when v_decreased then r.ev_refused - p_refused else 0 end,
    ev_retry_ms = case when (r.ev_ok, r.ev_refused, r.ev_stale) is distinct from (p_ok, p_refused, p_stale) then r.ev_retry_ms end,
    ev_waited_us = greatest(0, r.ev_waited_us - p_waited_us), ev_granted = r.ev_granted - p_granted,
    last_us = r.last_us, generation = r.generation, granted = r.granted
    where b.id = p_id;
  if p_event is not null then
    insert into sluice.limit_event (bucket_id, type, detail) values (p_id, 'learned', jsonb_build_object(
      'what', p_event, 'from', v_rate, 'to', p_rate, 'epoch', p_epoch, 'window', p_max));
  end if;
  return true;
end $$;

-- Writes the steps of several laws, in id order. Returns the ids of those that another worker stepped first.
create or replace function sluice.limit_law_write_all(p_steps json) returns bigint[] language plpgsql volatile set search_path = pg_catalog as $$
declare
  s record;
  v_lost bigint[] := '{}';
begin
  for s in
    select * from json_to_recordset(p_steps) as step (
      id bigint, version int, law jsonb, "atMs" float8, rate float8, burst float8, hold boolean, "probeMs" float8, epoch int,
      max float8, "winUs" bigint, "guardUs" bigint, "slotUs" bigint, slots int, "slotsAhead" int, ok int, fresh int, refused int, failed int,
      stale int, "waitedUs" bigint, granted float8, event text)
     order by id
  loop
    if not sluice.limit_law_write(s.id, s.version, s.law, s."atMs", s.rate, s.burst, s.hold, s."probeMs", s.epoch, s.max,
      s."winUs", s."guardUs", s."slotUs", s.slots, s."slotsAhead", s.ok, s.fresh, s.refused, s.failed, s.stale, s."waitedUs", s.granted, s.event)
    then
      v_lost := v_lost || s.id;
    end if;
  end loop;
  -- A step that is lost in a crash is made again: the next refusal is of the same epoch.
  perform set_config('synchronous_commit', 'off', true);
  return v_lost;
end $$;

-- Buckets as they stand now. Reads only.
create or replace function sluice.limit_look(p_ids bigint[])
returns table (id bigint, key text, kind text, spec jsonb, used float8, max float8, declared_max float8, win_us bigint,
  rate float8, hold boolean, probe_in_us bigint, epoch int, override_max float8, override_rate float8, override_until timestamptz, seen_max float8,
  foreign_used float8, blocked_in_us bigint, blocked_at timestamptz, blocked_until timestamptz, blocked_reason text, paused_at timestamptz,
  paused_reason text, waiting int, accounts_waiting int, first_free_us bigint,
  failing_phase text, failing_since timestamptz, failing_reason text, back_in_us float8)
language sql volatile set search_path = pg_catalog as $$
  select now_row.id, now_row.key, now_row.kind, now_row.spec,
    case when now_row.kind = 'bucket' then greatest(0, now_row.burst - now_row.tokens) else now_row.used end,
    case when now_row.kind = 'bucket' then now_row.burst else now_row.max end, now_row.declared_max, now_row.win_us,
    now_row.rate, now_row.hold, greatest(0, greatest(now_row.probe_us, now_row.probe_lease_us) - now_row.last_us),
    now_row.epoch, now_row.override_max, now_row.override_rate, now_row.override_until, now_row.seen_max, now_row.foreign_used,
    greatest(0, now_row.blocked_us - now_row.last_us), now_row.blocked_at,
    to_timestamp(now_row.blocked_us / 1000000.0), now_row.blocked_reason, now_row.paused_at,
    now_row.paused_reason, queue.tickets::int, queue.accounts::int, (sluice.limit_etas(now_row, array[1::float8]))[1],
    breaker.phase, breaker.since, breaker.reason, coalesce(breaker.back_us, 0)
    from sluice.limit_bucket b
    cross join lateral sluice.limit_advance(b, sluice.limit_clock_us(), b.generation) now_row
    cross join lateral (
      select count(*) tickets, count(distinct account) accounts from sluice.limit_ticket t
       where t.bucket_id = b.id and t.lapse_us > now_row.last_us) queue
    -- Of a gate: until a call comes after the way back, the row still says that it recovers.
    left join lateral (
      select now_row.law ->> 'phase' phase, to_timestamp((now_row.law ->> 'sinceMs')::float8 / 1000) since,
        nullif(now_row.law ->> 'reason', '') reason, (now_row.law ->> 'recoveredAtMs')::float8 * 1000 - now_row.last_us back_us
    ) breaker on now_row.kind = 'gate' and now_row.hold and (breaker.phase = 'open' or breaker.back_us > 0)
   where b.id = any (p_ids)
   order by b.key
$$;

-- Adds what a process did with its keys to their graphs, and removes what is too old. A slot takes in `p_most` keys: those that were
-- refused, are waited for and are nearest to their limit first.
-- Locks the rows of slots in the order of their keys; reads buckets without a lock.
--   p_entries [{id, calls, refused}]: since this process last told
create or replace function sluice.limit_note_use(p_entries json, p_most int) returns int language plpgsql volatile set search_path = pg_catalog as $$
declare
  v_clock bigint := sluice.limit_clock_us();
  v_now timestamptz := clock_timestamp();
  v_noted int;
begin
  -- A crash loses some seconds of a graph.
  perform set_config('synchronous_commit', 'off', true);
  with told as (
    select entry.id, entry.calls, entry.refused, b.rate, b.queue_len,
      case when b.kind = 'bucket' then b.burst else b.max end as max,
      case when b.kind = 'bucket' then greatest(0, b.burst - b.tokens) when b.max is not null then b.used end as used
      from json_to_recordset(p_entries) as entry (id bigint, calls int, refused int)
      join sluice.limit_bucket bucket on bucket.id = entry.id
     cross join lateral sluice.limit_advance(bucket, v_clock, bucket.generation) b
  ), slot as (
    select grain, to_timestamp(floor(extract(epoch from v_now) / grain) * grain) as at from unnest(array[60, 10800]) grain
  ), room as (
    select slot.grain, slot.at, p_most - (
      select count(*) from (select from sluice.limit_pace p where p.grain_s = slot.grain and p.at = slot.at limit p_most) taken) as places
      from slot
  ), ranked as (
    select told.*, room.*, known.bucket_id is not null as is_known, row_number() over (
      partition by room.grain, known.bucket_id is null
      order by told.refused desc, told.queue_len desc, coalesce(told.used / nullif(told.max, 0), 0) desc, told.calls desc, told.id) as place
      from told cross join room
      left join sluice.limit_pace known on known.bucket_id = told.id and known.grain_s = room.grain and known.at = room.at
  )
  insert into sluice.limit_pace as p (bucket_id, grain_s, at, calls, refused, used, waiting, max, rate)
    select id, grain, at, calls, refused, used, queue_len, max, rate from ranked where is_known or place <= places order by id, grain
    on conflict (bucket_id, grain_s, at) do update set
      calls = p.calls + excluded.calls, refused = p.refused + excluded.refused, used = greatest(p.used, excluded.used),
      waiting = greatest(p.waiting, excluded.waiting), max = excluded.max, rate = excluded.rate;
  get diagnostics v_noted = row_count;
  delete from sluice.limit_pace p where (p.bucket_id, p.grain_s, p.at) in (
    select old.bucket_id, old.grain_s, old.at from sluice.limit_pace old
     where (old.grain_s = 60 and old.at < v_now - interval '24 hours')
       or (old.grain_s = 10800 and old.at < v_now - interval '90 days') limit 5000 for update skip locked);
  return v_noted;
end $$;

-- Puts an operator's numbers in force until they are taken back (nulls), or for so many milliseconds: then the sweep does it.
create or replace function sluice.limit_override(p_key text, p_max float8, p_rate float8, p_for_ms float8) returns boolean language plpgsql volatile set search_path = pg_catalog as $$
declare
  r sluice.limit_bucket;
  v_max float8;
  v_rate float8;
begin
  select * into r from sluice.limit_bucket b where b.key = p_key for no key update;
  if not found then
    return false;
  end if;
  r := sluice.limit_advance(r, sluice.limit_clock_us(), sluice.limit_generation());
  v_max := r.max;
  v_rate := r.rate;
  r.override_max := p_max;
  r.override_rate := p_rate;
  r := sluice.limit_in_force(r);
  update sluice.limit_bucket b set
    override_max = p_max, override_rate = p_rate,
    override_until = case when p_max is not null or p_rate is not null then clock_timestamp() + p_for_ms * interval '1 millisecond' end,
    max = r.max, rate = r.rate, burst = r.burst, tokens = 0, paced_us = r.last_us, hold = r.hold and p_rate is null,
    tail = r.tail, used = r.used, ring = r.ring, filling = r.filling, ev_waited_us = r.ev_waited_us, last_us = r.last_us, generation = r.generation,
    granted = r.granted
    where b.id = r.id;
  insert into sluice.limit_event (bucket_id, type, detail)
    values (r.id, 'overridden', jsonb_build_object('max', p_max, 'ratePerSecond', p_rate, 'before', v_max, 'rateBefore', v_rate, 'forMs', p_for_ms));
  return true;
end $$;

-- Pauses one key, or with a pattern that ends in /* everything below it, also keys that turn up later. p_gate_id is the
-- id of the pattern's own row. Locks the rows in id order. Returns how many keys it holds for.
create or replace function sluice.limit_pause(p_pattern text, p_gate_id bigint, p_reason text) returns int language plpgsql volatile set search_path = pg_catalog as $$
declare
  v_ids bigint[];
begin
  if right(p_pattern, 2) = '/*' then
    insert into sluice.limit_bucket (id, key, kind, spec) values (p_gate_id, p_pattern, 'gate', '{}') on conflict do nothing;
  end if;
  v_ids := array(
    select b.id from sluice.limit_bucket b
     where b.key = p_pattern or (right(p_pattern, 2) = '/*' and starts_with(b.key, left(p_pattern, -1)))
     order by b.id for no key update);
  update sluice.limit_bucket b set paused_at = clock_timestamp(), paused_reason = p_reason
    where b.id = any (v_ids) and b.paused_at is null;
  insert into sluice.limit_event (bucket_id, type, detail)
    select b.id, 'paused', jsonb_build_object('reason', p_reason) from sluice.limit_bucket b
     where b.id = any (v_ids) and (b.kind = 'gate' or cardinality(v_ids) = 1);
  return cardinality(v_ids);
end $$;

-- Writes what the law of refusals says of a known limit, unless another worker stepped it first (then false, and nothing is changed).
-- What was reported since the law read stays for its next step.
--   p_block_ms nothing at all is given out for so long (null = no block)
create or replace function sluice.limit_refusals_write(
  p_id bigint, p_version int, p_law jsonb, p_block_ms float8, p_due_ms float8, p_fresh int, p_refused int,
  p_stale int, p_sent float8, p_event text
) returns boolean language plpgsql volatile set search_path = pg_catalog as $$
declare
  r sluice.limit_bucket;
  v_refused_since boolean;
  w record;
begin
  select * into r from sluice.limit_bucket b where b.id = p_id for no key update;
  if not found or r.law_version <> p_version or r.kind in ('learned', 'gate') then
    return false;
  end if;
  r := sluice.limit_advance(r, sluice.limit_clock_us(), sluice.limit_generation());
  v_refused_since := (r.ev_refused, r.ev_stale) is distinct from (p_refused, p_stale);
  if p_block_ms is not null and r.ev_retry_ms is null and r.align is not null then
    -- Nobody told how long. At the latest it is open again when all of it is back.
    w := sluice.limit_window(r, r.last_us - r.guard_us);
    p_block_ms := least(p_block_ms, (w.end_us + r.guard_us - r.last_us) / 1000.0);
  end if;
  r.law := p_law;
  r := sluice.limit_in_force(r);
  if r.kind = 'bucket' and p_block_ms is not null then
    -- Whatever it believed to have, there is nothing in it; and what flows in until it opens again would come in one crowd then.
    r.tokens := least(r.tokens, 0) - r.rate * p_block_ms / 1000;
  end if;
  update sluice.limit_bucket b set
    law = p_law, law_version = p_version + 1, law_stepped_us = r.last_us, law_due_us = (p_due_ms * 1000)::bigint,
    max = r.max, rate = r.rate, burst = r.burst, tokens = r.tokens, paced_us = r.last_us,
    blocked_us = case when p_block_ms is null then r.blocked_us else greatest(r.blocked_us, r.last_us + (p_block_ms * 1000)::bigint) end,
    ring = r.ring, filling = r.filling, used = r.used, tail = r.tail, foreign_used = r.foreign_used, freed = r.freed, freed_us = r.freed_us,
    ev_ok = 0, ev_failed = 0, ev_fresh = greatest(0, r.ev_fresh - p_fresh), ev_refused = greatest(0, r.ev_refused - p_refused),
    ev_stale = greatest(0, r.ev_stale - p_stale), ev_granted = greatest(0, r.ev_granted - p_sent),
    ev_retry_ms = case when v_refused_since then r.ev_retry_ms end, ev_counted = r.ev_counted and v_refused_since,
    ev_waited_us = r.ev_waited_us, last_us = r.last_us, generation = r.generation, granted = r.granted
    where b.id = p_id;
  if p_event is not null then
    insert into sluice.limit_event (bucket_id, type, detail) values (p_id, case when p_block_ms is null then 'relaxed' else 'refused' end,
      jsonb_strip_nulls(jsonb_build_object('what', p_event, 'used', r.used, 'max', r.max, 'blockedMs', p_block_ms,
        'reason', case when p_block_ms is not null then r.blocked_reason end)));
  end if;
  return true;
end $$;

-- Writes the steps of several known limits, in id order. Returns the ids of those that another worker stepped first.
create or replace function sluice.limit_refusals_write_all(p_steps json) returns bigint[] language plpgsql volatile set search_path = pg_catalog as $$
declare
  s record;
  v_lost bigint[] := '{}';
  v_blocks boolean := false;
begin
  for s in
    select * from json_to_recordset(p_steps) as step (id bigint, version int, law jsonb, "blockMs" float8,
      "dueMs" float8, fresh int, refused int, stale int, sent float8, event text)
     order by id
  loop
    if not sluice.limit_refusals_write(s.id, s.version, s.law, s."blockMs", s."dueMs", s.fresh, s.refused, s.stale,
      s.sent, s.event)
    then
      v_lost := v_lost || s.id;
    end if;
    v_blocks := v_blocks or s."blockMs" is not null;
  end loop;
  if not v_blocks then
    perform set_config('synchronous_commit', 'off', true);
  end if;
  return v_lost;
end $$;

-- Takes in what the answers of one worker say. Locks the worker's row, then the buckets in id order. Returns the buckets whose law
-- should be stepped now. What is told again changes nothing: a refund that is made twice would admit a call too many.
--   p_entries [{id, refundSlots, refunds, charge, blockMs, reason, epochs, oks, refusals, failures, releases, heldMs,
--              remaining, resetMs, max, ageMs}]; refunds are aligned with refundSlots; oks, refusals and failures with
--              epochs, the epochs of the permits
--   p_teller, p_serial  see is_told_first
create or replace function sluice.limit_report(p_entries json, p_teller uuid, p_serial bigint) returns bigint[] language plpgsql volatile set enable_seqscan = off set search_path = pg_catalog as $$
declare
  v_generation bigint := sluice.limit_generation();
  v_due bigint[] := '{}';
  r sluice.limit_bucket;
  e record;
  v_clock bigint;
  v_index int;
  v_amount float8;
  v_current boolean;
  v_refused boolean;
  v_loses boolean := false;
begin
  if not sluice.is_told_first(p_teller, p_serial) then
    perform set_config('synchronous_commit', 'off', true);
    return array(
      select b.id from sluice.limit_bucket b
       where b.id in (select (entry ->> 'id')::bigint from json_array_elements(p_entries) entry)
         and b.law_due_us <= sluice.limit_clock_us() + 500000);
  end if;
  perform from sluice.limit_bucket b
    where b.id in (select (entry ->> 'id')::bigint from json_array_elements(p_entries) entry) order by b.id for no key update;
  v_clock := sluice.limit_clock_us();
  for e in
    select * from json_to_recordset(p_entries) as entry (
      id bigint, "refundSlots" bigint[], refunds float8[], charge float8, "blockMs" float8, reason text, epochs int[],
      oks int[], refusals int[], failures int[], releases int, "heldMs" float8, remaining float8, "resetMs" float8, max float8, "ageMs" float8)
     order by id
  loop
    select * into r from sluice.limit_bucket b where b.id = e.id;
    continue when not found;
    r := sluice.limit_advance(r, v_clock, v_generation);
    for k in 1 .. coalesce(cardinality(e.refunds), 0) loop
      if r.max is not null and e."refundSlots"[k] >= r.tail then
        v_index := (e."refundSlots"[k] % r.slots)::int + 1;
        v_amount := least(e.refunds[k], r.ring[v_index]);
        r.ring[v_index] := r.ring[v_index] - v_amount;
        r.used := r.used - v_amount;
      end if;
      if r.rate is not null then
        r.tokens := least(r.burst, r.tokens + e.refunds[k]);
        r.probe_lease_us := 0;
      end if;
    end loop;
    if e.charge > 0 then
      if r.max is not null then
        v_index := (sluice.limit_slot(r, r.last_us) % r.slots)::int + 1;
        r.ring[v_index] := r.ring[v_index] + e.charge;
        r.used := r.used + e.charge;
      end if;
      r.tokens := r.tokens - e.charge;
      v_loses := true;
    end if;
    if e.releases > 0 then
      r.hold_us := (r.hold_us * 0.8 + 200 * e."heldMs" / e.releases)::bigint;
    end if;
    r := sluice.limit_correct(r, e.remaining, (e."resetMs" * 1000)::bigint, e.max, (coalesce(e."ageMs", 0) * 1000)::bigint);

    if r.kind = 'none' and e.max > 1 and e."resetMs" > 0 then
      -- What its answers tell of a limit that nobody declared. Its window is at least as long as it takes until all of it is
      -- there again.
      r.seen_max := e.max;
      r.win_us := greatest(r.win_us, (e."resetMs" * 1000)::bigint);
    end if;

    -- One decrease per burst: refusals of permits from before the last one only count.
    v_current := false;
    v_refused := false;
    for k in 1 .. coalesce(cardinality(e.epochs), 0) loop
      r.ev_ok := r.ev_ok + e.oks[k];
      r.ev_failed := r.ev_failed + e.failures[k];
      v_refused := v_refused or e.refusals[k] > 0;
      if e.epochs[k] = r.epoch then
        r.probe_lease_us := 0;
        r.ev_fresh := r.ev_fresh + e.oks[k];
        r.ev_refused := r.ev_refused + e.refusals[k];
        v_current := v_current or e.refusals[k] > 0;
      else
        r.ev_stale := r.ev_stale + e.refusals[k];
      end if;
    end loop;
    if r.kind <> 'learned' then
      if v_current then
        -- It believed to have room. What that means is said by the law of refusals in a moment; until then nobody calls.
        r.epoch := r.epoch + 1;
        r.ev_counted := r.ev_counted or (e.remaining is not null and (r.kind <> 'none' or e.remaining <= 0));
        if e."blockMs" is null then
          r.blocked_us := greatest(r.blocked_us, r.last_us + 60000);
          r.blocked_at := clock_timestamp();
          r.blocked_reason := coalesce(e.reason, 'refused');
        end if;
      end if;
      -- Of answers the law wants to hear once.
      if v_current or (r.ev_fresh > 0 and (r.law ->> 'isAnswered') = 'false') then
        v_due := v_due || r.id;
        -- Should this worker die now, the next acquire sees to it.
        r.law_due_us := r.last_us + 50000;
      end if;
    end if;
    if e."blockMs" > 0 then
      if r.last_us + e."blockMs" * 1000 > r.blocked_us then
        if not v_refused then
          insert into sluice.limit_event (bucket_id, type, detail)
            select r.id, 'blocked', jsonb_build_object('blockedMs', e."blockMs", 'reason', e.reason) where r.blocked_us <= r.last_us;
        end if;
        r.blocked_us := r.last_us + (e."blockMs" * 1000)::bigint;
        r.blocked_at := clock_timestamp();
        r.blocked_reason := e.reason;
      end if;
      r.ev_retry_ms := greatest(r.ev_retry_ms, e."blockMs");
      v_loses := true;
    end if;
    if r.kind = 'learned' and (r.ev_refused > 0 or r.law is null or r.law_stepped_us < r.last_us - 200000) then
      v_due := v_due || r.id;
      r.law_due_us := r.last_us + 50000;
    end if;
    update sluice.limit_bucket b set
      tail = r.tail, used = r.used, ring = r.ring, filling = r.filling, foreign_used = r.foreign_used, foreign_slot = r.foreign_slot,
      freed = r.freed, freed_us = r.freed_us,
      higher_seen = r.higher_seen, seen_max = r.seen_max, max = r.max, win_us = r.win_us, rate = r.rate, burst = r.burst, hold_us = r.hold_us, tokens = r.tokens,
      paced_us = r.paced_us, probe_us = r.probe_us, probe_lease_us = r.probe_lease_us, epoch = r.epoch,
      law_due_us = r.law_due_us, ev_ok = r.ev_ok, ev_fresh = r.ev_fresh, ev_refused = r.ev_refused,
      ev_waited_us = r.ev_waited_us, ev_failed = r.ev_failed, ev_stale = r.ev_stale, ev_retry_ms = r.ev_retry_ms, blocked_us = r.blocked_us,
      blocked_at = r.blocked_at, blocked_reason = r.blocked_reason, ev_counted = r.ev_counted,
      last_us = r.last_us, generation = r.generation, granted = r.granted
      where b.id = r.id;
  end loop;
  if not v_loses then
    -- Refunds and successes may be lost in a crash: that only makes the limiter more careful.
    perform set_config('synchronous_commit', 'off', true);
  end if;
  return v_due;
end $$;

-- Gives an advanced row a ring of another geometry, or none (p_slots = 0). What was granted stays counted. Each old slot goes to
-- the new slot in which it ends; where one of the two is aligned, to the present one.
create or replace function sluice.limit_reslot(
  r sluice.limit_bucket, p_win_us bigint, p_guard_us bigint, p_slot_us bigint, p_slots int, p_slots_ahead int,
  p_align text, p_align_zone text, p_align_us bigint
) returns sluice.limit_bucket language plpgsql stable set search_path = pg_catalog as $$
declare
  v_ring float8[];
  v_used float8 := 0;
  v_slot bigint;
  v_tail bigint := 0;
  v_amount float8;
begin
  if p_slots > 0 and (p_align is not null or r.align is not null) then
    v_used := r.used;
  elsif p_slots > 0 then
    v_ring := array_fill(0::float8, array[p_slots]);
    v_tail := (r.last_us - p_win_us - p_guard_us) / p_slot_us;
    for k in 0 .. r.slots - 1 loop
      v_slot := least(r.last_us / p_slot_us + p_slots_ahead, ((r.tail + k + 1) * r.slot_us - 1) / p_slot_us);
      v_amount := r.ring[((r.tail + k) % r.slots)::int + 1];
      if v_slot >= v_tail and v_amount > 0 then
        v_ring[(v_slot % p_slots)::int + 1] := v_ring[(v_slot % p_slots)::int + 1] + v_amount;
        v_used := v_used + v_amount;
      end if;
    end loop;
  end if;
  r.ring := v_ring;
  r.used := v_used;
  r.tail := v_tail;
  r.win_us := p_win_us;
  r.guard_us := p_guard_us;
  r.slot_us := p_slot_us;
  r.slots := p_slots;
  r.slots_ahead := p_slots_ahead;
  r.align := p_align;
  r.align_zone := p_align_zone;
  r.align_us := p_align_us;
  r.foreign_used := 0;
  if p_slots > 0 and v_ring is null then
    r.tail := sluice.limit_tail(r, r.last_us);
    r.ring := array_fill(0::float8, array[p_slots]);
    r.ring[(sluice.limit_slot(r, r.last_us) % p_slots)::int + 1] := v_used;
  end if;
  return r;
end $$;

-- Takes a pause or a refusal off one key, or with a pattern that ends in /* off everything below it. Locks the rows in id order.
-- Returns how many keys it changed.
create or replace function sluice.limit_resume(p_pattern text) returns int language plpgsql volatile set search_path = pg_catalog as $$
declare
  v_ids bigint[] := array(
    select b.id from sluice.limit_bucket b
     where (b.key = p_pattern or (right(p_pattern, 2) = '/*' and starts_with(b.key, left(p_pattern, -1))))
       and (b.paused_at is not null or b.blocked_us > b.last_us)
     order by b.id for no key update);
begin
  update sluice.limit_bucket b set paused_at = null, paused_reason = null, blocked_us = 0 where b.id = any (v_ids);
  insert into sluice.limit_event (bucket_id, type) select unnest(v_ids), 'resumed';
  return cardinality(v_ids);
end $$;

-- The slot in which a grant at this time is counted. Aligned rows: the inner part of a window, or the edge around its end, in which
-- the clocks of database and third party may disagree.
create or replace function sluice.limit_slot(r sluice.limit_bucket, p_at_us bigint) returns bigint
language plpgsql stable set search_path = pg_catalog as $$
declare
  w record;
begin
  if r.align is null then
    return p_at_us / r.slot_us;
  end if;
  w := sluice.limit_window(r, p_at_us - r.guard_us);
  return 2 * w.number + case when p_at_us >= w.end_us - r.guard_us then 1 else 0 end;
end $$;

-- Housekeeping, by one worker at a time. It removes tickets of calls that never came back, overrides that have ended, accounts
-- and events of the past. It also removes buckets that nobody used for a month and that know nothing. Skips what is locked.
-- Returns what was removed.
create or replace function sluice.limit_sweep(p_ticket_us bigint, p_account_us bigint, p_events interval)
returns table (tickets int, accounts int, events int, buckets int, oldest_transaction_s float8) language plpgsql volatile set search_path = pg_catalog as $$
declare
  v_now bigint := sluice.limit_clock_us();
  v_id bigint;
  v_gone int;
begin
  tickets := 0;
  if not pg_try_advisory_xact_lock(728410559204) then
    return;
  end if;
  for v_id in
    select distinct t.bucket_id from sluice.limit_ticket t where t.lapse_us < v_now - p_ticket_us order by 1
  loop
    perform from sluice.limit_bucket b where b.id = v_id for no key update skip locked;
    continue when not found and exists (select from sluice.limit_bucket b where b.id = v_id);
    delete from sluice.limit_ticket t where t.bucket_id = v_id and t.lapse_us < v_now - p_ticket_us;
    get diagnostics v_gone = row_count;
    tickets := tickets + v_gone;
    update sluice.limit_bucket b set queue_len = rest.tickets, queue_cost = rest.cost
      from (select count(*)::int tickets, coalesce(sum(cost), 0) cost from sluice.limit_ticket t where t.bucket_id = v_id) rest
     where b.id = v_id;
  end loop;
  perform sluice.limit_override(b.key, null, null, null) from (
    select ended.key from sluice.limit_bucket ended where ended.override_until < clock_timestamp()
     order by ended.id limit 1000 for no key update skip locked) b;
  with gone as (
    delete from sluice.limit_account a where (a.bucket_id, a.account, a.class) in (
      select old.bucket_id, old.account, old.class from sluice.limit_account old
       where old.seen_us < v_now - p_account_us for update skip locked limit 10000) returning 1)
  select count(*) into accounts from gone;
  with gone as (
    delete from sluice.limit_event e where e.id in (
      select old.id from sluice.limit_event old where old.at < clock_timestamp() - p_events order by old.at limit 10000) returning 1)
  select count(*) into events from gone;
  -- Nobody tells again after a week what it has told before.
  delete from sluice.told t where t.teller in (
    select old.teller from sluice.told old where old.at < clock_timestamp() - interval '7 days' for update skip locked limit 10000);
  with gone as (
    delete from sluice.limit_bucket b where b.id in (
      select old.id from sluice.limit_bucket old
       where old.kind in ('window', 'calendar', 'bucket', 'inflight', 'none') and old.last_us < v_now - 2592000000000 - old.win_us - old.guard_us
         and old.queue_len = 0 and old.paused_at is null and old.override_max is null and old.override_rate is null
         and old.blocked_us < v_now for update skip locked limit 1000) returning 1)
  select count(*) into buckets from gone;
  -- A transaction that stays open keeps every old version of the hot rows alive.
  select extract(epoch from clock_timestamp() - min(a.xact_start)) into oldest_transaction_s
    from pg_stat_activity a where a.datname = current_database() and (a.backend_xmin is not null or a.backend_xid is not null);
  if oldest_transaction_s > 30 and not exists (
    select from sluice.limit_event e where e.bucket_id = 0 and e.type = 'long-transaction' and e.at > clock_timestamp() - interval '10 minutes'
  ) then
    insert into sluice.limit_event (bucket_id, type, detail)
      values (0, 'long-transaction', jsonb_build_object('seconds', oldest_transaction_s));
  end if;
  return next;
end $$;

-- The oldest slot that counts at this time. Aligned rows: the edge before the window in which it surely is; until an edge is over, the
-- window before it counts.
create or replace function sluice.limit_tail(r sluice.limit_bucket, p_at_us bigint) returns bigint
language plpgsql stable set search_path = pg_catalog as $$
begin
  if r.align is null then
    return (p_at_us - r.win_us - r.guard_us) / r.slot_us;
  end if;
  return 2 * (sluice.limit_window(r, p_at_us - r.guard_us)).number - 1;
end $$;

-- The window of an aligned row in which a moment lies: its number, and where it begins and ends. Calendar windows follow their zone's
-- summer time, so they are not all of one length.
create or replace function sluice.limit_window(r sluice.limit_bucket, p_at_us bigint, out number bigint, out start_us bigint, out end_us bigint)
language plpgsql stable set search_path = pg_catalog as $$
declare
  v_local timestamp;
  v_step interval;
begin
  if r.align = 'clock' then
    number := floor((p_at_us - r.align_us)::numeric / r.win_us);
    start_us := number * r.win_us + r.align_us;
    end_us := start_us + r.win_us;
    return;
  end if;
  v_local := date_trunc(r.align, to_timestamp(p_at_us / 1000000.0) at time zone r.align_zone);
  v_step := case r.align when 'day' then interval '1 day' when 'week' then interval '7 days' else interval '1 month' end;
  -- Consecutive: days and weeks since the first Monday of 1970, months since the year 0.
  number := case r.align when 'month' then extract(year from v_local) * 12 + extract(month from v_local)
                         when 'week' then (v_local::date - date '1970-01-05') / 7 else v_local::date - date '1970-01-05' end;
  start_us := extract(epoch from v_local at time zone r.align_zone) * 1000000;
  end_us := extract(epoch from (v_local + v_step) at time zone r.align_zone) * 1000000;
end $$;

-- What a list has lost by being split. Parts that are all read must have brought what the whole has shown, by its count or its
-- rows, before they took its place. One row in a hundred may be gone meanwhile. Called by end_of_part.
--   u, came   the last unit of its part, which ends as complete, and the different rows that the part has brought
-- Returns why rows are missing; null where none are, or where other parts are still read.
-- Locks: the sum of each whole, by name, until the transaction ends: of two parts that end at once the later one sees the other.
-- Index: unit's key (run_id, node, parent_key, part, lane); the parts of `0` lie between `00` and `02`.
create or replace function sluice.lost_by_split(u sluice.unit, came bigint)
returns text language plpgsql set search_path = pg_catalog as $$
declare
  whole text := u.part;
  shown bigint;
  brought bigint;
begin
  while whole <> '' loop
    whole := left(whole, -1);
    perform pg_advisory_xact_lock(hashtextextended(format('sluice.parts %s %s %s %s', u.run_id, u.node, u.parent_key, whole), 0));
    if exists (select 1 from sluice.unit x where x.run_id = u.run_id and x.node = u.node and x.parent_key = u.parent_key
               and x.part >= whole || '0' and x.part < whole || '2' and x.id <> u.id and x.end_kind is null) then
      return null;
    end if;
    select greatest(max(x.total), sum(x.rows + x.aside)) into shown from sluice.unit x
      where x.run_id = u.run_id and x.node = u.node and x.parent_key = u.parent_key and x.part = whole;
    select came + coalesce(sum(x.rows + x.aside), 0) into brought from sluice.unit x
      where x.run_id = u.run_id and x.node = u.node and x.parent_key = u.parent_key
        and x.part >= whole || '0' and x.part < whole || '2' and x.part <> u.part
        and not exists (select 1 from sluice.unit y where y.run_id = x.run_id and y.node = x.node and y.parent_key = x.parent_key
                        and y.part = x.part || '0' and y.lane = 0);
    if brought * 100 < shown * 99 then
      return format('its parts have brought %s rows together, but the whole has %s: those between two parts are lost, where the third party takes '
        'an end of a range for another one than `range` does', brought, shown);
    end if;
  end loop;
  return null;
end $$;

-- Marks rows as deleted of which a page says that they are gone, as far as no other parent's list has them.
-- Versions of them that did not fit count for nothing any more. Locks: members of this parent, records by key, rows in quarantine.
create or replace function sluice.mark_gone(of_account text, of_resource text, of_parent text, gone text[])
returns void language plpgsql set search_path = pg_catalog as $$
begin
  delete from sluice.member m
    where m.account = of_account and m.resource = of_resource and m.parent_key = of_parent and m.key = any (gone);
  perform sluice.delete_unlisted(of_account, of_resource, gone);
  delete from sluice.quarantine q
    where q.account = of_account and q.resource = of_resource and q.parent_key = of_parent and q.name = any (gone);
end $$;

-- Gives an account up until its user connects it again, and pauses its running syncs. Only while the version that was refused is
-- still the current one (null: there are no credentials, or the app keeps them). Nor may anybody have connected the account in
-- the `asked_ms` since its credentials were asked for. Returns whether it is so.
create or replace function sluice.mark_needs_reconnect(
  for_provider text, for_account text, refused_version bigint, asked_ms float8, why text
) returns boolean language plpgsql set search_path = pg_catalog as $$
declare
  current_version bigint;
begin
  insert into sluice.account (provider, account, status, reason) values (for_provider, for_account, 'needs_reconnect', why)
    on conflict (provider, account) do nothing;
  perform 1 from sluice.account
    where provider = for_provider and account = for_account for no key update;
  select version into current_version from sluice.credential where provider = for_provider and account = for_account
    for no key update;
  if current_version is distinct from refused_version
    or refused_version is null and exists (
      select 1 from sluice.account where provider = for_provider and account = for_account and status = 'connected'
        and since > clock_timestamp() - asked_ms * interval '1 millisecond')
  then
    return false;
  end if;
  update sluice.account set status = 'needs_reconnect', reason = why, since = clock_timestamp()
    where provider = for_provider and account = for_account and (status <> 'needs_reconnect' or reason is distinct from why);
  update sluice.credential
    set lease_owner = null, lease_until = null, failures = 0, failure = null, is_misconfigured = false, retry_at = null
    where provider = for_provider and account = for_account and lease_owner is not null;
  update sluice.run set state = 'paused', paused_by = 'auth', paused_reason = why
    where id in (
      select id from sluice.run where provider = for_provider and account = for_account and state = 'running'
      order by id for no key update);
  return true;
end $$;

-- Up to `room` units of a node that are open and not in the asking workflow's hands. Locks units by id, then the node, as
-- commit_page does.
create or replace function sluice.next_units(for_run uuid, for_node text, in_hand bigint[], room int)
returns table (id bigint, parent_key text, part text, lane smallint) language plpgsql set search_path = pg_catalog as $$
declare
  picked bigint[];
  begun int;
begin
  select array_agg(o.id order by o.id) into picked from (
    select x.id from sluice.unit x
    where x.run_id = for_run and x.node = for_node and x.end_kind is null and x.id <> all (in_hand)
    order by x.id limit room
  ) o;
  with idle as (
    select x.id from sluice.unit x where x.id = any (picked) and x.state = 'waiting' order by x.id for no key update
  )
  update sluice.unit x set state = 'running' from idle where x.id = idle.id and x.state = 'waiting';
  get diagnostics begun = row_count;
  if begun > 0 then
    update sluice.node n set
      state = case when n.state = 'waiting' then 'running' else n.state end,
      waiting = n.waiting - begun, running = n.running + begun
      where n.run_id = for_run and n.name = for_node;
  end if;
  return query select x.id, x.parent_key, x.part, x.lane from sluice.unit x where x.id = any (picked) order by x.id;
end $$;

-- Writes down that the secrets of an account were used, in the row of the current hour. Locks: that row.
--   what      `connected`, `refreshed`, `call`, `refresh`, …: what was done, or what they were decrypted for
--   how_often uses since the last note
create or replace function sluice.note_secret_use(for_provider text, for_account text, what text, how_often bigint)
returns void language sql set search_path = pg_catalog as $$
  insert into sluice.secret_use as u (provider, account, hour, what, who, times, first_at, last_at)
  values (for_provider, for_account, date_trunc('hour', clock_timestamp()), what,
    format('%s %s %s', session_user, coalesce(nullif(current_setting('application_name'), ''), '-'), coalesce(host(inet_client_addr()), 'local')),
    how_often, clock_timestamp(), clock_timestamp())
  on conflict (provider, account, hour, what, who) do update set
    times = u.times + excluded.times, last_at = excluded.last_at
$$;

-- Creates the runs of a fleet: one list each, for accounts of one sync that are due together. `of`: [{ id, account, tenant, input, key,
-- what }]; `key` names the list of the root. Each has a report, of the same id. An account that has an open run, or whose last one took
-- more than `most_calls` calls, is left out. It gets a workflow of its own. Done twice it changes nothing, and answers the same.
-- Locks: the sync, against take_from_fleet: whoever opens a run of its own comes before this, or finds the fleet's.
-- Returns the ids of the runs that the fleet has.
create or replace function sluice.open_fleet(its_fleet text, its_plan jsonb, its_mode text, most_calls int, of jsonb) returns setof uuid
language plpgsql set search_path = pg_catalog as $$
declare
  root jsonb := its_plan->'nodes'->0;
  its_sync text := its_plan->>'sync';
  opened uuid[];
begin
  perform pg_advisory_xact_lock(hashtextextended('sluice.runs ' || its_sync, 0));
  with asked as (
    select x.* from jsonb_to_recordset(of) as x (id uuid, account text, tenant text, input jsonb)
    where not exists (select 1 from sluice.run r
        where r.provider = its_plan->>'provider' and r.sync = its_sync and r.account = x.account and r.state in ('running', 'paused'))
      and coalesce((select sum(n.calls) from sluice.node n where n.run_id = (
        select r.id from sluice.run r where r.account = x.account and r.sync = its_sync order by r.started_at desc limit 1)), 0) <= most_calls
  ), created as (
    insert into sluice.run (id, workflow_id, provider, sync, account, tenant, input, plan, mode, fleet)
    select id, format('sync/%s/%s', its_sync, account), its_plan->>'provider', its_sync, account, tenant, input, its_plan, its_mode, its_fleet from asked
    on conflict (id) do nothing returning id
  ) select coalesce(array_agg(id), '{}') into opened from created;
  insert into sluice.node (run_id, name, ordinal, resource, waiting) select id, root->>'name', 1, root->>'resource', 1 from unnest(opened) id;
  insert into sluice.unit (run_id, node, parent_key)
    select x.id, root->>'name', x.key from jsonb_to_recordset(of) as x (id uuid, key text) where x.id = any (opened);
  insert into sluice.report (id, kind, name, account, tenant, started_by, workflow_id, root_workflow_id, what)
    select x.id, 'sync', its_sync, x.account, coalesce(x.tenant, x.account), 'system', w.id, w.id, x.what
    from jsonb_to_recordset(of) as x (id uuid, account text, tenant text, what text) cross join lateral format('sync/%s/%s', its_sync, x.account) as w (id)
    where x.id = any (opened) on conflict do nothing;
  return query select r.id from sluice.run r where r.fleet = its_fleet
    and r.id in (select (x->>'id')::uuid from jsonb_array_elements(of) x);
end $$;

-- Gives rows of earlier runs to a node's children, whose own lists may have changed though the rows have not. `children` is
-- [[node, key, record]], as in commit_page, where a retry leaves out the same; `upto` is the last row that was looked at. Locks: units by
-- (node, key), nodes.
create or replace function sluice.open_known(for_run uuid, for_node text, children jsonb, upto text) returns void language plpgsql set search_path = pg_catalog as $$
declare
  retry_of uuid[] := (select x.retry_of from sluice.run x where x.id = for_run);
  r record;
begin
  for r in
    with inserted as (
      insert into sluice.unit (run_id, node, parent_key, parent_record)
      select for_run, c.node, c.key, c.rec
      from (select distinct on (e->>0, e->>1) e->>0 as node, e->>1 as key, e->>2 as rec
            from jsonb_array_elements(children) e order by e->>0, e->>1) c
      where retry_of = '{}' or not exists (
        select 1 from sluice.unit o where o.run_id = any (retry_of) and o.node = c.node and o.parent_key = c.key
          and o.part = '' and o.lane = 0 and o.end_kind = 'complete')
      order by c.node, c.key
      on conflict (run_id, node, parent_key, part, lane) do nothing
      returning node
    ) select i.node, count(*)::int as added from inserted i join sluice.node n on n.run_id = for_run and n.name = i.node
    group by i.node, n.ordinal order by n.ordinal
  loop
    update sluice.node n set waiting = n.waiting + r.added where n.run_id = for_run and n.name = r.node;
  end loop;
  update sluice.node n set opened_to = greatest(n.opened_to, upto) where n.run_id = for_run and n.name = for_node;
end $$;

-- Creates a run, its nodes and the units of its roots, unless they are there. Returns what enter_run returns;
-- null while a fleet has a run of the account that was asked for something else.
-- What is known of a root's list says nothing of another one, which another input asks for: `root_keys` has the name of each; '' for none.
create or replace function sluice.open_run(
  for_run uuid, its_workflow text, its_provider text, its_sync text, its_account text, its_tenant text, its_input jsonb, its_plan jsonb, its_mode text,
  root_keys jsonb default '{}', its_report uuid default null
) returns jsonb language plpgsql set search_path = pg_catalog as $$
begin
  if not sluice.take_from_fleet(for_run, its_sync, its_account, its_input, its_mode, its_report) then
    return null;
  end if;
  insert into sluice.run (id, workflow_id, provider, sync, account, tenant, input, plan, mode)
    values (for_run, its_workflow, its_provider, its_sync, its_account, its_tenant, its_input, its_plan, its_mode)
    on conflict (id) do nothing;
  if found then
    insert into sluice.node (run_id, name, ordinal, parent, resource, waiting)
      select for_run, n->>'name', o, n->>'parent', n->>'resource', case when n->>'parent' is null then 1 else 0 end
      from jsonb_array_elements(its_plan->'nodes') with ordinality x(n, o);
    insert into sluice.unit (run_id, node, parent_key)
      select for_run, n->>'name', coalesce(root_keys->>(n->>'name'), '')
      from jsonb_array_elements(its_plan->'nodes') n where n->>'parent' is null;
  end if;
  return sluice.enter_run(for_run);
end $$;

-- The next lists of a node that earlier runs of the sync and account owe to this one, with their parents' rows. A list is owed
-- when the newest run that has it has not read it to an end. `failed`, `truncated`, `looped` and lists that never ended are owed;
-- what was `skipped` or is `capped` has got its answer. Parents that are gone, or are marked as deleted, owe nothing.
-- Reads up to `room` units of one run, by the indexes unit_unended and unit_flawed, newest run first, at most 1,000 runs back.
-- Returns { run, upto, lists: [{ key, record, data }] }, or null when nothing is left. It is also null for a retry of a run that
-- has taken all of it over: the retry reads the lists of that run.
create or replace function sluice.owed_lists(for_run uuid, for_node text, room int) returns jsonb language plpgsql set search_path = pg_catalog as $$
declare
  this sluice.run;
  n sluice.node;
  parent_resource text;
  runs uuid[] := '{}';
  at_run int;
  behind bigint;
  reached bigint;
  lists jsonb;
  r record;
begin
  select * into this from sluice.run x where x.id = for_run;
  select * into n from sluice.node x where x.run_id = for_run and x.name = for_node;
  if n.owed_taken is not false
     or exists (select 1 from sluice.node m where m.run_id = any (this.retry_of) and m.name = for_node and m.owed_taken) then
    return null;
  end if;
  select p.resource into parent_resource from sluice.node p where p.run_id = for_run and p.name = n.parent;

  for r in select x.id, (select m.owed_taken from sluice.node m where m.run_id = x.id and m.name = for_node) as is_last
    from sluice.run x where x.account = this.account and x.sync = this.sync and x.started_at < this.started_at
    order by x.started_at desc limit 1000
  loop
    runs := runs || r.id;
    exit when r.is_last;
  end loop;

  at_run := case when n.owed_run is null then 1 else array_position(runs, n.owed_run) end;
  behind := coalesce(n.owed_to, 0);
  while at_run <= cardinality(runs) loop
    with unread as materialized (
      (select u.id, u.parent_key, u.parent_record from sluice.unit u
       where u.run_id = runs[at_run] and u.node = for_node and u.end_kind is null and u.id > behind
       order by u.id limit room)
      union all
      (select u.id, u.parent_key, u.parent_record from sluice.unit u
       where u.run_id = runs[at_run] and u.node = for_node and u.end_kind <> 'complete'
         and u.end_kind in ('failed', 'truncated', 'looped') and u.id > behind
       order by u.id limit room)
      order by id limit room
    ), owed as (
      select distinct on (l.parent_key) l.parent_key, l.parent_record from unread l
      where not exists (
        select 1 from unnest(runs[1:at_run - 1]) newer (id) cross join lateral (
          select 1 from sluice.unit o
          where o.run_id = newer.id and o.node = for_node and o.parent_key = l.parent_key limit 1
        ) o)
      order by l.parent_key
    )
    select (select max(l.id) from unread l), (
      select coalesce(jsonb_agg(jsonb_build_object('key', o.parent_key, 'record', o.parent_record, 'data', p.data)), '[]')
      -- Row by row: where statistics are old, a join is planned as a scan of all that the account has.
      from owed o cross join lateral (
        select t.data from sluice.record t where t.account = this.account and t.resource = parent_resource
          and t.key = o.parent_record and t.deleted_at is null limit 1
      ) p
    ) into reached, lists;
    if reached is not null then
      return jsonb_build_object('run', runs[at_run], 'upto', reached, 'lists', lists);
    end if;
    at_run := at_run + 1;
    behind := 0;
  end loop;
  return null;
end $$;

-- Pauses one run because of its account. The share lock orders it with a reconnection: either this is refused (returns
-- null), or the reconnection sees the paused run and resumes it. Returns the reason.
create or replace function sluice.pause_for_account(for_run uuid) returns text language plpgsql set search_path = pg_catalog as $$
declare
  why text;
begin
  select a.reason into why from sluice.run r join sluice.account a using (provider, account)
    where r.id = for_run and a.status = 'needs_reconnect' for share of a;
  if not found then
    return null;
  end if;
  update sluice.run set state = 'paused', paused_by = 'auth', paused_reason = why where id = for_run and state = 'running';
  return coalesce(why, '');
end $$;

-- Up to `room` changes of a feed behind a cursor, oldest first, and the number of this reading. The number is committed before
-- anyone has seen the changes. So whoever knows a number has read nothing that a database with that number lacks.
-- A reader knows of every deletion before its cursor, and of those before it began, whose rows it never saw. One that has missed a
-- deletion which was removed since must begin again.
-- Only rows of transactions that are older than every one still running are shown. So a row that commits late can never appear
-- behind a reader. Index: record_feed; conditions on account and resource by themselves would let the primary key be used, and
-- all rows be read and sorted.
--   after_era, after_reading   null: from the beginning
--   after_begun                where the feed stood when its reader began
-- Raises SL001 for a cursor of another history, SL002 for one that a deletion was removed behind. Locks: the count of readings.
create or replace function sluice.read_feed(
  of_account text, of_resource text, after_era text, after_reading bigint, after_begun bigint, after_tx bigint, after_seq bigint, room int
) returns table (cursor_era text, cursor_reading bigint, cursor_begun bigint, tx bigint, seq bigint, key text, data jsonb, first_seen_at timestamptz,
  last_seen_at timestamptz, changed_at timestamptz, deleted_at timestamptz)
language plpgsql set search_path = pg_catalog as $$
#variable_conflict use_column
declare
  era_now int;
  -- Transactions before this one have ended.
  open_from bigint;
  found_rows sluice.record[];
begin
  if pg_is_in_recovery() then
    raise exception 'The change feed is read from the primary: that a cursor was handed out must be written down. This is a replica.';
  end if;
  era_now := sluice.current_era();
  if after_era is not null and not exists (
    select 1 from sluice.feed_era e join sluice.feed_reading r on r.era = e.era
    where e.name = after_era and r.account = of_account and r.resource = of_resource and r.readings >= after_reading)
  then
    raise exception using errcode = 'SL001', message = 'unknown cursor';
  end if;
  open_from := (era_now::bigint << 40) + pg_snapshot_xmin(pg_current_snapshot())::text::bigint;
  select array_agg(f) into found_rows from (
    select * from sluice.record o
    where (o.account || '/' || o.resource) = of_account || '/' || of_resource
      and (o.tx, o.seq) > (after_tx, after_seq)
      and o.tx < open_from
    order by (o.account || '/' || o.resource), o.tx, o.seq limit room
  ) f;
  -- After the rows: what is removed meanwhile is missed by this reading already.
  if after_era is not null and exists (
    select 1 from sluice.feed_trim t where t.account = of_account and t.resource = of_resource
      and (t.tx, t.seq) > (after_tx, after_seq) and t.tx >= after_begun)
  then
    raise exception using errcode = 'SL002', message = 'deletions behind this cursor were removed';
  end if;
  if found_rows is null then
    return;
  end if;
  insert into sluice.feed_reading as r (account, resource, era, readings) values (of_account, of_resource, era_now, 1)
    on conflict (account, resource, era) do update set readings = r.readings + 1
    returning r.readings into cursor_reading;
  select e.name into cursor_era from sluice.feed_era e where e.era = era_now;
  return query
    select cursor_era, cursor_reading, case when after_era is null then open_from else after_begun end, f.tx, f.seq, f.key, f.data, f.first_seen_at, f.last_seen_at, f.changed_at, f.deleted_at
    from unnest(found_rows) with ordinality f order by f.ordinality;
end $$;

-- Gives a place back and hands the lock to the next one. Returns the workflow that holds it now and does not know yet.
create or replace function sluice.release_lock(for_entity text, for_workflow text) returns text language plpgsql set search_path = pg_catalog as $$
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

-- Stores a row that was in quarantine, as of the run that it came in, and takes it out of there. A row that was stored after it came is
-- left as it is. Locks: the row in quarantine, the record, the member.
--   stored_key  the row's key, which may not have been readable before
--   is_member   its node marks deletions: the list of its parent has it
-- Returns `stored`, or `newer` where a later version is there; null when it is not in quarantine any more.
create or replace function sluice.release_row(row_id bigint, stored_key text, stored_data jsonb, is_member boolean) returns text
language plpgsql set search_path = pg_catalog as $$
declare
  q sluice.quarantine;
begin
  select * into q from sluice.quarantine x where x.id = row_id for update;
  if q.id is null then
    return null;
  end if;
  delete from sluice.quarantine x where x.id = row_id;
  if exists (select 1 from sluice.record r where r.account = q.account and r.resource = q.resource and r.key = stored_key
             and r.last_seen_at > q.last_seen_at) then
    return 'newer';
  end if;
  perform sluice.store_records(q.account, q.resource, jsonb_build_array(jsonb_build_array(stored_key, stored_data)), q.run_id, q.unit_id);
  if is_member then
    insert into sluice.member as m (account, resource, parent_key, key, run_id)
    values (q.account, q.resource, q.parent_key, stored_key, q.run_id)
    on conflict (account, resource, parent_key, key) do update set run_id = excluded.run_id;
  end if;
  return 'stored';
end $$;

-- Which rows of a page take the places of other rows, and are no newer versions of them. Called by store_records for rows that differ.
--   records     the page's rows, [[key, data]]
--   candidates  [{ key, before, now, parent, kind }]: `parent` is whose list brought the row before; `kind` is
--               'parent'   a list of another parent has brought it in this run
--               'earlier'  a list of another parent has brought it in an earlier run
--               'list'     this list has brought it, on an earlier page
-- What tells which row one is are its texts that no other row of the page has, e.g. its name. A newer version still has at least
-- half of them. What may differ then is what a parent tells of its part (role, position, when it joined). No evidence are its
-- key, texts that say the key or the parent's again, and times and numbers in texts. Nor is the query of an address, which may be
-- signed.
-- Rows without such texts are judged by their numbers and times. Another `id` than before, under a key that is not it, is another row.
-- Across runs, and in one list, a newer version is usual. There no text may be the same, and one alone is a new name. It takes
-- two rows of the page across runs, and two texts of the row in one list. In one list a text that has gone, and another that has
-- come under another name, are two as well. Rows of several types in one list (posts, notes) have ids that are unique only in
-- their type.
create or replace function sluice.replaced_rows(records jsonb, candidates jsonb, of_parent text)
returns table (key text, kind text) language sql immutable set search_path = pg_catalog as $$
  with said as materialized (
    select l.path, l.value from jsonb_array_elements(records) e, sluice.leaves(e->1) l
  ), of_page as materialized (
    select s.path, s.value from said s group by s.path, s.value having count(*) = 1
  ), pair as materialized (
    select c->>'key' as key, c->>'kind' as kind, c->>'parent' as parent, b.path, b.value as before, n.value as now,
      regexp_replace(b.value#>>'{}', '^(https?://[^?#]*)[?#].*$', '\1') as was, regexp_replace(n.value#>>'{}', '^(https?://[^?#]*)[?#].*$', '\1') as is_now
    from jsonb_array_elements(candidates) c, sluice.leaves(c->'before') b, sluice.leaves(c->'now') n
    where b.path = n.path
  ), judged as (
    select p.*, p.was = p.is_now as same, p.path in ('/id', '/_id', '/uuid') and p.was <> p.is_now as is_id,
      jsonb_typeof(p.before) = 'string' and jsonb_typeof(p.now) = 'string'
        and p.is_now !~ '^\d{4}-\d\d-\d\d|\d\d:\d\d|^[-+]?[\d.,]+$' as is_text
    from pair p join of_page u on u.path = p.path and u.value = p.now
    where p.is_now <> p.key
      and not (p.was = p.is_now and sluice.says(p.is_now, p.key))
      and not (p.was <> p.is_now and sluice.says(p.was, p.parent) and sluice.says(p.is_now, of_parent))
  ), counted as (
    select j.key, j.kind, bool_or(j.is_id) as has_other_id,
      count(*) filter (where j.is_text and j.same) as texts_same, count(*) filter (where j.is_text and not j.same) as texts_differ,
      count(*) filter (where not j.is_text and j.same) as others_same, count(*) filter (where not j.is_text and not j.same) as others_differ
    from judged j group by j.key, j.kind
  ), of_other_type as (
    select c->>'key' as key from jsonb_array_elements(candidates) c
      where c->>'kind' = 'list'
        and exists (select from sluice.leaves(c->'before') b where jsonb_typeof(b.value) = 'string'
          and b.path not in (select n.path from sluice.leaves(c->'now') n))
        and exists (select from sluice.leaves(c->'now') n join of_page u on u.path = n.path and u.value = n.value
          where jsonb_typeof(n.value) = 'string' and n.value#>>'{}' !~ '^\d{4}-\d\d-\d\d|\d\d:\d\d|^[-+]?[\d.,]+$'
            and n.path not in (select b.path from sluice.leaves(c->'before') b))
  ) select c.key, c.kind from counted c
    where c.has_other_id or case c.kind
      when 'parent' then c.texts_differ > c.texts_same or (c.texts_differ + c.texts_same = 0 and c.others_differ > c.others_same)
      when 'earlier' then c.texts_differ > 0 and c.texts_same = 0 and (
        select count(*) > 1 from counted x where x.kind = 'earlier' and x.texts_differ > 0 and x.texts_same = 0)
      else c.texts_differ > 1 and c.texts_same = 0 end
  union select o.key, 'list' from of_other_type o
    where not exists (select from counted c where c.key = o.key and c.kind = 'list' and c.texts_same > 0)
$$;

-- Whether a text has this word in it, between its ends, spaces or signs.
create or replace function sluice.says(said text, word text) returns boolean language sql immutable set search_path = pg_catalog as $$
  select word <> '' and length(word) < 200
    and said ~ ('(^|[^[:alnum:]])' || regexp_replace(word, '([^[:alnum:]])', '\\\1', 'g') || '($|[^[:alnum:]])')
$$;

-- Keeps the rows of a page that did not fit. Called by commit_page, under the lock of the unit; locks their rows in the quarantine by name,
-- then members.
--   page  its `aside` is a list of AsideRow of contracts/answers/aside.ts
-- Of a row that is there already the latest version counts. One whose row is known from earlier runs has been seen by its list.
create or replace function sluice.set_aside(u sluice.unit, page jsonb) returns void language plpgsql set search_path = pg_catalog as $$
declare
  now_at timestamptz := clock_timestamp();
begin
  insert into sluice.quarantine as q (sync, node, account, resource, parent_key, parent_record, name, path, reason, row_text, frame,
    place, run_id, unit_id, first_seen_at, last_seen_at)
  select r.sync, u.node, page->>'account', page->>'resource', u.parent_key, u.parent_record, a.name, a.path, a.reason, a.row, a.frame,
    case when jsonb_typeof(a.place) = 'array' then array(select jsonb_array_elements_text(a.place)) end,
    u.run_id, coalesce(u.root_id, u.id), now_at, now_at
  from (select distinct on (e->>'name') e->>'name' as name, e->>'path' as path, e->>'reason' as reason, e->>'row' as row,
          e->>'frame' as frame, e->'place' as place
        from jsonb_array_elements(page->'aside') with ordinality x(e, n) order by e->>'name', n desc) a,
       sluice.run r
  where r.id = u.run_id
  order by a.name
  on conflict (account, resource, parent_key, name) do update set
    sync = excluded.sync, node = excluded.node, parent_record = excluded.parent_record, path = excluded.path, reason = excluded.reason,
    row_text = excluded.row_text, frame = excluded.frame, place = excluded.place, run_id = excluded.run_id, unit_id = excluded.unit_id,
    last_seen_at = excluded.last_seen_at;
  if (page->>'isMember')::boolean then
    update sluice.member m set run_id = u.run_id
      where m.account = page->>'account' and m.resource = page->>'resource' and m.parent_key = u.parent_key
        and m.key in (select e->>'name' from jsonb_array_elements(page->'aside') e);
  end if;
end $$;

-- Moves the job of a unit on, from what the caller has seen. Fence as in commit_page; while the run is paused or has ended no job is made.
--   was        what the caller has seen; null: none
--   now_is     what it is now; where it has no `at`, the time of the database
--   delay_ms   until the next call may be made; null: at once
--   why        what is being waited for, for people; null leaves what is there
--   begins     the list is read from its beginning, as the result of another job
-- Returns the job as it is stored, also to a caller that repeats its change (`this_change`), since the answer was lost; null for one
-- that comes late, whose calls are counted all the same.
create or replace function sluice.set_job(
  unit_id bigint, this_run uuid, this_node text, at_pages int, was jsonb, now_is jsonb, extra_calls int, delay_ms float8, why text, begins boolean, this_change bigint
) returns jsonb language plpgsql set search_path = pg_catalog as $$
declare
  stored jsonb := case when now_is ? 'at' then now_is
    else now_is || jsonb_build_object('at', floor(extract(epoch from clock_timestamp()) * 1000)) end;
begin
  update sluice.unit x set
    job = stored, calls = x.calls + extra_calls, changes = sluice.with_change(x.changes, this_change), error = coalesce(why, x.error),
    -- A job that was done and is asked for its results anew, because they could not be read, has not got on.
    attempts = case when now_is->>'state' = 'made' or (now_is->>'state' = 'done' and was->>'state' is distinct from 'done') then 0
      else x.attempts end,
    refusals = 0, puzzle = null, retry_at = clock_timestamp() + delay_ms * interval '1 millisecond',
    position = case when begins then null else x.position end,
    guard = case when begins then '{"begunAgain": 1}' else x.guard end
    where x.id = unit_id and x.run_id = this_run and x.node = this_node and x.pages = at_pages and x.end_kind is null
      and x.job is not distinct from was and this_change <> all (x.changes)
      and exists (select 1 from sluice.run r where r.id = this_run and (r.state = 'running' or (r.state = 'paused' and now_is->>'state' <> 'sending')));
  if not found then
    -- Null where another has moved it on since.
    select case when x.job - 'at' = now_is - 'at' then x.job end into stored from sluice.unit x
      where x.id = unit_id and x.run_id = this_run and this_change = any (x.changes);
    if found then
      return stored;
    end if;
    update sluice.unit x set changes = sluice.with_change(x.changes, this_change)
      where x.id = unit_id and x.run_id = this_run and x.node = this_node;
  end if;
  update sluice.node n set calls = n.calls + extra_calls where n.run_id = this_run and n.name = this_node and extra_calls > 0;
  return stored;
end $$;

-- Marks as deleted what a tree has below rows that are gone, or have nothing below them any more. Such lists were not asked for,
-- so none of them says it. Up to `room` rows a call, from the top down. A list stays as it is where its parent's row did not
-- come, since the list that has that row could not be read. A retry reads but a part of the tree, and judges only by rows that
-- are deleted.
-- Locks: members, records by key. Returns the number of rows taken out of lists: none means that all is settled.
create or replace function sluice.settle_below(for_run uuid, for_node text, room int) returns int
language plpgsql set search_path = pg_catalog as $$
declare
  r sluice.run;
  of_resource text;
  gone text[];
begin
  select * into r from sluice.run x where x.id = for_run;
  select n.resource into of_resource from sluice.node n where n.run_id = for_run and n.name = for_node;
  with lost as (
    select m.parent_key, m.key from sluice.member m
    join sluice.record t on t.account = m.account and t.resource = m.resource and t.key = substr(m.parent_key, 2)
    where m.account = r.account and m.resource = of_resource and left(m.parent_key, 1) = '/'
      and (t.deleted_at is not null or (t.run_id = for_run and r.retry_of = '{}'
        and not exists (select 1 from sluice.unit u where u.run_id = for_run and u.node = for_node and u.parent_key = m.parent_key)))
    limit room
  ), taken as (
    delete from sluice.member m using lost l
    where m.account = r.account and m.resource = of_resource and m.parent_key = l.parent_key and m.key = l.key
    returning m.key
  ) select coalesce(array_agg(key), '{}') into gone from taken;
  if gone <> '{}' then
    perform sluice.delete_unlisted(r.account, of_resource, gone);
  end if;
  return cardinality(gone);
end $$;

-- Settles up to `room` lists of a node that has ended, in the order of their parent keys. A list that was read to its end is
-- known from then on. Known are how many rows it has, its watermark, and the state that it is asked with. One that was read from
-- its beginning has these set anew, and, with `marks_deletions`, its rows that were not seen are marked as deleted. A list of
-- another end does nothing of this. One that is flawed deletes nothing, and moves its watermark, unless what it misses must be
-- asked for again. It leaves no validators, and no checkpoint where rows of it were not seen: whether they are gone would never
-- be asked again. One without a page was carried over from the run that is retried, and says nothing new.
-- One that was asked for what has changed may have rows in quarantine that earlier runs set aside and that did not come again
-- since. It is `flawed` by them. A whole reading takes those out that it has not set aside itself.
-- A row that a whole list lacks may have moved into a list that could not be read, or that the run which is retried had read
-- before. So where a list of the node, or one above it, has failed or is not read again, such rows stay, and stay members. A
-- later whole reading judges them. The list leaves no validators and no checkpoint then either.
-- Rows that were stored while the node did not look for deletions are members of no list. Of these, the first whole reading since
-- finds those that the list has brought last, and nobody has any more. It does so in a run that has read all lists of the node.
-- A list whose state was reset while its run was going on has no watermark afterwards: the next run reads it from its beginning.
-- A list that had rows (db/functions/lists/had-rows.sql) and comes back entirely empty is more likely an error of the third party.
-- It ends as `truncated`, and its rows are kept, unless `allows_empty`.
-- Locks: the node, lists by parent key, units, members, records by key, rows in quarantine.
-- Returns the number of lists looked at: fewer than `room` means that all are settled.
create or replace function sluice.settle_lists(for_run uuid, for_node text, marks_deletions boolean, allows_empty boolean, room int)
returns int language plpgsql set search_path = pg_catalog as $$
declare
  n sluice.node;
  this sluice.run;
  of_account text;
  began_at timestamptz;
  in_fleet uuid;
  retried uuid[];
  picked text[];
  gone text[];
  emptied text[] := '{}';
  lacking text[] := '{}';
  unlisted text[] := '{}';
  has_all boolean;
  holds boolean := false;
  lists jsonb;
begin
  select * into n from sluice.node x where x.run_id = for_run and x.name = for_node for no key update;
  select * into this from sluice.run where id = for_run;
  of_account := this.account;
  began_at := this.started_at;
  in_fleet := this.fleet_id;
  retried := this.retry_of;
  select array_agg(k.parent_key order by k.parent_key) into picked from (
    select distinct x.parent_key from sluice.unit x
    where x.run_id = for_run and x.node = for_node and (n.settled_to is null or x.parent_key > n.settled_to)
    order by x.parent_key limit room
  ) k;
  if picked is null then
    return 0;
  end if;

  -- Before they are read: a reset comes wholly before or wholly after this.
  perform 1 from sluice.list k where k.account = of_account and k.resource = n.resource and k.parent_key = any (picked)
    order by k.parent_key for update;

  select coalesce(jsonb_agg(l), '[]') into lists from (
    select x.parent_key, min(x.opened_at) as opened_at, sum(x.rows) as rows, bool_or(x.since is not null) as is_partial,
      bool_and(x.end_kind = 'complete') as is_whole,
      (jsonb_agg(x.kept) filter (where x.part = '' and x.lane = 0))->0 as kept,
      coalesce(to_jsonb(max((x.watermark #>> '{}')::numeric) filter (where jsonb_typeof(x.watermark) = 'number')),
               to_jsonb((array_agg(x.watermark #>> '{}' order by length(x.watermark #>> '{}') desc, (x.watermark #>> '{}') collate "C" desc)
                 filter (where jsonb_typeof(x.watermark) = 'string'))[1])) as watermark
    from sluice.unit x where x.run_id = for_run and x.node = for_node and x.parent_key = any (picked)
    group by x.parent_key
    having bool_and(x.state = 'done' and (x.end_kind = 'complete' or (x.end_kind = 'flawed' and not x.flaws_hold and x.pages > 0)))
  ) l;

  if not allows_empty then
    with emptied_list as (
      select l.parent_key, had.kept
      from jsonb_to_recordset(lists) as l (parent_key text, rows bigint, is_partial boolean)
      cross join lateral (select sluice.had_rows(this, for_node, n.resource, l.parent_key) as kept) had
      where l.rows = 0 and not l.is_partial and had.kept > 0
    ), marked as (
      update sluice.unit x set end_kind = 'truncated', reason = format('empty answer: %s rows kept', l.kept)
      from emptied_list l where x.run_id = for_run and x.node = for_node and x.parent_key = l.parent_key
        and x.part = '' and x.lane = 0
      returning x.parent_key
    ) select coalesce(array_agg(parent_key), '{}') into emptied from marked;
  end if;

  if exists (select 1 from sluice.quarantine q where q.account = of_account and q.resource = n.resource) then
    with still_aside as (
      select l.parent_key, count(*) as n, min(q.name) as first
      from jsonb_to_recordset(lists) as l (parent_key text, is_partial boolean, is_whole boolean)
      join sluice.quarantine q on q.account = of_account and q.resource = n.resource and q.parent_key = l.parent_key
      where l.is_partial and l.is_whole and not exists (
        select 1 from sluice.record r where r.account = q.account and r.resource = q.resource and r.key = q.name
          and r.last_seen_at > q.last_seen_at)
      group by l.parent_key
    ), marked as (
      update sluice.unit x set end_kind = 'flawed',
        reason = format('%s rows that did not fit in earlier runs are still in quarantine, the first "%s"', a.n, left(a.first, 80))
      from still_aside a where x.run_id = for_run and x.node = for_node and x.parent_key = a.parent_key and x.part = '' and x.lane = 0
      returning x.parent_key
    ) select coalesce(array_agg(parent_key), '{}') into lacking from marked;
    delete from sluice.quarantine q using jsonb_to_recordset(lists) as l (parent_key text, is_partial boolean)
      where q.account = of_account and q.resource = n.resource and q.parent_key = l.parent_key and not l.is_partial
        and l.parent_key <> all (emptied) and q.run_id <> for_run and q.run_id is distinct from in_fleet;
  end if;

  if marks_deletions then
    holds := exists (
      with recursive up (name) as (
        select for_node
        union select x.parent from up join sluice.node x on x.run_id = for_run and x.name = up.name where x.parent is not null
      ) select 1 from up join sluice.unit x on x.node = up.name and (x.run_id = for_run and x.end_kind = 'failed'
        or x.run_id = any (retried) and x.end_kind = 'complete' and not exists (
          select 1 from sluice.unit y where y.run_id = for_run and y.node = x.node and y.parent_key = x.parent_key)));
    with unseen as (
      delete from sluice.member m using jsonb_to_recordset(lists) as l (parent_key text, is_partial boolean, is_whole boolean)
      where not holds and m.account = of_account and m.resource = n.resource and m.parent_key = l.parent_key and not l.is_partial
        and l.is_whole and l.parent_key <> all (emptied) and m.run_id <> for_run and m.run_id is distinct from in_fleet
      returning m.key
    ) select array_agg(distinct key) into gone from unseen;
    if gone is not null then
      perform sluice.delete_unlisted(of_account, n.resource, gone);
    end if;
    select array_agg(k.parent_key) into unlisted
      from jsonb_to_recordset(lists) as l (parent_key text, is_partial boolean, is_whole boolean)
      join sluice.list k on k.account = of_account and k.resource = n.resource and k.parent_key = l.parent_key
      where not l.is_partial and l.is_whole and l.parent_key <> all (emptied) and not k.is_listed;
    has_all := unlisted is null or (not holds and not exists (
      select 1 from sluice.unit x where x.run_id = for_run and x.node = for_node and x.end_kind is distinct from 'complete'));
    if unlisted is not null and has_all then
      select array_agg(t.key) into gone from sluice.record t
        left join sluice.unit x on x.id = t.unit_id
        where t.account = of_account and t.resource = n.resource and t.deleted_at is null and t.run_id <> for_run
          and t.run_id is distinct from in_fleet and (x.parent_key = any (unlisted) or (x.id is null and n.parent is null
            and not exists (select 1 from sluice.list k where k.account = of_account and k.resource = n.resource and k.parent_key <> all (unlisted))));
      if gone is not null then
        perform sluice.delete_unlisted(of_account, n.resource, gone);
      end if;
    end if;
  end if;

  -- What was asked for from a watermark on adds to what is known; what was read from its beginning takes its place.
  insert into sluice.list as k (account, resource, parent_key, rows, watermark, kept, run_id, read_at, opened_at, is_listed)
  select of_account, n.resource, l.parent_key, case when l.is_partial then greatest(l.rows, known.rows) else l.rows end,
    case when known.reset_at > began_at then null
      else coalesce(nullif(l.watermark, 'null'), case when l.is_partial then known.watermark end) end,
    case when known.reset_at > began_at then null
      else nullif(coalesce(case when l.is_partial then known.kept end, '{}')
        || coalesce(nullif(l.kept, 'null'), '{}') - case when l.is_whole and not holds then '{}' when not l.is_partial and marks_deletions and exists (
          select 1 from sluice.member m where m.account = of_account and m.resource = n.resource and m.parent_key = l.parent_key
            and m.run_id <> for_run and m.run_id is distinct from in_fleet) then '{etag,lastModified,checkpoint}'
          when l.is_whole then '{}' else '{etag,lastModified}' end::text[], '{}') end,
    for_run, clock_timestamp(), l.opened_at,
    marks_deletions and (coalesce(known.is_listed, false) or (not l.is_partial and l.is_whole and (known.parent_key is null or has_all)))
  from jsonb_to_recordset(lists) as l
    (parent_key text, opened_at timestamptz, rows bigint, is_partial boolean, is_whole boolean, watermark jsonb, kept jsonb)
  left join sluice.list known
    on known.account = of_account and known.resource = n.resource and known.parent_key = l.parent_key
  where l.parent_key <> all (emptied)
  order by l.parent_key
  on conflict (account, resource, parent_key) do update set
    rows = excluded.rows, watermark = excluded.watermark, kept = excluded.kept, run_id = excluded.run_id, read_at = excluded.read_at,
    opened_at = excluded.opened_at, is_listed = excluded.is_listed;

  update sluice.node x set settled_to = picked[cardinality(picked)], flawed = x.flawed + cardinality(emptied) + cardinality(lacking)
    where x.run_id = for_run and x.name = for_node;
  return cardinality(picked);
end $$;

-- Stores the rows of one page as this run's latest versions. A row is changed when it is new, was deleted, or has other data. It
-- is fresh when this list has not brought it before, and fresh in the run when no list of the run has.
-- A row may take the place of another one, which a list of another parent has brought, or this list on an earlier page. That is a
-- clash (replaced_rows says which are). `flaw` tells it to people. Runs that this one is a retry of count as this run, and
-- `is_reread` is a page whose rows may have come before.
-- Most pages bring only new rows, so they are inserted in one go. The second statement is for those that were there, and for rows
-- that came twice in the page: of these the last one counts. Both lock by key.
create or replace function sluice.store_records(
  of_account text, of_resource text, records jsonb, by_run uuid, by_unit bigint, of_parent text default null,
  retry_of uuid[] default '{}', is_reread boolean default true,
  out fresh int, out fresh_in_run int, out changed int, out clashes int, out flaw text
) language plpgsql set search_path = pg_catalog as $$
declare
  now_at timestamptz := clock_timestamp();
  this_tx bigint := sluice.feed_position();
  candidates jsonb;
begin
  insert into sluice.record
    (account, resource, key, data, tx, seq, first_seen_at, last_seen_at, changed_at, run_id, unit_id)
  select of_account, of_resource, e->>0, e->1, this_tx, nextval('sluice.record_seq'), now_at, now_at, now_at, by_run, by_unit
  from jsonb_array_elements(records) e order by e->>0
  on conflict (account, resource, key) do nothing;
  get diagnostics fresh = row_count;
  fresh_in_run := fresh;
  changed := fresh;
  clashes := 0;
  if fresh = jsonb_array_length(records) then
    return;
  end if;

  with incoming as materialized (
    select distinct on (e->>0) e->>0 as key, e->1 as data
    from jsonb_array_elements(records) with ordinality x(e, n) order by e->>0, n desc
  ), known as materialized (
    -- Row by row: where statistics are old, a join is planned as a scan of all that the account has.
    select i.key, i.data, o.run_id, o.unit_id, o.tx = this_tx as is_new, o.deleted_at is not null as is_gone, o.data <> i.data as differs,
      o.data as before
    from incoming i cross join lateral (
      select * from sluice.record o where o.account = of_account and o.resource = of_resource and o.key = i.key limit 1
    ) o
  ), others as (
    select k.key, k.before, k.data as now, p.parent_key as parent, case
      when p.parent_key <> of_parent then case when k.run_id = by_run or k.run_id = any (retry_of) then 'parent' else 'earlier' end
      when k.unit_id = by_unit and not is_reread then 'list' end as kind
    from known k left join lateral (select p.parent_key from sluice.unit p where p.id = k.unit_id limit 1) p on true
    where k.differs and not k.is_gone and not k.is_new
  ), stored as (
    insert into sluice.record as t
      (account, resource, key, data, tx, seq, first_seen_at, last_seen_at, changed_at, run_id, unit_id)
    select of_account, of_resource, k.key, k.data, this_tx, 0, now_at, now_at, now_at, by_run, by_unit
    from known k where k.differs or k.is_gone or not k.is_new order by k.key
    on conflict (account, resource, key) do update set
      data = excluded.data, last_seen_at = now_at, deleted_at = null, run_id = by_run, unit_id = by_unit,
      tx = case when t.data <> excluded.data or t.deleted_at is not null then this_tx else t.tx end,
      seq = case when t.data <> excluded.data or t.deleted_at is not null then nextval('sluice.record_seq') else t.seq end,
      changed_at = case when t.data <> excluded.data or t.deleted_at is not null then now_at else t.changed_at end
  )
  select fresh + count(*) filter (where k.unit_id <> by_unit), fresh_in_run + count(*) filter (where k.run_id <> by_run),
         changed + count(*) filter (where (k.differs or k.is_gone) and not k.is_new),
         (select jsonb_agg(to_jsonb(o)) from others o where o.kind is not null)
    into fresh, fresh_in_run, changed, candidates from known k;
  if candidates is null then
    return;
  end if;
  select count(*), case when bool_or(r.kind <> 'list')
      then format('%s rows have the keys of rows of another parent, and are other ones, the first "%s": each takes the place of the other. Ids '
        'that are unique only in their parent need its id in `key`', count(*), left(min(r.key), 80))
      else format('%s rows have the keys of other rows of this list, the first "%s": each takes the place of the other. `key` does not tell '
        'them apart', count(*), left(min(r.key), 80)) end
    into clashes, flaw from sluice.replaced_rows(records, candidates, of_parent) r;
end $$;

-- Stores what a refresh brought, over the version that it was made from and no other. Returns the new version, or null when the
-- tokens were replaced meanwhile. It asks for no lease: the tokens of a late refresher are better than none. That also holds when
-- the account was given up in between. Locks: account, credential.
create or replace function sluice.store_refreshed(
  for_provider text, for_account text, for_generation bigint, from_version bigint, new_secret bytea, new_key text, new_life_ms bigint
) returns bigint language plpgsql set search_path = pg_catalog as $$
declare
  stored bigint;
begin
  perform 1 from sluice.account where provider = for_provider and account = for_account for no key update;
  update sluice.credential set
    secret = new_secret, key_id = new_key, version = version + 1, issued_at = clock_timestamp(), is_refreshed = true, has_token = true,
    life_ms = new_life_ms, expires_at = clock_timestamp() + new_life_ms * interval '1 millisecond',
    lease_owner = null, lease_until = null, failures = 0, failure = null, is_misconfigured = false, retry_at = null
    where provider = for_provider and account = for_account and generation = for_generation and version = from_version
    returning version into stored;
  if stored is not null then
    update sluice.account set status = 'connected', reason = null, since = clock_timestamp()
      where provider = for_provider and account = for_account and status <> 'connected';
    perform sluice.note_secret_use(for_provider, for_account, 'refreshed', 1);
  end if;
  return stored;
end $$;

-- Called before a workflow of its own opens a run. A fleet may have an open run of the same sync and account. If that was asked
-- for the same, it is this run from here on; else it comes first. A call of the fleet's that is under way finds its list gone,
-- and is made again.
-- Locks: the sync, shared; the run. Returns false when the fleet's run must end first.
create or replace function sluice.take_from_fleet(for_run uuid, its_sync text, its_account text, its_input jsonb, its_mode text, its_report uuid)
returns boolean language plpgsql set search_path = pg_catalog as $$
declare
  r sluice.run;
begin
  perform pg_advisory_xact_lock_shared(hashtextextended('sluice.runs ' || its_sync, 0));
  select x.* into r from sluice.run x where x.account = its_account and x.sync = its_sync and x.state in ('running', 'paused')
    and x.fleet is not null and x.id <> for_run for no key update;
  if not found or exists (select 1 from sluice.run x where x.id = for_run) then
    return true;
  end if;
  if r.input is distinct from its_input or r.mode not in (its_mode, 'full') then
    return false;
  end if;
  -- Its list, and what stands below, go with it.
  update sluice.run x set id = for_run, fleet = null, fleet_id = r.id where x.id = r.id;
  -- The start that takes it over has a report of its own.
  if its_report is distinct from r.id then
    delete from sluice.report p where p.id = r.id and p.status = 'pending';
  end if;
  return true;
end $$;

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

-- Takes such lists over: `lists` is [[key, record]], `of_run` and `upto` as they were told. Null for both: all has been taken.
-- Locks: units by key, the node.
create or replace function sluice.take_over(for_run uuid, for_node text, lists jsonb, of_run uuid, upto bigint) returns void
language plpgsql set search_path = pg_catalog as $$
declare
  added int;
begin
  insert into sluice.unit (run_id, node, parent_key, parent_record)
  select for_run, for_node, l.key, l.rec
  from (select distinct on (e->>0) e->>0 as key, e->>1 as rec from jsonb_array_elements(lists) e order by e->>0) l
  order by l.key
  on conflict (run_id, node, parent_key, part, lane) do nothing;
  get diagnostics added = row_count;
  update sluice.node n set waiting = n.waiting + added, owed_run = of_run, owed_to = upto,
    owed_taken = n.owed_taken or of_run is null
    where n.run_id = for_run and n.name = for_node;
end $$;

-- Whose an account is: the tenant that it is connected for, which may be none (null). Of one that is not connected, whose what it has left
-- is: the newest of its runs and of the reports of its actions. Returns no row where nothing is known of it. Asked at each start,
-- so nothing here grows with what there is. Of runs the newest of each sync is read (run_by_account; a sync has one provider). Of
-- reports it is the newest of an action (report_of_action).
create or replace function sluice.tenant_of_account(for_provider text, for_account text) returns setof text
language plpgsql stable set search_path = pg_catalog as $$
begin
  return query select a.tenant from sluice.account a where a.provider = for_provider and a.account = for_account;
  if found then
    return;
  end if;
  return query
    with recursive newest as (
      (select r.sync, r.provider, r.tenant, r.started_at from sluice.run r
        where r.account = for_account order by r.sync, r.started_at desc limit 1)
      union all
      select r.* from newest cross join lateral (
        select r.sync, r.provider, r.tenant, r.started_at from sluice.run r
        where r.account = for_account and r.sync > newest.sync order by r.sync, r.started_at desc limit 1) r
    )
    select known.tenant from (
      select coalesce(n.tenant, for_account) as tenant, n.started_at from newest n where n.provider = for_provider
      union all (
        select p.tenant, p.started_at from sluice.report p
        where p.account = for_account and p.kind = 'action' and starts_with(p.name, for_provider || '/')
        order by p.seq desc limit 1)
    ) known order by known.started_at desc limit 1;
end $$;

-- The changes that a unit knows, with one more: the latest first. Each process has its latest one there, whatever others have done since,
-- and the last four are there whosesoever they are. A number has its process above 24 bits. Its body is bound when it is made, so no
-- search path matters, and statements take it in.
create or replace function sluice.with_change(changes bigint[], change bigint) returns bigint[] language sql immutable
  return change || array(
    select known.change from pg_catalog.unnest(changes) with ordinality known (change, at)
     where known.at < 4 or known.change >> 24 <> with_change.change >> 24 order by known.at limit 15);
