-- Which rows of a page take the places of other rows, and are no newer versions of them. Called by store_records for rows that differ.
--   records     the page's rows, [[key, data]]
--   candidates  [{ key, before, now, parent, kind }]: `parent` is whose list brought the row before; `kind` is
--               'parent'   a list of another parent has brought it in this run
--               'earlier'  a list of another parent has brought it in an earlier run
--               'list'     this list has brought it, on an earlier page
-- What tells which row one is are its texts that no other row of the page has, e.g. its name. A newer version still has at least
-- half of them. What may differ then is what a parent tells of its part (role, position, when it joined). No evidence are its
-- key, texts that say the key or the parent's again, and times and numbers in texts. Nor is the query of an address, which may be
-- signed.
-- Rows without such texts are judged by their numbers and times. Another `id` than before, under a key that is not it, is another row.
-- Across runs, and in one list, a newer version is usual. There no text may be the same, and one alone is a new name. It takes
-- two rows of the page across runs, and two texts of the row in one list. In one list a text that has gone, and another that has
-- come under another name, are two as well. Rows of several types in one list (posts, notes) have ids that are unique only in
-- their type.
create or replace function sluice.replaced_rows(records jsonb, candidates jsonb, of_parent text)
returns table (key text, kind text) language sql immutable set search_path = pg_catalog as $$
  with said as materialized (
    select l.path, l.value from jsonb_array_elements(records) e, sluice.leaves(e->1) l
  ), of_page as materialized (
    select s.path, s.value from said s group by s.path, s.value having count(*) = 1
  ), pair as materialized (
    select c->>'key' as key, c->>'kind' as kind, c->>'parent' as parent, b.path, b.value as before, n.value as now,
      regexp_replace(b.value#>>'{}', '^(https?://[^?#]*)[?#].*$', '\1') as was, regexp_replace(n.value#>>'{}', '^(https?://[^?#]*)[?#].*$', '\1') as is_now
    from jsonb_array_elements(candidates) c, sluice.leaves(c->'before') b, sluice.leaves(c->'now') n
    where b.path = n.path
  ), judged as (
    select p.*, p.was = p.is_now as same, p.path in ('/id', '/_id', '/uuid') and p.was <> p.is_now as is_id,
      jsonb_typeof(p.before) = 'string' and jsonb_typeof(p.now) = 'string'
        and p.is_now !~ '^\d{4}-\d\d-\d\d|\d\d:\d\d|^[-+]?[\d.,]+$' as is_text
    from pair p join of_page u on u.path = p.path and u.value = p.now
    where p.is_now <> p.key
      and not (p.was = p.is_now and sluice.says(p.is_now, p.key))
      and not (p.was <> p.is_now and sluice.says(p.was, p.parent) and sluice.says(p.is_now, of_parent))
  ), counted as (
    select j.key, j.kind, bool_or(j.is_id) as has_other_id,
      count(*) filter (where j.is_text and j.same) as texts_same, count(*) filter (where j.is_text and not j.same) as texts_differ,
      count(*) filter (where not j.is_text and j.same) as others_same, count(*) filter (where not j.is_text and not j.same) as others_differ
    from judged j group by j.key, j.kind
  ), of_other_type as (
    select c->>'key' as key from jsonb_array_elements(candidates) c
      where c->>'kind' = 'list'
        and exists (select from sluice.leaves(c->'before') b where jsonb_typeof(b.value) = 'string'
          and b.path not in (select n.path from sluice.leaves(c->'now') n))
        and exists (select from sluice.leaves(c->'now') n join of_page u on u.path = n.path and u.value = n.value
          where jsonb_typeof(n.value) = 'string' and n.value#>>'{}' !~ '^\d{4}-\d\d-\d\d|\d\d:\d\d|^[-+]?[\d.,]+$'
            and n.path not in (select b.path from sluice.leaves(c->'before') b))
  ) select c.key, c.kind from counted c
    where c.has_other_id or case c.kind
      when 'parent' then c.texts_differ > c.texts_same or (c.texts_differ + c.texts_same = 0 and c.others_differ > c.others_same)
      when 'earlier' then c.texts_differ > 0 and c.texts_same = 0 and (
        select count(*) > 1 from counted x where x.kind = 'earlier' and x.texts_differ > 0 and x.texts_same = 0)
      else c.texts_differ > 1 and c.texts_same = 0 end
  union select o.key, 'list' from of_other_type o
    where not exists (select from counted c where c.key = o.key and c.kind = 'list' and c.texts_same > 0)
$$;
