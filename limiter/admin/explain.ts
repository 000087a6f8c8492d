/**
 * What a call would meet if it came now: each of its limits in words, who is ahead, and when it would be served.
 */
import type { Charge } from '../../contracts/limits/limit.ts';
import { counted, inTime } from '../../contracts/limits/limit-words.ts';
import type { Pool } from '../../db/pool.ts';
import { bucketId, gateKeys, gridCost } from '../buckets/bucket-row.ts';
import { LimiterUnavailable } from '../errors.ts';
import { readLooks } from '../../db/stores/limit/look-store.ts';
import { toView, type LimitView } from './limit-view.ts';
import { EXPLAIN } from '../statements.ts';

export interface Explanation {
  /** Milliseconds until the call would be served, by today's knowledge; 0 = now. Infinity while something is paused. */
  readonly etaMs: number;
  /** The limit that decides it; undefined when the call would be served now. */
  readonly decidedBy?: string;
  /** In the order of the charges, then the gates of provider and endpoint that are shut. Limits never used are left out. */
  readonly limits: readonly ExplainedLimit[];
  /** All of it in words. */
  readonly text: string;
}

export interface ExplainedLimit extends LimitView {
  readonly etaMs: number;
  /** Calls, and accounts, that would be served before. */
  readonly ahead: number;
  readonly accountsAhead: number;
}

interface ExplainRow {
  readonly id: number;
  readonly eta_us: number;
  readonly ahead: number;
  readonly accounts_ahead: number;
}

/**
 * @param account places the call in the fair order between accounts; without it, it is a new account.
 * @throws LimiterUnavailable when the store can't be asked.
 */
export async function explain(
  pool: Pool,
  charges: readonly Charge[],
  account = '',
  endpoint?: string,
): Promise<Explanation> {
  const ids = charges.map((charge) => bucketId(charge.key));
  const gateIds = gateKeys(charges[0]?.key ?? '', endpoint).map(bucketId);
  const [looked, explained] = await Promise.all([
    readLooks(pool, [...ids, ...gateIds]),
    pool.query<ExplainRow>(EXPLAIN, [ids, charges.map((charge) => gridCost(charge.cost)), account]),
  ]).catch((error: unknown) => {
    throw new LimiterUnavailable(error);
  });
  const rowById = new Map(looked.map((row) => [row.id, row]));
  const estimateById = new Map(explained.rows.map((row) => [row.id, row]));
  const limits: ExplainedLimit[] = [];
  for (const id of [...ids, ...gateIds]) {
    const row = rowById.get(id);
    if (row === undefined || (gateIds.includes(id) && row.paused_at === null && row.blocked_in_us === 0 && !row.hold))
      continue;
    const estimate = estimateById.get(id);
    const view = toView(row);
    limits.push({
      ...view,
      etaMs:
        view.state === 'paused'
          ? Infinity
          : Math.ceil((estimate?.eta_us ?? Math.max(row.blocked_in_us, row.hold ? row.probe_in_us : 0)) / 1_000),
      ahead: estimate?.ahead ?? 0,
      accountsAhead: estimate?.accounts_ahead ?? 0,
    });
  }
  const slowest = limits.reduce<ExplainedLimit | undefined>(
    (a, b) => (a === undefined || b.etaMs > a.etaMs ? b : a),
    undefined,
  );
  const etaMs = slowest?.etaMs ?? 0;
  return {
    etaMs,
    ...(slowest === undefined || etaMs === 0 ? {} : { decidedBy: slowest.key }),
    limits,
    text: inWords(limits, etaMs),
  };
}

function inWords(limits: readonly ExplainedLimit[], etaMs: number): string {
  const lines = limits.map(
    ({ key, text, ahead, accountsAhead }) =>
      `${key}: ${text}${ahead > 0 ? `, ${counted(ahead, 'call')} of ${counted(accountsAhead, 'account')} ahead` : ''}`,
  );
  const when = etaMs === Infinity ? 'waits until it is resumed' : `would be served ${inTime(etaMs)}`;
  return [...lines, when].join('\n');
}
