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
