-- Rows that did not fit: the schema refused them, their key or mapping could not be made, or Postgres does not take them. Kept as they
-- came, so that a mended schema can read them again without a call. The latest one of each row; it counts for nothing once the same
-- row was stored after it.
create table sluice.quarantine (
  id bigint generated always as identity primary key,
  sync text not null,
  node text not null,
  account text not null,
  resource text not null,
  parent_key text not null,
  parent_record text,
  -- Key of the row where that can be read, else '#' and a name of its content.
  name text not null,
  path text not null,
  reason text not null,
  -- JSON as text: what Postgres takes for no JSON is kept too. Null: it could not be written down.
  row_text text,
  -- The answer without its rows, and where they were in it; null where the row was the whole answer.
  frame text,
  place text[],
  run_id uuid not null,
  unit_id bigint not null,
  first_seen_at timestamptz not null,
  last_seen_at timestamptz not null,
  unique (account, resource, parent_key, name)
);
create index quarantine_by_age on sluice.quarantine (last_seen_at);
