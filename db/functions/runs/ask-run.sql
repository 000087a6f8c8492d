-- Pauses a run, or holds it until its workflow has ended it as cancelled, from outside: from here on no call of it is made. One that no
-- worker has opened yet opens so.
create or replace function sluice.ask_run(for_run uuid, what text) returns void language plpgsql set search_path = pg_catalog as $$
declare
  whose text := case what when 'cancel' then 'cancel' else 'operator' end;
begin
  -- Against enter_run: the run is there, or whoever opens it sees what is asked here.
  perform pg_advisory_xact_lock(hashtextextended('sluice.run ' || for_run, 0));
  update sluice.run set state = 'paused', paused_by = whose, paused_reason = null, pauses = pauses + 1
    where id = for_run and state in ('running', 'paused') and paused_by is distinct from 'cancel';
  if not exists (select 1 from sluice.run where id = for_run) then
    insert into sluice.run_wish (run_id, paused_by) values (for_run, whose)
      on conflict (run_id) do update set paused_by = excluded.paused_by where run_wish.paused_by <> 'cancel';
  end if;
end $$;
