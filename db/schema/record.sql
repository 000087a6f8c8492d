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
