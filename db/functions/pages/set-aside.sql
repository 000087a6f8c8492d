-- Keeps the rows of a page that did not fit. Called by commit_page, under the lock of the unit; locks their rows in the quarantine by name,
-- then members.
--   page  its `aside` is a list of AsideRow of contracts/answers/aside.ts
-- Of a row that is there already the latest version counts. One whose row is known from earlier runs has been seen by its list.
create or replace function sluice.set_aside(u sluice.unit, page jsonb) returns void language plpgsql set search_path = pg_catalog as $$
declare
  now_at timestamptz := clock_timestamp();
begin
  insert into sluice.quarantine as q (sync, node, account, resource, parent_key, parent_record, name, path, reason, row_text, frame,
    place, run_id, unit_id, first_seen_at, last_seen_at)
  select r.sync, u.node, page->>'account', page->>'resource', u.parent_key, u.parent_record, a.name, a.path, a.reason, a.row, a.frame,
    case when jsonb_typeof(a.place) = 'array' then array(select jsonb_array_elements_text(a.place)) end,
    u.run_id, coalesce(u.root_id, u.id), now_at, now_at
  from (select distinct on (e->>'name') e->>'name' as name, e->>'path' as path, e->>'reason' as reason, e->>'row' as row,
          e->>'frame' as frame, e->'place' as place
        from jsonb_array_elements(page->'aside') with ordinality x(e, n) order by e->>'name', n desc) a,
       sluice.run r
  where r.id = u.run_id
  order by a.name
  on conflict (account, resource, parent_key, name) do update set
    sync = excluded.sync, node = excluded.node, parent_record = excluded.parent_record, path = excluded.path, reason = excluded.reason,
    row_text = excluded.row_text, frame = excluded.frame, place = excluded.place, run_id = excluded.run_id, unit_id = excluded.unit_id,
    last_seen_at = excluded.last_seen_at;
  if (page->>'isMember')::boolean then
    update sluice.member m set run_id = u.run_id
      where m.account = page->>'account' and m.resource = page->>'resource' and m.parent_key = u.parent_key
        and m.key in (select e->>'name' from jsonb_array_elements(page->'aside') e);
  end if;
end $$;
