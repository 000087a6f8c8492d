-- Marks rows as deleted of which a page says that they are gone, as far as no other parent's list has them. Rows that are not known, or
-- were deleted before, stay as they are. Locks: records by key, members of this parent.
create or replace function sluice.mark_gone(of_account text, of_resource text, of_parent text, gone text[])
returns void language plpgsql set search_path = pg_catalog as $$
declare
  this_tx bigint;
begin
  -- Locked before it is asked who else has them: of two lists that lose a row at once the second one sees it.
  perform 1 from sluice.record t where t.account = of_account and t.resource = of_resource and t.key = any (gone)
    order by t.key for no key update;
  delete from sluice.member m
    where m.account = of_account and m.resource = of_resource and m.parent_key = of_parent and m.key = any (gone);
  this_tx := sluice.feed_position();
  update sluice.record t set deleted_at = clock_timestamp(), changed_at = clock_timestamp(),
    tx = this_tx, seq = nextval('sluice.record_seq')
  where t.account = of_account and t.resource = of_resource and t.key = any (gone) and t.deleted_at is null
    and not exists (select 1 from sluice.member m where m.account = t.account and m.resource = t.resource and m.key = t.key);
end $$;
