-- One unit of work: one list (or object) of one parent. A list that was too long for the third party is split into parts
-- ('0' and '1', then '00', …) with ranges of their own; parallel lanes of one part are rows of their own.
create table sluice.unit (
  id bigint generated always as identity primary key,
  run_id uuid not null,
  node text not null,
  parent_key text not null,
  parent_record text,
  part text not null default '',
  lane smallint not null default 0,
  -- Lane 0 of the part; null on that one itself.
  root_id bigint,
  range jsonb,
  state text not null default 'waiting' check (state in ('waiting', 'running', 'done', 'failed', 'skipped')),
  position jsonb,
  guard jsonb,
  stalled smallint not null default 0,
  pages int not null default 0,
  -- Items as they came, and the different rows among them.
  items int not null default 0,
  rows int not null default 0,
  calls int not null default 0,
  attempts smallint not null default 0,
  -- When a unit whose call failed may be called again: its backoff is kept when the workflow that waits is continued as new, or
  -- its worker is lost. Null, or past: now.
  retry_at timestamptz,
  -- Items that the third party says there are, when that number is exact.
  total bigint,
  -- The watermark that it was asked from, and the highest one that its rows have.
  since jsonb,
  watermark jsonb,
  end_kind text check (end_kind in ('complete', 'capped', 'looped', 'truncated', 'skipped', 'failed')),
  reason text,
  unique (run_id, node, parent_key, part, lane),
  foreign key (run_id, node) references sluice.node (run_id, name) on delete cascade
) with (fillfactor = 70);
-- Units that have not ended. A unit that is taken up changes its state, but not what an index is made of.
create index unit_unended on sluice.unit (run_id, node, id) where end_kind is null;
create index unit_flawed on sluice.unit (run_id, node, id) where end_kind <> 'complete';

-- What the lanes of one part share; made when it gets lanes. Positions are pages (indexes) of one size.
create table sluice.lane_board (
  run_id uuid not null,
  node text not null,
  parent_key text not null,
  part text not null,
  page_size int not null,
  -- The next page that no lane has yet.
  next_position bigint not null,
  -- Pages by the third party's total; null when it said none. One that was wrong, or was split, is not compared at the end.
  planned_end bigint,
  total_is_wrong boolean not null default false,
  -- The first page known to lie past the end; did the third party say so? And the last one that had rows.
  end_position bigint,
  end_is_answered boolean not null default false,
  last_with_rows bigint not null,
  capped text,
  primary key (run_id, node, parent_key, part),
  foreign key (run_id, node) references sluice.node (run_id, name) on delete cascade
) with (fillfactor = 50);

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
