-- A write whose fate was left to a person: who has said what became of it, and when.
alter table sluice.action_step
  add column resolved_by text,
  add column resolved_at timestamptz;
