-- When a worker last looked for rows that are older than they are kept: one does it for all. Written by
-- db/stores/operate/retention-store.ts.
create table sluice.retention_round (
  one boolean primary key default true check (one),
  due_at timestamptz not null
);
