-- Whether a text has this word in it, between its ends, spaces or signs.
create or replace function sluice.says(said text, word text) returns boolean language sql immutable set search_path = pg_catalog as $$
  select word <> '' and length(word) < 200
    and said ~ ('(^|[^[:alnum:]])' || regexp_replace(word, '([^[:alnum:]])', '\\\1', 'g') || '($|[^[:alnum:]])')
$$;
