-- What a row says, field by field, with the fields of the objects in it, four deep: the path of each, e.g. `/user/name`, and its value.
create or replace function sluice.leaves(data jsonb) returns table (path text, value jsonb) language sql immutable set search_path = pg_catalog as $$
  with recursive part (path, value, depth) as (
    select '', data, 0
    union all
    select p.path || '/' || e.key, e.value, p.depth + 1
    from part p, jsonb_each(case jsonb_typeof(p.value) when 'object' then p.value else '{}' end) e
    where p.depth < 4
  ) select p.path, p.value from part p where jsonb_typeof(p.value) not in ('object', 'null')
$$;
