/**
 * What the lists of a run that are in hand wait for: their places in the limiter's queues, and their backoff after a
 * failed call. Also a token that can't be renewed for now, and the gates of the provider and its endpoints. Two queries
 * over at most a few hundred lists, whatever the size of the run.
 * Next: `client/waits/run-waits.ts` puts it into words.
 */
import { stateOf, type LimitStanding } from '../../../contracts/limits/limit-words.ts';
import type { Queryable } from '../../pool.ts';
import { readLooks, standingOf } from '../limit/look-store.ts';

export interface WaitRow {
  /**
   * `queue`: turns at a limit, `backoff`: after failed calls, `token`: for a new one, `gate`: the whole provider, or an endpoint. `again`:
   * they wait for nothing, and are read once more.
   */
  readonly kind: 'queue' | 'backoff' | 'token' | 'gate' | 'again';
  /** Null for a token and for the provider's gate. */
  readonly node: string | null;
  /** The limit or the gate; null for backoffs. */
  readonly limit: LimitStanding | null;
  readonly calls: number;
  /** Milliseconds until the first and the last of the lists go on, as known now; negative: due. */
  readonly firstInMs: number;
  readonly lastInMs: number;
  /** Of lists: whatever they wait for, none goes on before a gate lets calls through. */
  readonly isShut: boolean;
  readonly attempts: number;
  /** Of lists that are read again: the number of the reading, at most. */
  readonly reading: number | null;
  /** The parent's key of one of the lists; '' for a root list. */
  readonly example: string;
  /** Of a backoff: how the last call of one of the lists failed. Of a token: how its last refresh did. */
  readonly error: string | null;
}

interface FoundRow {
  readonly kind: WaitRow['kind'];
  readonly node: string | null;
  readonly bucketId: number | null;
  readonly calls: number;
  readonly attempts: number;
  readonly reading: number | null;
  readonly example: string;
  readonly error: string | null;
  readonly firstInMs: number;
  readonly lastInMs: number;
}

/** Lists of a node that are looked at: those in hand come first. */
const MOST_LISTS = 200;
/** States of a gate that lets no call through, but for one that finds out. */
const SHUT = new Set(['paused', 'blocked', 'failing']);

/**
 * The bounds of a node are rows, not two equalities. With equalities Postgres may take the order of the ids from the
 * primary key, and read past every list of the runs before. (86 ms beside a million lists, for 200 rows of
 * `unit_unended`.)
 */
export const WAITS = `
  with clock as materialized (
    select sluice.limit_clock_us() as us
  ), hand as materialized (
    select u.* from sluice.node n cross join lateral (
      select x.id, x.node, case when x.parent_record is null then '' else x.parent_key end as whose, x.state, x.attempts, x.error,
        (extract(epoch from x.retry_at - clock_timestamp()) * 1000)::float8 as retry_ms,
        coalesce((x.position ->> 'pass')::int, case x.guard ->> 'begunAgain' when '1' then 2 end) as reading
      from sluice.unit x where (x.run_id, x.node) >= ($1, n.name) and (x.run_id, x.node) <= ($1, n.name)
        and x.state in ('waiting', 'running') and x.end_kind is null
      order by x.run_id, x.node, x.id limit ${MOST_LISTS}
    ) u where n.run_id = $1 and u.state = 'running'
  ), gate as (
    select null::text as node, r.provider || '/*' as key from sluice.run r where r.id = $1
    union all
    select node ->> 'name', r.provider || '/*/' || (node ->> 'endpoint')
      from sluice.run r cross join lateral jsonb_array_elements(r.plan -> 'nodes') node where r.id = $1
  )
  select 'queue' as kind, h.node, t.bucket_id as "bucketId", count(*)::int as calls, max(h.attempts)::int as attempts,
    null::int as reading, min(h.whose) as example, null as error, (min(t.eta_us - c.us) / 1000.0)::float8 as "firstInMs", (max(t.eta_us - c.us) / 1000.0)::float8 as "lastInMs"
    from hand h join sluice.limit_ticket t on t.call_key = 'unit/' || h.id cross join clock c group by 2, 3
  union all
  select 'backoff', h.node, null, count(*)::int, max(h.attempts)::int, null, min(h.whose), (array_agg(h.error order by h.attempts desc))[1], min(retry_ms), max(retry_ms)
    from hand h where retry_ms > 0 group by 2
  union all
  select 'token', null, null, (select count(*)::int from hand), c.failures, null, '', c.failure, greatest(0, ms), greatest(0, ms)
    from sluice.run r join sluice.credential c on c.provider = r.provider and c.account = r.account
      cross join lateral (select (extract(epoch from c.retry_at - clock_timestamp()) * 1000)::float8 as ms) retry
    where r.id = $1 and c.failures > 0
  union all
  select 'again', h.node, null, count(*)::int, 0, max(h.reading), min(h.whose), null, 0, 0 from hand h where h.reading > 1 group by 2
  union all
  select 'gate', gate.node, b.id, 0, 0, null, '', null, 0, 0 from gate join sluice.limit_bucket b on b.key = gate.key
  order by kind, node nulls first, "firstInMs"`;

/** Gates first, the provider's before those of its endpoints; then lists by node. */
export async function readWaits(db: Queryable, runId: string): Promise<WaitRow[]> {
  const { rows } = await db.query<FoundRow>({ name: 'run_waits', text: WAITS, values: [runId] });
  const looks = await readLooks(db, [...new Set(rows.flatMap(({ bucketId }) => bucketId ?? []))]);
  const standings = new Map(looks.map((row) => [row.id, standingOf(row)]));
  const found = rows.map(({ bucketId, ...row }) => ({ ...row, limit: standings.get(bucketId ?? -1) ?? null }));
  const gates = found.flatMap((row) => (row.kind === 'gate' && row.limit ? [{ ...row, limit: row.limit }] : []));
  const shut = gates.filter(({ limit }) => SHUT.has(stateOf(limit)));
  const isShut = (node: string | null): boolean => shut.some((gate) => gate.node === null || gate.node === node);
  const lists = found.filter(({ kind, limit }) => kind !== 'gate' && (kind !== 'queue' || limit !== null));
  return [
    ...gates.filter(({ limit }) => stateOf(limit) !== 'free').map((gate) => ({ ...gate, ...timesOf(gate.limit) })),
    ...lists
      .sort((a, b) => compare(a.node, b.node) || compare(a.kind, b.kind))
      .map((row) => ({ ...row, isShut: isShut(row.node) })),
  ];
}

/** When a gate is asked next, and when all calls go again. */
function timesOf(gate: LimitStanding): Pick<WaitRow, 'firstInMs' | 'lastInMs' | 'isShut'> {
  return { firstInMs: Math.max(gate.blockedForMs, gate.probeInMs), lastInMs: gate.backInMs, isShut: false };
}

function compare(a: string | null, b: string | null): number {
  return (a ?? '') < (b ?? '') ? -1 : (a ?? '') > (b ?? '') ? 1 : 0;
}
