-- Marks rows as deleted of which a page says that they are gone, as far as no other parent's list has them.
-- Versions of them that did not fit count for nothing any more. Locks: members of this parent, records by key, rows in quarantine.
create or replace function sluice.mark_gone(of_account text, of_resource text, of_parent text, gone text[])
returns void language plpgsql set search_path = pg_catalog as $$
begin
  delete from sluice.member m
    where m.account = of_account and m.resource = of_resource and m.parent_key = of_parent and m.key = any (gone);
  perform sluice.delete_unlisted(of_account, of_resource, gone);
  delete from sluice.quarantine q
    where q.account = of_account and q.resource = of_resource and q.parent_key = of_parent and q.name = any (gone);
end $$;
