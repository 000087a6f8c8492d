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
