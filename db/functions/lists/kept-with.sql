-- What a list keeps for the next run, once a page has told more of it.
--   had       what pages before it have told, or null
--   guard     of the list, before the page
--   of_page   position of the page, or null for the first one of a reading
--   told      by the page, or null
-- The first checkpoint that a reading is told holds: what changes while the list is read is not missed. But one that is the name of this
-- page, as in a log, follows the reading: it goes on from there. A list that is begun again, since its cursor had died, has a new one; not so
-- where only its front is looked at again. The body is bound when it is made, so no search path matters, and statements take it in.
create or replace function sluice.kept_with(had jsonb, guard jsonb, of_page jsonb, told jsonb) returns jsonb language sql immutable
  return case
    when told is null or told = 'null' then had
    when guard->>'front' = '1' then told || coalesce(had, '{}')
    when of_page is null then coalesce(had, '{}') || told
    when had->>'checkpoint' in (of_page->>'cursor', of_page->>'url') then had || told
    else told || coalesce(had, '{}')
  end;
