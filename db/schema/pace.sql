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
