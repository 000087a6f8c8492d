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
