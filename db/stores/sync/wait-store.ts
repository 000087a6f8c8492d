/**
 * What the lists of a run that are in hand wait for: their places in the limiter's queues, their backoff after a failed
 * call, and the provider's gate. One query over at most a few hundred lists, whatever the size of the run.
 * Next stop: `client/waits/run-waits.ts` puts it into words.
 */
import type { Queryable } from '../../pool.ts';

export interface WaitRow {
  /** `queue`: turns at a limit, `backoff`: after failed calls, `gate`: the whole provider. */
  readonly kind: 'queue' | 'backoff' | 'gate';
  readonly node: string | null;
  /** Of the limit or the gate. */
  readonly key: string | null;
  readonly calls: number;
  /** Milliseconds until the first and the last of them go on, as known now; negative: due. */
  readonly firstInMs: number;
  readonly lastInMs: number;
  readonly used: number | null;
  readonly max: number | null;
  readonly perMs: number | null;
  readonly ratePerSecond: number | null;
  readonly blockedReason: string | null;
  readonly blockedInMs: number;
  readonly isPaused: boolean;
  readonly pausedReason: string | null;
  /** One call at a time finds out whether the limit, or the provider, is open again. */
  readonly isProbing: boolean;
  /** Of a gate: the provider answers again, and calls come back by degrees until `lastInMs`. */
  readonly isRecovering: boolean;
  /** Of lists: whatever they wait for, none goes on before the provider's gate lets calls through. */
  readonly isShut: boolean;
  readonly attempts: number;
  /** The parent's key of one of the lists; '' for a root list. */
  readonly example: string;
}

/** Lists of a node that are looked at: those in hand come first. */
const MOST_LISTS = 200;
/** After so long all calls are back: the gate says so with the next call only (`limiter/circuit-breaker/transitions.ts`). */
const RECOVERY_US = 16_000_000;

const WAITS = `
  with clock as materialized (
    select sluice.limit_clock_us() as us
  ), hand as materialized (
    select u.* from sluice.node n cross join lateral (
      select x.id, x.node, x.parent_key, x.state, x.attempts,
        (extract(epoch from x.retry_at - clock_timestamp()) * 1000)::float8 as retry_ms
      from sluice.unit x where x.run_id = n.run_id and x.node = n.name and x.state in ('waiting', 'running')
      order by x.id limit ${MOST_LISTS}
    ) u where n.run_id = $1 and u.state = 'running'
  ), gate as materialized (
    select g.*, (g.recovered_us is null and g.hold) or g.paused_at is not null or g.blocked_us > g.us as is_shut from (
      select b.*, c.us, case when b.law ->> 'phase' = 'recovering'
        then (b.law ->> 'recoverAtMs')::float8 * 1000 + ${RECOVERY_US} end as recovered_us
      from sluice.run r join sluice.limit_bucket b on b.key = r.provider || '/*' cross join clock c where r.id = $1
    ) g
  ), waits as (
    select 'queue' as kind, h.node, t.bucket_id, count(*)::int as calls, max(h.attempts)::int as attempts,
      min(h.parent_key) as example, min(t.eta_us - c.us) / 1000.0 as first_ms, max(t.eta_us - c.us) / 1000.0 as last_ms
    from hand h join sluice.limit_ticket t on t.call_key = 'unit/' || h.id cross join clock c group by 2, 3
    union all
    select 'backoff', h.node, null, count(*)::int, max(h.attempts)::int, min(h.parent_key), min(retry_ms), max(retry_ms)
    from hand h where retry_ms > 0 group by 2
    union all
    select 'gate', null, g.id, 0, 0, '', greatest(0, g.probe_us - g.us, g.blocked_us - g.us) / 1000.0,
      greatest(0, g.recovered_us - g.us) / 1000.0
    from gate g where g.is_shut or (g.hold and g.recovered_us > g.us)
  )
  select w.kind, w.node, b.key, w.calls, w.first_ms::float8 as "firstInMs", w.last_ms::float8 as "lastInMs",
    b.used, b.max, case when b.kind = 'window' then b.win_us / 1000.0 end::float8 as "perMs", b.rate as "ratePerSecond",
    case when b.blocked_us > c.us or b.kind = 'gate' then b.blocked_reason end as "blockedReason",
    (greatest(0, b.blocked_us - c.us) / 1000.0)::float8 as "blockedInMs",
    b.paused_at is not null as "isPaused", b.paused_reason as "pausedReason", coalesce(b.hold, false) as "isProbing",
    w.kind = 'gate' and not (select g.is_shut from gate g) as "isRecovering",
    w.kind <> 'gate' and coalesce((select bool_or(g.is_shut) from gate g), false) as "isShut", w.attempts, w.example
  from waits w left join sluice.limit_bucket b on b.id = w.bucket_id cross join clock c
  order by w.kind <> 'gate', w.node, w.kind, w.first_ms`;

export async function readWaits(db: Queryable, runId: string): Promise<WaitRow[]> {
  const { rows } = await db.query<WaitRow>({ name: 'run_waits', text: WAITS, values: [runId] });
  return rows;
}
