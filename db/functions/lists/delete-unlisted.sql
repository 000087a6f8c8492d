-- Marks rows as deleted that have been taken out of a list, as far as no other list has them that is still asked for. A row may have moved
-- out of one before the row above that was deleted. Rows that are not known, or were deleted before, stay as they are.
-- Locks: records by key.
create or replace function sluice.delete_unlisted(of_account text, of_resource text, gone text[])
returns void language plpgsql set search_path = pg_catalog as $$
declare
  this_tx bigint;
begin
  -- Locked before it is asked who else has them: of two lists that lose a row at once the second one sees it.
  perform 1 from sluice.record t where t.account = of_account and t.resource = of_resource and t.key = any (gone)
    order by t.key for no key update;
  this_tx := sluice.feed_position();
  update sluice.record t set deleted_at = clock_timestamp(), changed_at = clock_timestamp(),
    tx = this_tx, seq = nextval('sluice.record_seq')
  where t.account = of_account and t.resource = of_resource and t.key = any (gone) and t.deleted_at is null
    and not exists (
      -- Of the row alone (`offset 0`): else a plan by old statistics asks for every member of the list, for each row.
      select 1 from (select m.account, m.resource, m.parent_key, m.run_id from sluice.member m
        where m.account = t.account and m.resource = t.resource and m.key = t.key offset 0) m
      where not sluice.is_list_cut_off(m.account, m.resource, m.parent_key, m.run_id));
end $$;
