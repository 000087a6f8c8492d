-- What the laws of buckets need for their next step: of learned limits, and of refusals by known ones. Reads only.
create or replace function sluice.limit_law_read(p_ids bigint[])
returns table (id bigint, kind text, spec jsonb, law jsonb, version int, at_ms float8, ok int, fresh int, refused int, failed int,
  stale int, retry_ms float8, waited_us bigint, granted float8, demand float8, sibling_rate float8, in_use float8, units float8,
  length_ms float8, closed_ms float8, is_counted boolean)
language sql volatile set search_path = pg_catalog as $$
  select b.id, b.kind, b.spec, b.law, b.law_version, clock.us / 1000.0, b.ev_ok, b.ev_fresh, b.ev_refused, b.ev_failed, b.ev_stale,
    b.ev_retry_ms, waited.us, b.ev_granted,
    case when clock.us > b.law_stepped_us then least(1, waited.us::float8 / (clock.us - b.law_stepped_us)) else 1 end,
    case when b.law is null and b.kind = 'learned' then (
      -- What the same limit turned out to be for others: provider/limit/…
      select percentile_cont(0.5) within group (order by s.rate)
        from (select sibling.rate from sluice.limit_bucket sibling
               where sibling.key like replace(replace(regexp_replace(b.key, '[^/]*$', ''), '_', '\_'), '%', '\%') || '%'
                 and sibling.id <> b.id and sibling.kind = 'learned' and sibling.epoch > 0 and sibling.law is not null
               order by sibling.law_stepped_us desc limit 50) s) end,
    -- A bucket that refuses with tokens in it is in use, however many those are. So are calls at once: those that were in flight with it have
    -- given back their places by now.
    case when b.kind in ('bucket', 'inflight') then 1 when b.max > 0 then least(1, b.used / b.max) else 0 end,
    -- Of a bucket it is the rate that is given out less of, and that has no least part.
    case when b.kind = 'bucket' then greatest(100, b.burst) else coalesce(b.seen_max, b.declared_max, 1) end,
    -- What is in flight has ended after twice the time that a call takes, be they short or long.
    case when b.kind = 'bucket' then 1000 * b.burst / b.declared_rate
      when b.kind = 'inflight' then least(greatest(b.hold_us / 500.0, 1000), 60000)
      when b.win_us > 0 then b.win_us / 1000.0 else 60000 end,
    -- A bucket is never closed until all of it is there again.
    case when b.kind = 'bucket' then least(1000 * b.burst, 10000) / b.declared_rate
      when b.kind = 'inflight' then least(greatest(b.hold_us / 500.0, 4000), 60000)
      when b.win_us > 0 then b.win_us / 1000.0 else 60000 end,
    b.ev_counted
    from sluice.limit_bucket b
    cross join lateral (select greatest(sluice.limit_clock_us(), b.last_us) us) clock
    cross join lateral (
      select b.ev_waited_us + case when b.queue_len > 0 then greatest(0, least(clock.us, b.queue_until_us) - b.last_us) else 0 end us
    ) waited
   where b.id = any (p_ids) and b.kind <> 'gate'
$$;
