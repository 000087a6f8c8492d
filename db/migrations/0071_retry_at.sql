-- When a unit whose call failed may be called again: its backoff is kept when the workflow that waits is continued as new,
-- or its worker is lost. Null, or past: now.
alter table sluice.unit add column retry_at timestamptz;
