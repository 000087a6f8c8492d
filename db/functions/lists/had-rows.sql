-- How many rows a list is known to have had: those of its last reading to its end, or of a run since then that did not come to its end. The
-- latter has stored them too, so an empty answer would take them back, and half of them is a cut.
-- Looks at no more than 1,000 runs, each by the index of its units. Most lists have been read to their end by the run before.
create or replace function sluice.had_rows(this sluice.run, for_node text, of_resource text, for_parent text) returns bigint
language sql stable set search_path = pg_catalog as $$
  with known as (
    select k.rows, greatest(k.read_at, k.reset_at) as known_at from sluice.list k
    where k.account = this.account and k.resource = of_resource and k.parent_key = for_parent
  )
  select greatest(0, (select rows from known), (
    select max(b.rows) from (
      select x.id from sluice.run x
      where x.account = this.account and x.sync = this.sync and x.started_at < this.started_at
        and x.started_at > coalesce((select known_at from known), '-infinity')
      order by x.started_at desc limit 1000
    ) since cross join lateral (
      select sum(u.rows)::bigint as rows from sluice.unit u
      where u.run_id = since.id and u.node = for_node and u.parent_key = for_parent and not u.is_forgotten
    ) b
  ))
$$;
