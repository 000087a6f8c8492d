-- Stores a row that was in quarantine, as of the run that it came in, and takes it out of there. A row that was stored after it came is
-- left as it is. Locks: the row in quarantine, the record, the member.
--   stored_key  the row's key, which may not have been readable before
--   is_member   its node marks deletions: the list of its parent has it
-- Returns `stored`, or `newer` where a later version is there; null when it is not in quarantine any more.
create or replace function sluice.release_row(row_id bigint, stored_key text, stored_data jsonb, is_member boolean) returns text
language plpgsql set search_path = pg_catalog as $$
declare
  q sluice.quarantine;
begin
  select * into q from sluice.quarantine x where x.id = row_id for update;
  if q.id is null then
    return null;
  end if;
  delete from sluice.quarantine x where x.id = row_id;
  if exists (select 1 from sluice.record r where r.account = q.account and r.resource = q.resource and r.key = stored_key
             and r.last_seen_at > q.last_seen_at) then
    return 'newer';
  end if;
  perform sluice.store_records(q.account, q.resource, jsonb_build_array(jsonb_build_array(stored_key, stored_data)), q.run_id, q.unit_id);
  if is_member then
    insert into sluice.member as m (account, resource, parent_key, key, run_id)
    values (q.account, q.resource, q.parent_key, stored_key, q.run_id)
    on conflict (account, resource, parent_key, key) do update set run_id = excluded.run_id;
  end if;
  return 'stored';
end $$;
