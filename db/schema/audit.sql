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
