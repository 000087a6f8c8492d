-- Writes down that the secrets of an account were used, in the row of the current hour. Locks: that row.
--   what      `connected`, `refreshed`, `call`, `refresh`, …: what was done, or what they were decrypted for
--   how_often uses since the last note
create or replace function sluice.note_secret_use(for_provider text, for_account text, what text, how_often bigint)
returns void language sql set search_path = pg_catalog as $$
  insert into sluice.secret_use as u (provider, account, hour, what, who, times, first_at, last_at)
  values (for_provider, for_account, date_trunc('hour', clock_timestamp()), what,
    format('%s %s %s', session_user, coalesce(nullif(current_setting('application_name'), ''), '-'), coalesce(host(inet_client_addr()), 'local')),
    how_often, clock_timestamp(), clock_timestamp())
  on conflict (provider, account, hour, what, who) do update set
    times = u.times + excluded.times, last_at = excluded.last_at
$$;
