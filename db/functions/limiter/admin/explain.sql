-- When a call that came now would be served by each bucket, and who goes before it. Reads only.
create or replace function sluice.limit_explain(p_ids bigint[], p_costs float8[], p_account text)
returns table (id bigint, eta_us bigint, ahead int, accounts_ahead int) language sql volatile set search_path = pg_catalog as $$
  select b.id,
    greatest((sluice.limit_etas(now_row, array[asked.cost + before.cost]))[1], b.blocked_us - now_row.last_us, 0),
    before.tickets::int, before.accounts::int
    from unnest(p_ids, p_costs) asked (id, cost)
    join sluice.limit_bucket b on b.id = asked.id
    cross join lateral sluice.limit_advance(b, sluice.limit_clock_us(), b.generation) now_row
    left join sluice.limit_account account on account.bucket_id = b.id and account.account = p_account and account.class = 1
    cross join lateral (
      select count(*) tickets, count(distinct t.account) accounts, coalesce(sum(t.cost), 0) cost from sluice.limit_ticket t
       where t.bucket_id = b.id and t.lapse_us > now_row.last_us
         and (t.class, t.tag) <= (1, greatest(b.vtime[2], account.finish_tag))) before
$$;
