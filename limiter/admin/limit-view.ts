/**
 * Buckets as people see them. Next stop: `explain.ts` says what they mean for one call, `operations.ts` changes them.
 */
import type { LimitSpec } from '../../contracts/limit.ts';

/** One limit of one scope value, as it stands now. */
export interface LimitView {
  readonly key: string;
  readonly kind: LimitSpec['kind'] | 'gate';
  readonly state: 'open' | 'blocked' | 'paused' | 'probing';
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
  /** Milliseconds until a blocked key is free, or until the next probe. */
  readonly untilMs?: number;
  readonly blockedAt?: string;
  /** When a blocked key is free again. */
  readonly blockedUntil?: string;
  readonly reason?: string;
  readonly pausedAt?: string;
  /** Calls that wait for this limit, and of how many accounts. */
  readonly waiting: number;
  readonly accountsWaiting: number;
  /** In words, e.g. `97 of 100 used in 60 s`. */
  readonly text: string;
}

/** A row of `sluice.limit_look`. */
export interface LookRow {
  readonly id: number;
  readonly key: string;
  readonly kind: LimitView['kind'];
  readonly used: number;
  readonly max: number | null;
  readonly declared_max: number | null;
  readonly win_us: number;
  readonly rate: number | null;
  readonly hold: boolean;
  readonly probe_in_us: number;
  readonly override_max: number | null;
  readonly override_rate: number | null;
  readonly foreign_used: number;
  readonly blocked_in_us: number;
  readonly blocked_at: Date | null;
  readonly blocked_until: Date;
  readonly blocked_reason: string | null;
  readonly paused_at: Date | null;
  readonly paused_reason: string | null;
  readonly waiting: number;
  readonly accounts_waiting: number;
  readonly first_free_us: number;
}

export function toView(row: LookRow): LimitView {
  const state = stateOf(row);
  const untilUs = state === 'blocked' ? row.blocked_in_us : state === 'probing' ? row.probe_in_us : undefined;
  const isFailing = state === 'probing' && row.kind === 'gate';
  const reason = state === 'paused' ? row.paused_reason : state === 'blocked' || isFailing ? row.blocked_reason : null;
  return {
    key: row.key,
    kind: row.kind,
    state,
    ...(row.max === null ? {} : { used: row.used, max: row.max }),
    ...(row.max === null || row.max === row.declared_max || row.declared_max === null
      ? {}
      : { declaredMax: row.declared_max }),
    ...(row.max === null || row.kind === 'inflight' ? {} : { perMs: row.win_us / 1_000 }),
    ...(row.foreign_used > 0 ? { usedByOthers: row.foreign_used } : {}),
    ...(row.rate === null ? {} : { ratePerSecond: row.rate }),
    isOverridden: row.override_max !== null || row.override_rate !== null,
    ...(untilUs === undefined ? {} : { untilMs: Math.ceil(untilUs / 1_000) }),
    ...((state === 'blocked' || isFailing) && row.blocked_at !== null
      ? { blockedAt: row.blocked_at.toISOString() }
      : {}),
    ...(state === 'blocked' ? { blockedUntil: row.blocked_until.toISOString() } : {}),
    ...(row.paused_at === null ? {} : { pausedAt: row.paused_at.toISOString() }),
    ...(reason === null ? {} : { reason }),
    waiting: row.waiting,
    accountsWaiting: row.accounts_waiting,
    text: describe(row, state),
  };
}

function stateOf(row: LookRow): LimitView['state'] {
  if (row.paused_at !== null) return 'paused';
  if (row.blocked_in_us > 0) return 'blocked';
  return row.hold ? 'probing' : 'open';
}

function describe(row: LookRow, state: LimitView['state']): string {
  const parts: string[] = [];
  if (row.max !== null) {
    const where = row.kind === 'inflight' ? 'in flight' : `used in ${seconds(row.win_us)}`;
    parts.push(`${round(row.used)} of ${round(row.max)} ${where}`);
  }
  if (row.rate !== null) parts.push(`${round(row.rate)} a second`);
  if (row.foreign_used > 0) parts.push(`${round(row.foreign_used)} of them by others`);
  if (row.override_max !== null || row.override_rate !== null) parts.push('overridden by an operator');
  const because = (reason: string | null) => (reason === null ? '' : ` (${reason})`);
  if (state === 'paused') parts.push(`paused since ${row.paused_at!.toISOString()}${because(row.paused_reason)}`);
  if (state === 'blocked') {
    const since = row.blocked_at === null ? '' : ` at ${row.blocked_at.toISOString()}`;
    parts.push(`blocked${since}${because(row.blocked_reason)} for another ${seconds(row.blocked_in_us)}`);
  }
  if (state === 'probing' && row.kind === 'gate')
    parts.push(`failing since ${row.blocked_at?.toISOString() ?? 'a moment ago'}${because(row.blocked_reason)}`);
  if (state === 'probing') parts.push(`one call at a time, the next in ${seconds(row.probe_in_us)}`);
  if (row.waiting > 0) parts.push(`${row.waiting} calls of ${row.accounts_waiting} accounts wait`);
  return parts.length === 0 ? 'open' : parts.join(', ');
}

function seconds(us: number): string {
  return `${round(us / 1e6)} s`;
}

function round(value: number): string {
  return String(Number(value.toPrecision(value >= 100 ? 6 : 3)));
}
