/**
 * Knows which rows exist: makes them on first use, and brings them up to date when a limit's declaration changed.
 * Next: `limiter/acquire/acquire.ts`.
 */
import { specMistakes } from '../../contracts/limits/limit-mistakes.ts';
import type { Charge, LimitSpec } from '../../contracts/limits/limit.ts';
import { isDataError } from '../../db/data-error.ts';
import type { Pool } from '../../db/pool.ts';
import type { CallGate } from '../types.ts';
import { bucketId, bucketRow, gateKeys } from './bucket-row.ts';
import { LimiterUnavailable } from '../errors.ts';
import { CONFIGURE } from '../statements.ts';

export interface Buckets {
  /** Ids of the charges' rows and of their gates. New keys, and keys whose declaration changed, are written first. */
  readonly prepare: (
    charges: readonly Charge[],
    endpoint: string | undefined,
  ) => PreparedBuckets | Promise<PreparedBuckets>;
  /** Makes known keys' rows again, after they were forgotten. */
  readonly configure: (ids: readonly number[]) => Promise<void>;
  /** The id of a key's row: a hash, which is remembered for keys in use. */
  readonly idOf: (key: string) => number;
}

export interface PreparedBuckets {
  readonly ids: readonly number[];
  /** The provider's first. */
  readonly gates: readonly CallGate[];
}

interface KnownKey {
  readonly id: number;
  readonly key: string;
  readonly limit: LimitSpec | undefined;
}

// Keys remembered per process; beyond that the oldest ones are written again on their next use. About 300 bytes each.
const MOST_KNOWN = 100_000;

export function createBuckets(pool: Pool): Buckets {
  const byKey = new Map<string, KnownKey>();
  const byId = new Map<number, KnownKey>();
  // Calls that need the same new rows wait for the same statement.
  let writing: Promise<readonly string[]> | undefined;
  let toWrite = new Map<string, KnownKey>();

  const idOf = (key: string): number => byKey.get(key)?.id ?? bucketId(key);
  return { prepare, configure, idOf };

  function prepare(
    charges: readonly Charge[],
    endpoint: string | undefined,
  ): PreparedBuckets | Promise<PreparedBuckets> {
    const unknown: KnownKey[] = [];
    const prepared = {
      ids: charges.map(({ key, limit }) => knownAs(key, limit, unknown).id),
      gates: gateKeys(charges[0]?.key ?? '', endpoint).map((key) => knownAs(key, undefined, unknown)),
    };
    return unknown.length === 0 ? prepared : write(unknown).then(() => prepared);
  }

  /** @param unknown gets those that are not written as they are now. */
  function knownAs(key: string, limit: LimitSpec | undefined, unknown: KnownKey[]): KnownKey {
    const known = byKey.get(key);
    if (known !== undefined && isSame(known.limit, limit)) return known;
    const mistakes = limit === undefined ? [] : specMistakes(limit);
    if (mistakes.length > 0) throw new TypeError(`${key}: ${mistakes.join('; ')}`);
    const entry = { id: idOf(key), key, limit };
    unknown.push(entry);
    return entry;
  }

  async function configure(ids: readonly number[]): Promise<void> {
    const keys = ids.map((id) => byId.get(id)).filter((known) => known !== undefined);
    for (const { key } of keys) byKey.delete(key);
    if (keys.length > 0) await write(keys);
  }

  async function write(keys: readonly KnownKey[]): Promise<void> {
    for (const known of keys) toWrite.set(known.key, known);
    await turn();
    // Whoever waited longest writes for all that have come meanwhile.
    const batch = [...toWrite.values()].filter((known) => !isWritten(known));
    toWrite = new Map();
    if (batch.length > 0) {
      writing = send(batch).finally(() => (writing = undefined));
      const refused = await writing;
      const bad = keys.find(({ key }) => refused.includes(key));
      if (bad) throw new TypeError(`The limiter's store can't hold ${bad.key} with ${JSON.stringify(bad.limit)}`);
    }
    if (!keys.every(isWritten)) await write(keys);
  }

  async function turn(): Promise<void> {
    const before = writing;
    if (before === undefined) return;
    await before.catch(() => {});
    await turn();
  }

  function isWritten({ key, limit }: KnownKey): boolean {
    const written = byKey.get(key);
    return written !== undefined && isSame(written.limit, limit);
  }

  /** @returns the keys that the store can't hold: they must not keep the others from being written. */
  async function send(keys: readonly KnownKey[]): Promise<readonly string[]> {
    const rows = keys.map((known) => bucketRow(known.key, known.limit));
    try {
      await pool.query({ name: 'sluice-limit-configure', text: CONFIGURE, values: [JSON.stringify(rows)] });
    } catch (error) {
      if (!isDataError(error)) throw new LimiterUnavailable(error);
      if (keys.length === 1) return [keys[0]!.key];
      const refused: string[] = [];
      for (const known of keys) refused.push(...(await send([known])));
      return refused;
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
    return [];
  }
}

/** Asked for each bucket of each call: a caller may state its limits anew each time. All fields of a limit are plain values. */
function isSame(a: LimitSpec | undefined, b: LimitSpec | undefined): boolean {
  if (!a || !b || a === b) return a === b;
  const some: Readonly<Record<string, unknown>> = Object(a);
  const others: Readonly<Record<string, unknown>> = Object(b);
  const isEqual = (name: string): boolean => some[name] === others[name];
  // What is undefined in one may be left out in the other.
  return Object.keys(some).every(isEqual) && Object.keys(others).every(isEqual);
}
