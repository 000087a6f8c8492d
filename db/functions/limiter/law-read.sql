-- What the control law of learned buckets needs for its next step. Reads only.
create or replace function sluice.limit_law_read(p_ids bigint[])
returns table (id bigint, spec jsonb, law jsonb, version int, at_ms float8, ok int, fresh int, refused int, failed int,
  stale int, retry_ms float8, waited_us bigint, granted float8, demand float8, sibling_rate float8)
language sql volatile set search_path = pg_catalog as $$
  select b.id, b.spec, b.law, b.law_version, clock.us / 1000.0, b.ev_ok, b.ev_fresh, b.ev_refused, b.ev_failed, b.ev_stale,
    b.ev_retry_ms, waited.us, b.ev_granted,
    case when clock.us > b.law_stepped_us then least(1, waited.us::float8 / (clock.us - b.law_stepped_us)) else 1 end,
    case when b.law is null then (
      -- What the same limit turned out to be for others: provider/limit/…
      select percentile_cont(0.5) within group (order by s.rate)
        from (select sibling.rate from sluice.limit_bucket sibling
               where sibling.key like replace(replace(regexp_replace(b.key, '[^/]*$', ''), '_', '\_'), '%', '\%') || '%'
                 and sibling.id <> b.id and sibling.kind = 'learned' and sibling.epoch > 0 and sibling.law is not null
               order by sibling.law_stepped_us desc limit 50) s) end
    from sluice.limit_bucket b
    cross join lateral (select greatest(sluice.limit_clock_us(), b.last_us) us) clock
    cross join lateral (
      select b.ev_waited_us + case when b.queue_len > 0 then greatest(0, least(clock.us, b.queue_until_us) - b.last_us) else 0 end us
    ) waited
   where b.id = any (p_ids) and b.kind = 'learned'
$$;
