-- Buckets as they stand now. Reads only.
create or replace function sluice.limit_look(p_ids bigint[])
returns table (id bigint, key text, kind text, spec jsonb, used float8, max float8, declared_max float8, win_us bigint,
  rate float8, hold boolean, probe_in_us bigint, epoch int, override_max float8, override_rate float8, override_until timestamptz, seen_max float8,
  foreign_used float8, blocked_in_us bigint, blocked_at timestamptz, blocked_until timestamptz, blocked_reason text, paused_at timestamptz,
  paused_reason text, waiting int, accounts_waiting int, first_free_us bigint,
  failing_phase text, failing_since timestamptz, failing_reason text, back_in_us float8)
language sql volatile set search_path = pg_catalog as $$
  select now_row.id, now_row.key, now_row.kind, now_row.spec,
    case when now_row.kind = 'bucket' then greatest(0, now_row.burst - now_row.tokens) else now_row.used end,
    case when now_row.kind = 'bucket' then now_row.burst else now_row.max end, now_row.declared_max, now_row.win_us,
    now_row.rate, now_row.hold, greatest(0, greatest(now_row.probe_us, now_row.probe_lease_us) - now_row.last_us),
    now_row.epoch, now_row.override_max, now_row.override_rate, now_row.override_until, now_row.seen_max, now_row.foreign_used,
    greatest(0, now_row.blocked_us - now_row.last_us), now_row.blocked_at,
    to_timestamp(now_row.blocked_us / 1000000.0), now_row.blocked_reason, now_row.paused_at,
    now_row.paused_reason, queue.tickets::int, queue.accounts::int, (sluice.limit_etas(now_row, array[1::float8]))[1],
    breaker.phase, breaker.since, breaker.reason, coalesce(breaker.back_us, 0)
    from sluice.limit_bucket b
    cross join lateral sluice.limit_advance(b, sluice.limit_clock_us(), b.generation) now_row
    cross join lateral (
      select count(*) tickets, count(distinct account) accounts from sluice.limit_ticket t
       where t.bucket_id = b.id and t.lapse_us > now_row.last_us) queue
    -- Of a gate: until a call comes after the way back, the row still says that it recovers.
    left join lateral (
      select now_row.law ->> 'phase' phase, to_timestamp((now_row.law ->> 'sinceMs')::float8 / 1000) since,
        nullif(now_row.law ->> 'reason', '') reason, (now_row.law ->> 'recoveredAtMs')::float8 * 1000 - now_row.last_us back_us
    ) breaker on now_row.kind = 'gate' and now_row.hold and (breaker.phase = 'open' or breaker.back_us > 0)
   where b.id = any (p_ids)
   order by b.key
$$;
