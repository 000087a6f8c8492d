-- Notes that a process tells something, in the transaction that stores it. False: it was stored before, and only the answer was lost;
-- then nothing of it may be added again. Locks the process's row first of all, so a statement that is still at work is waited for.
create or replace function sluice.is_told_first(p_teller uuid, p_serial bigint) returns boolean language plpgsql volatile
set enable_seqscan = off set search_path = pg_catalog as $$
begin
  update sluice.told t set serial = p_serial, at = clock_timestamp() where t.teller = p_teller and t.serial < p_serial;
  if not found then
    insert into sluice.told (teller, serial) values (p_teller, p_serial) on conflict do nothing;
  end if;
  return found;
end $$;
