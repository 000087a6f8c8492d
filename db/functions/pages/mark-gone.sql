-- Marks rows as deleted of which a page says that they are gone, as far as no other parent's list has them.
-- Locks: members of this parent, records by key.
create or replace function sluice.mark_gone(of_account text, of_resource text, of_parent text, gone text[])
returns void language plpgsql set search_path = pg_catalog as $$
begin
  delete from sluice.member m
    where m.account = of_account and m.resource = of_resource and m.parent_key = of_parent and m.key = any (gone);
  perform sluice.delete_unlisted(of_account, of_resource, gone);
end $$;
