/**
 * Buckets as people see them. Next: `explain.ts` says what they mean for one call, `operations.ts` changes them.
 */
import type { LimitSpec } from '../../contracts/limits/limit.ts';
import { counted, standingText, stateOf, type LimitState } from '../../contracts/limits/limit-words.ts';
import { standingOf, type LookRow } from '../../db/stores/limit/look-store.ts';

/** One limit of one scope value, as it stands now. */
export interface LimitView {
  readonly key: string;
  readonly kind: LimitSpec['kind'] | 'gate';
  readonly state: LimitState;
  /** Units used in the window, or calls in flight. */
  readonly used?: number;
  /** The limit in force, after reserve, override and what the third party says. */
  readonly max?: number;
  /** The limit as declared, after reserve, when another one is in force. */
  readonly declaredMax?: number;
  readonly perMs?: number;
  /** Part of `used` that others took, as the third party's headers say. */
  readonly usedByOthers?: number;
  /** Calls per second that are given out now. */
  readonly ratePerSecond?: number;
  readonly isOverridden: boolean;
  /** ISO time at which an override ends by itself. */
  readonly overriddenUntil?: string;
  /** Milliseconds until a blocked key is free, or until the next probe. */
  readonly untilMs?: number;
  /** While an answer blocks it: since when, until when and why. ISO times. */
  readonly blockedAt?: string;
  readonly blockedUntil?: string;
  readonly blockedReason?: string;
  /** While what is behind a gate fails, or recovers: since when and why. */
  readonly failingSince?: string;
  readonly failingReason?: string;
  /** While an operator holds it. */
  readonly pausedAt?: string;
  readonly pausedReason?: string;
  /** Calls that wait for this limit, and of how many accounts. */
  readonly waiting: number;
  readonly accountsWaiting: number;
  /** In words, e.g. `97 of 100 used in 60 s, 2 calls of 1 account wait`. */
  readonly text: string;
}

export function toView(row: LookRow): LimitView {
  const standing = standingOf(row);
  const state = stateOf(standing);
  const untilMs =
    state === 'blocked'
      ? standing.blockedForMs
      : state === 'probing' || state === 'failing'
        ? standing.probeInMs
        : undefined;
  return {
    key: row.key,
    kind: row.kind,
    state,
    ...(row.max === null ? {} : { used: row.used, max: row.max }),
    ...(standing.declaredMax === null ? {} : { declaredMax: standing.declaredMax }),
    ...(standing.perMs === null ? {} : { perMs: standing.perMs }),
    ...(row.foreign_used > 0 ? { usedByOthers: row.foreign_used } : {}),
    ...(row.rate === null ? {} : { ratePerSecond: row.rate }),
    isOverridden: standing.isOverridden,
    ...optional('overriddenUntil', row.override_until?.toISOString() ?? null),
    ...(untilMs === undefined ? {} : { untilMs: Math.ceil(untilMs) }),
    ...(state === 'blocked' ? blockOf(row) : {}),
    ...optional('failingSince', standing.failingSince),
    ...optional('failingReason', standing.failingReason),
    ...optional('pausedAt', standing.pausedAt),
    ...(standing.pausedAt === null ? {} : optional('pausedReason', row.paused_reason)),
    waiting: row.waiting,
    accountsWaiting: row.accounts_waiting,
    text: [standingText(standing), ...waitingText(row)].join(', '),
  };
}

function blockOf(row: LookRow): Pick<LimitView, 'blockedAt' | 'blockedUntil' | 'blockedReason'> {
  return {
    ...optional('blockedAt', row.blocked_at?.toISOString() ?? null),
    blockedUntil: row.blocked_until.toISOString(),
    ...optional('blockedReason', row.blocked_reason),
  };
}

function waitingText({ waiting, accounts_waiting }: LookRow): string[] {
  if (waiting === 0) return [];
  return [`${counted(waiting, 'call')} of ${counted(accounts_waiting, 'account')} ${waiting === 1 ? 'waits' : 'wait'}`];
}

function optional<K extends string>(name: K, value: string | null): Partial<Record<K, string>> {
  return value === null ? {} : ({ [name]: value } as Record<K, string>);
}
