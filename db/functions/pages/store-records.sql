-- Stores the rows of one page as this run's latest versions. A row is changed when it is new, was deleted, or has other data. It
-- is fresh when this list has not brought it before, and fresh in the run when no list of the run has.
-- A row may take the place of another one, which a list of another parent has brought, or this list on an earlier page. That is a
-- clash (replaced_rows says which are). `flaw` tells it to people. Runs that this one is a retry of count as this run, and
-- `is_reread` is a page whose rows may have come before.
-- Most pages bring only new rows, so they are inserted in one go. The second statement is for those that were there, and for rows
-- that came twice in the page: of these the last one counts. Both lock by key.
create or replace function sluice.store_records(
  of_account text, of_resource text, records jsonb, by_run uuid, by_unit bigint, of_parent text default null,
  retry_of uuid[] default '{}', is_reread boolean default true,
  out fresh int, out fresh_in_run int, out changed int, out clashes int, out flaw text
) language plpgsql set search_path = pg_catalog as $$
declare
  now_at timestamptz := clock_timestamp();
  this_tx bigint := sluice.feed_position();
  candidates jsonb;
begin
  insert into sluice.record
    (account, resource, key, data, tx, seq, first_seen_at, last_seen_at, changed_at, run_id, unit_id)
  select of_account, of_resource, e->>0, e->1, this_tx, nextval('sluice.record_seq'), now_at, now_at, now_at, by_run, by_unit
  from jsonb_array_elements(records) e order by e->>0
  on conflict (account, resource, key) do nothing;
  get diagnostics fresh = row_count;
  fresh_in_run := fresh;
  changed := fresh;
  clashes := 0;
  if fresh = jsonb_array_length(records) then
    return;
  end if;

  with incoming as materialized (
    select distinct on (e->>0) e->>0 as key, e->1 as data
    from jsonb_array_elements(records) with ordinality x(e, n) order by e->>0, n desc
  ), known as materialized (
    -- Row by row: where statistics are old, a join is planned as a scan of all that the account has.
    select i.key, i.data, o.run_id, o.unit_id, o.tx = this_tx as is_new, o.deleted_at is not null as is_gone, o.data <> i.data as differs,
      o.data as before
    from incoming i cross join lateral (
      select * from sluice.record o where o.account = of_account and o.resource = of_resource and o.key = i.key limit 1
    ) o
  ), others as (
    select k.key, k.before, k.data as now, p.parent_key as parent, case
      when p.parent_key <> of_parent then case when k.run_id = by_run or k.run_id = any (retry_of) then 'parent' else 'earlier' end
      when k.unit_id = by_unit and not is_reread then 'list' end as kind
    from known k left join lateral (select p.parent_key from sluice.unit p where p.id = k.unit_id limit 1) p on true
    where k.differs and not k.is_gone and not k.is_new
  ), stored as (
    insert into sluice.record as t
      (account, resource, key, data, tx, seq, first_seen_at, last_seen_at, changed_at, run_id, unit_id)
    select of_account, of_resource, k.key, k.data, this_tx, 0, now_at, now_at, now_at, by_run, by_unit
    from known k where k.differs or k.is_gone or not k.is_new order by k.key
    on conflict (account, resource, key) do update set
      data = excluded.data, last_seen_at = now_at, deleted_at = null, run_id = by_run, unit_id = by_unit,
      tx = case when t.data <> excluded.data or t.deleted_at is not null then this_tx else t.tx end,
      seq = case when t.data <> excluded.data or t.deleted_at is not null then nextval('sluice.record_seq') else t.seq end,
      changed_at = case when t.data <> excluded.data or t.deleted_at is not null then now_at else t.changed_at end
  )
  select fresh + count(*) filter (where k.unit_id <> by_unit), fresh_in_run + count(*) filter (where k.run_id <> by_run),
         changed + count(*) filter (where (k.differs or k.is_gone) and not k.is_new),
         (select jsonb_agg(to_jsonb(o)) from others o where o.kind is not null)
    into fresh, fresh_in_run, changed, candidates from known k;
  if candidates is null then
    return;
  end if;
  select count(*), case when bool_or(r.kind <> 'list')
      then format('%s rows have the keys of rows of another parent, and are other ones, the first "%s": each takes the place of the other. Ids '
        'that are unique only in their parent need its id in `key`', count(*), left(min(r.key), 80))
      else format('%s rows have the keys of other rows of this list, the first "%s": each takes the place of the other. `key` does not tell '
        'them apart', count(*), left(min(r.key), 80)) end
    into clashes, flaw from sluice.replaced_rows(records, candidates, of_parent) r;
end $$;
