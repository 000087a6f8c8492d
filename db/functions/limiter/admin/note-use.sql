-- Adds what a process did with its keys to their graphs, and removes what is too old. A slot takes in `p_most` keys: those that were
-- refused, are waited for and are nearest to their limit first.
-- Locks the rows of slots in the order of their keys; reads buckets without a lock.
--   p_entries [{id, calls, refused}]: since this process last told
create or replace function sluice.limit_note_use(p_entries json, p_most int) returns int language plpgsql volatile set search_path = pg_catalog as $$
declare
  v_clock bigint := sluice.limit_clock_us();
  v_now timestamptz := clock_timestamp();
  v_noted int;
begin
  -- A crash loses some seconds of a graph.
  perform set_config('synchronous_commit', 'off', true);
  with told as (
    select entry.id, entry.calls, entry.refused, b.rate, b.queue_len,
      case when b.kind = 'bucket' then b.burst else b.max end as max,
      case when b.kind = 'bucket' then greatest(0, b.burst - b.tokens) when b.max is not null then b.used end as used
      from json_to_recordset(p_entries) as entry (id bigint, calls int, refused int)
      join sluice.limit_bucket bucket on bucket.id = entry.id
     cross join lateral sluice.limit_advance(bucket, v_clock, bucket.generation) b
  ), slot as (
    select grain, to_timestamp(floor(extract(epoch from v_now) / grain) * grain) as at from unnest(array[60, 10800]) grain
  ), room as (
    select slot.grain, slot.at, p_most - (
      select count(*) from (select from sluice.limit_pace p where p.grain_s = slot.grain and p.at = slot.at limit p_most) taken) as places
      from slot
  ), ranked as (
    select told.*, room.*, known.bucket_id is not null as is_known, row_number() over (
      partition by room.grain, known.bucket_id is null
      order by told.refused desc, told.queue_len desc, coalesce(told.used / nullif(told.max, 0), 0) desc, told.calls desc, told.id) as place
      from told cross join room
      left join sluice.limit_pace known on known.bucket_id = told.id and known.grain_s = room.grain and known.at = room.at
  )
  insert into sluice.limit_pace as p (bucket_id, grain_s, at, calls, refused, used, waiting, max, rate)
    select id, grain, at, calls, refused, used, queue_len, max, rate from ranked where is_known or place <= places order by id, grain
    on conflict (bucket_id, grain_s, at) do update set
      calls = p.calls + excluded.calls, refused = p.refused + excluded.refused, used = greatest(p.used, excluded.used),
      waiting = greatest(p.waiting, excluded.waiting), max = excluded.max, rate = excluded.rate;
  get diagnostics v_noted = row_count;
  delete from sluice.limit_pace p where (p.bucket_id, p.grain_s, p.at) in (
    select old.bucket_id, old.grain_s, old.at from sluice.limit_pace old
     where (old.grain_s = 60 and old.at < v_now - interval '24 hours')
       or (old.grain_s = 10800 and old.at < v_now - interval '90 days') limit 5000 for update skip locked);
  return v_noted;
end $$;
