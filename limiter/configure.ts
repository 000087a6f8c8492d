/**
 * Knows which rows exist: makes them on first use, and brings them up to date when a limit's declaration changed.
 * Next stop: `acquire.ts`.
 */
import type { Charge, LimitSpec } from '../contracts/limit.ts';
import type { Pool } from '../db/pool.ts';
import { bucketId, bucketRow, gateKey } from './bucket.ts';
import { LimiterUnavailable } from './errors.ts';
import { CONFIGURE } from './statements.ts';

export interface Buckets {
  /** Ids of the charges' rows and of their gate. New keys, and keys whose declaration changed, are written first. */
  readonly prepare: (charges: readonly Charge[]) => PreparedBuckets | Promise<PreparedBuckets>;
  /** Makes known keys' rows again, after they were forgotten. */
  readonly configure: (ids: readonly number[]) => Promise<void>;
  readonly find: (id: number) => KnownKey | undefined;
}

export interface PreparedBuckets {
  readonly ids: readonly number[];
  readonly gateId: number;
  readonly provider: string;
}

export interface KnownKey {
  readonly id: number;
  readonly key: string;
  readonly limit: LimitSpec | undefined;
}

// Keys remembered per process; the longest unused ones are looked up again. About 300 bytes each.
const MOST_KNOWN = 100_000;

export function createBuckets(pool: Pool): Buckets {
  const byKey = new Map<string, KnownKey>();
  const byId = new Map<number, KnownKey>();

  return { prepare, configure, find: (id) => byId.get(id) };

  function prepare(charges: readonly Charge[]): PreparedBuckets | Promise<PreparedBuckets> {
    const first = charges[0];
    const gate = gateKey(first?.key ?? '');
    const unknown: KnownKey[] = [];
    const note = (key: string, limit: LimitSpec | undefined): number => {
      const known = byKey.get(key);
      if (known !== undefined && (known.limit === limit || isSame(known.limit, limit))) return known.id;
      const entry = { id: bucketId(key), key, limit };
      unknown.push(entry);
      return entry.id;
    };
    const prepared = {
      ids: charges.map((charge) => note(charge.key, charge.limit)),
      gateId: note(gate, undefined),
      provider: gate,
    };
    return unknown.length === 0 ? prepared : write(unknown).then(() => prepared);
  }

  async function configure(ids: readonly number[]): Promise<void> {
    const keys = ids.map((id) => byId.get(id)).filter((known) => known !== undefined);
    if (keys.length > 0) await write(keys);
  }

  async function write(keys: readonly KnownKey[]): Promise<void> {
    const rows = keys.map((known) => bucketRow(known.key, known.limit));
    try {
      await pool.query({ name: 'sluice-limit-configure', text: CONFIGURE, values: [JSON.stringify(rows)] });
    } catch (error) {
      throw new LimiterUnavailable(error);
    }
    for (const known of keys) {
      byKey.delete(known.key);
      byKey.set(known.key, known);
      byId.set(known.id, known);
    }
    for (const [key, known] of byKey) {
      if (byKey.size <= MOST_KNOWN) break;
      byKey.delete(key);
      byId.delete(known.id);
    }
  }
}

function isSame(a: LimitSpec | undefined, b: LimitSpec | undefined): boolean {
  return JSON.stringify(a) === JSON.stringify(b);
}
