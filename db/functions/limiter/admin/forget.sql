-- Forgets a key: what it used, what it learned, who waits. The next call starts afresh.
create or replace function sluice.limit_forget(p_key text) returns boolean language plpgsql volatile set search_path = pg_catalog as $$
declare
  v_id bigint;
begin
  delete from sluice.limit_bucket b where b.key = p_key returning b.id into v_id;
  if v_id is null then
    return false;
  end if;
  delete from sluice.limit_ticket t where t.bucket_id = v_id;
  delete from sluice.limit_account a where a.bucket_id = v_id;
  insert into sluice.limit_event (bucket_id, type, detail) values (v_id, 'forgotten', jsonb_build_object('key', p_key));
  return true;
end $$;
