-- What all workers did together, by the minute for a day and by the quarter of an hour for 90 days: some 10,000 rows at most.
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
