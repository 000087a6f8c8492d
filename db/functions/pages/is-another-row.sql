-- Whether two versions under one key are rather two rows: apart from one field, their key, fewer fields are the same than differ.
create or replace function sluice.is_another_row(before jsonb, now jsonb) returns boolean language sql immutable set search_path = pg_catalog as $$
  select case when jsonb_typeof(before) <> 'object' or jsonb_typeof(now) <> 'object' then before <> now
    else (select count(*) filter (where b.value is distinct from now->b.key) > count(*) filter (where b.value = now->b.key) - 1
          from jsonb_each(before) b) end
$$;
