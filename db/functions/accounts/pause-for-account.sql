-- Pauses one run because of its account. The share lock orders it with a reconnection: either this is refused (returns
-- null), or the reconnection sees the paused run and resumes it. Returns the reason.
create or replace function sluice.pause_for_account(for_run uuid) returns text language plpgsql set search_path = pg_catalog as $$
declare
  why text;
begin
  select a.reason into why from sluice.run r join sluice.account a using (provider, account)
    where r.id = for_run and a.status = 'needs_reconnect' for share of a;
  if not found then
    return null;
  end if;
  update sluice.run set state = 'paused', paused_by = 'auth', paused_reason = why where id = for_run and state = 'running';
  return coalesce(why, '');
end $$;
