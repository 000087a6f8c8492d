/**
 * The operator's hand on the limits: list, show, pause, resume, override, forget. Also behind `npx sluice limits`.
 */
import { checkLimit } from '../../contracts/values/list-page.ts';
import { cleanText } from '../../contracts/values/clean-text.ts';
import type { LimitSpec } from '../../contracts/limits/limit.ts';
import type { HistorySpan, LimitHistory } from '../../contracts/limits/limit-history.ts';
import type { Pool } from '../../db/pool.ts';
import { readLimitHistory } from '../../db/stores/limit/limit-history-store.ts';
import { readLooks } from '../../db/stores/limit/look-store.ts';
import { bucketId } from '../buckets/bucket-row.ts';
import { keyText } from '../buckets/key-text.ts';
import { LimiterUnavailable } from '../errors.ts';
import type { LookRow } from '../../db/stores/limit/look-store.ts';
import { toView, type LimitView } from './limit-view.ts';
import { COUNT, EVENTS, FIND, FORGET, OVERRIDE, PAUSE, RESUME, TICKETS } from '../statements.ts';

export interface ListFilter {
  /** Keys that begin with this, e.g. `github/`. */
  readonly prefix?: string;
  readonly kind?: LimitSpec['kind'];
  readonly state?: 'paused' | 'blocked' | 'waiting';
  /** The key of the last one seen: goes on behind it. */
  readonly after?: string;
  /** At most this many, by key. Default 100. Of keys that are waited for, the first 1,000 are looked at. */
  readonly limit?: number;
}

export interface LimitDetails extends LimitView {
  /** What happened to it, latest first. */
  readonly events: readonly {
    readonly at: string;
    readonly type: string;
    readonly detail: Readonly<Record<string, unknown>>;
  }[];
  /** The first calls that wait, in order. */
  readonly queue: readonly {
    readonly callKey: string;
    readonly account: string;
    readonly cost: number;
    readonly etaMs: number;
    readonly bounces: number;
  }[];
  /** The learned rate over time, oldest first; empty for other limits. */
  readonly rateHistory: readonly { readonly at: string; readonly ratePerSecond: number }[];
}

export interface Operations {
  list(filter?: ListFilter): Promise<LimitView[]>;
  /** How many match; counted up to 10,000, what is more is 10,001. Of keys that are waited for, the first 1,000 are looked at. */
  count(filter?: Omit<ListFilter, 'after' | 'limit'>): Promise<number>;
  /** Undefined when the key was never used. */
  show(key: string): Promise<LimitDetails | undefined>;
  /**
   * Calls, refusals, use and limits of a key over time, with what happened to it: overrides, pauses, what was learned, other builds of the
   * workers. Each slot has the 1,000 keys that say most; of other keys there are gaps.
   */
  history(key: string, span?: HistorySpan): Promise<LimitHistory>;
  /**
   * Nobody gets a permit any more; calls that wait keep their places. `provider/*` stops a provider, `provider/limit/*`
   * one limit of all its scopes, also those that turn up later.
   * @returns how many keys it holds for.
   */
  pause(keyOrPrefix: string, reason: string): Promise<number>;
  /** Ends a pause, and frees what an answer had blocked. @returns how many keys it changed. */
  resume(keyOrPrefix: string): Promise<number>;
  /**
   * Puts other numbers in force until they are taken back with `{}`, or for `forMs` milliseconds. A worker takes them
   * back within a minute after it. 0 stops all calls.
   * @returns false when the key was never used.
   * @throws TypeError for a number that a limit of its kind does not have: a gate has none, a bucket and a learned rate no `max`.
   */
  override(
    key: string,
    numbers: { readonly max?: number; readonly ratePerSecond?: number; readonly forMs?: number },
  ): Promise<boolean>;
  /**
   * Forgets what the key used and learned, and who waits for it. A window that is in use may be exceeded after it.
   * @returns false when the key was never used.
   * @throws TypeError for what stands for several keys (`provider/*`): windows of others would be exceeded with it.
   */
  forget(key: string): Promise<boolean>;
}

const LONGEST_REASON = 300;
const MOST_COUNTED = 10_000;
const EVENTS_SHOWN = 200;
const TICKETS_SHOWN = 50;

/** All of these throw LimiterUnavailable when the store can't be asked. */
export function createOperations(pool: Pool): Operations {
  return {
    async list({ prefix, kind, state, after, limit = 100 } = {}) {
      checkLimit(limit);
      const found = await ask<{ id: number }>(FIND(state ?? 'all'), [
        prefix === undefined ? null : keyText(prefix),
        kind ?? null,
        after === undefined ? null : keyText(after),
        limit,
      ]);
      return (await look(found.map((row) => row.id))).map(toView);
    },
    async count({ prefix, kind, state } = {}) {
      const values = [prefix === undefined ? null : keyText(prefix), kind ?? null, null, MOST_COUNTED + 1];
      return (await ask<{ keys: number }>(COUNT(state ?? 'all'), values))[0]!.keys;
    },
    async show(anyKey) {
      const key = keyText(anyKey);
      const [rows, events, tickets] = await Promise.all([
        look([bucketId(key)]),
        ask<EventRow>(EVENTS, [key, EVENTS_SHOWN]),
        ask<TicketRow>(TICKETS, [key, TICKETS_SHOWN]),
      ]);
      const row = rows[0];
      return row === undefined ? undefined : details(row, events, tickets);
    },
    async history(anyKey, span = 'hour') {
      const key = keyText(anyKey);
      try {
        return await readLimitHistory(pool, { id: bucketId(key), key }, span);
      } catch (error) {
        if (error instanceof TypeError) throw error; // a span that there is not
        throw new LimiterUnavailable(error);
      }
    },
    async pause(keyOrPrefix, reason) {
      const pattern = keyText(keyOrPrefix);
      return (await ask<{ keys: number }>(PAUSE, [pattern, bucketId(pattern), cleanText(reason, LONGEST_REASON)]))[0]!
        .keys;
    },
    async resume(keyOrPrefix) {
      return (await ask<{ keys: number }>(RESUME, [keyText(keyOrPrefix)]))[0]!.keys;
    },
    async override(anyKey, { max, ratePerSecond, forMs }) {
      const key = keyText(anyKey);
      for (const value of [max, ratePerSecond, forMs]) {
        if (value !== undefined && !(value >= 0))
          throw new TypeError(`An override must be a number ≥ 0, but is ${value}`);
      }
      const [row] = await look([bucketId(key)]);
      if (row) checkNumbers(row, { max, ratePerSecond });
      const values = [key, max ?? null, ratePerSecond ?? null, forMs ?? null];
      return (await ask<{ found: boolean }>(OVERRIDE, values))[0]!.found;
    },
    async forget(anyKey) {
      const key = keyText(anyKey);
      if (key.endsWith('/*'))
        throw new TypeError(
          `"${key}" stands for several keys, and one is forgotten at a time: those that begin with "${key.slice(0, -1)}".`,
        );
      return (await ask<{ found: boolean }>(FORGET, [key]))[0]!.found;
    },
  };

  async function look(ids: readonly number[]): Promise<LookRow[]> {
    try {
      return await readLooks(pool, ids);
    } catch (error) {
      throw new LimiterUnavailable(error);
    }
  }

  async function ask<Row extends object>(text: string, values: unknown[]): Promise<Row[]> {
    try {
      return (await pool.query<Row>(text, values)).rows;
    } catch (error) {
      throw new LimiterUnavailable(error);
    }
  }
}

/** A number that its kind does not have would be kept, and do nothing. */
function checkNumbers(
  { key, kind, max: has }: LookRow,
  given: { max?: number | undefined; ratePerSecond?: number | undefined },
): void {
  if (given.max === undefined && given.ratePerSecond === undefined) return;
  if (kind === 'gate')
    throw new TypeError(
      `"${key}" is a gate, and has no numbers: pause it to stop its calls, or override keys of its limits.`,
    );
  if (given.max !== undefined && (has === null || kind === 'bucket'))
    throw new TypeError(
      `"${key}" has no \`max\`, but calls a second: override \`ratePerSecond\` (--rate), 0 to stop all calls.`,
    );
}

interface EventRow {
  readonly at: Date;
  readonly type: string;
  readonly detail: Readonly<Record<string, unknown>>;
}

interface TicketRow {
  readonly call_key: string;
  readonly account: string;
  readonly cost: number;
  readonly eta_ms: number;
  readonly bounces: number;
}

function details(row: LookRow, events: readonly EventRow[], tickets: readonly TicketRow[]): LimitDetails {
  return {
    ...toView(row),
    events: events.map(({ at, type, detail }) => ({ at: at.toISOString(), type, detail })),
    queue: tickets.map((ticket) => ({
      callKey: ticket.call_key,
      account: ticket.account,
      cost: ticket.cost,
      etaMs: Math.max(0, Math.ceil(ticket.eta_ms)),
      bounces: ticket.bounces,
    })),
    rateHistory: events
      .filter(({ type, detail }) => type === 'learned' && typeof detail['to'] === 'number')
      .map(({ at, detail }) => ({ at: at.toISOString(), ratePerSecond: detail['to'] as number }))
      .toReversed(),
  };
}
