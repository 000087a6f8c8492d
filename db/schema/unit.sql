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
