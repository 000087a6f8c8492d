/**
 * How a limit stands, in words: the same for `sluice limits`, for `explain()` and for what a run waits for.
 * Used by: limiter/admin/limit-view.ts, client/waits/run-waits.ts.
 */
import { duration } from '../values/duration.ts';
import type { LimitSpec } from './limit.ts';

/**
 * `free` a call may go · `full` all of it is used · `blocked` an answer said so · `paused` by an operator · `probing` one call at a
 * time finds out when it accepts calls again · `failing` what is behind this gate fails, `recovering` it is back and calls return by
 * degrees.
 */
export type LimitState = 'free' | 'full' | 'blocked' | 'paused' | 'probing' | 'failing' | 'recovering';

/** The facts. What is not known, or says nothing of this kind of limit, is null. */
export interface LimitStanding {
  readonly key: string;
  readonly kind: LimitSpec['kind'] | 'gate';
  /** Units used in the window, or calls in flight. */
  readonly used: number | null;
  readonly max: number | null;
  /** As declared, when another one is in force. */
  readonly declaredMax: number | null;
  readonly perMs: number | null;
  /** `clock` for a window that begins at multiples of its length; `day, Europe/Berlin` for one of the calendar; else null. */
  readonly clock: string | null;
  /** Part of `used` that others took. */
  readonly usedByOthers: number;
  readonly ratePerSecond: number | null;
  readonly isOverridden: boolean;
  /** ISO times. */
  readonly pausedAt: string | null;
  readonly pausedReason: string | null;
  /** Milliseconds; 0 = it is not blocked. */
  readonly blockedForMs: number;
  readonly blockedReason: string | null;
  readonly isHeld: boolean;
  /** Milliseconds until the next probe, while it is held. */
  readonly probeInMs: number;
  /** Of a gate whose breaker is not closed. */
  readonly failingPhase: 'open' | 'recovering' | null;
  readonly failingSince: string | null;
  readonly failingReason: string | null;
  /** Of one that is recovering: milliseconds until all calls go again. */
  readonly backInMs: number;
}

export function stateOf(limit: LimitStanding): LimitState {
  if (limit.pausedAt !== null) return 'paused';
  if (limit.blockedForMs > 0) return 'blocked';
  if (limit.failingPhase !== null) return limit.failingPhase === 'open' ? 'failing' : 'recovering';
  if (limit.isHeld) return 'probing';
  return limit.max !== null && (limit.used ?? 0) + 1 > limit.max ? 'full' : 'free';
}

/** Numbers first, then what holds calls back: `97 of 100 used in 60 s, blocked for 22 h (HTTP 429)`. */
export function standingText(limit: LimitStanding): string {
  const parts = [numbersOf(limit), ...extras(limit), heldBack(limit)].filter((part) => part !== '');
  return parts.length === 0 ? 'calls flow' : parts.join(', ');
}

function numbersOf(limit: LimitStanding): string {
  const { kind, used, max, ratePerSecond } = limit;
  const numbers = max === null ? '' : `${round(used ?? 0)} of ${round(max)} ${inWhat(limit)}`;
  const rate = ratePerSecond === null ? '' : rateText(ratePerSecond);
  const listed = (...parts: readonly string[]): string => parts.filter((part) => part !== '').join(', ');
  switch (kind) {
    case 'learned':
      return listed(numbers, rate, 'learned');
    case 'bucket':
      return listed(numbers, `${rate} flow in`);
    case 'none':
      return listed('no limit is declared', rate);
    case 'gate':
      return '';
    default:
      return listed(
        numbers,
        rate === '' ? '' : `evenly at ${rate}`,
        limit.declaredMax === null ? '' : `${round(limit.declaredMax)} declared`,
      );
  }
}

function inWhat({ kind, perMs, clock }: LimitStanding): string {
  if (kind === 'inflight') return 'in flight';
  if (clock === null || perMs === null) return perMs === null ? 'used' : `used in ${duration(perMs)}`;
  return clock === 'clock' ? `used in ${duration(perMs)} by the clock` : `used this ${clock}`;
}

/** `20 a second`, `3 a minute`: the largest unit in which it is at least one. */
export function rateText(perSecond: number): string {
  if (perSecond >= 1) return `${round(perSecond)} a second`;
  if (perSecond * 60 >= 1) return `${round(perSecond * 60)} a minute`;
  return `${round(perSecond * 3_600)} an hour`;
}

function extras({ usedByOthers, isOverridden }: LimitStanding): string[] {
  return [
    usedByOthers > 0 ? `${round(usedByOthers)} of them by others` : '',
    isOverridden ? 'overridden by an operator' : '',
  ];
}

function heldBack(limit: LimitStanding): string {
  const { pausedAt, pausedReason, blockedForMs, blockedReason, probeInMs, failingSince, failingReason, backInMs } =
    limit;
  switch (stateOf(limit)) {
    case 'paused':
      return `paused by an operator since ${pausedAt}${because(pausedReason)}`;
    case 'blocked':
      return `blocked for ${duration(blockedForMs)}${because(blockedReason)}`;
    case 'failing':
      return `failing since ${failingSince}${because(failingReason)}, one call at a time, the next ${inTime(probeInMs)}`;
    case 'recovering':
      return `answering again after an outage since ${failingSince}, calls return by degrees, all of them ${inTime(backInMs)}`;
    case 'probing':
      return `one call at a time finds out when it accepts calls again, the next ${inTime(probeInMs)}`;
    case 'full':
    case 'free':
      return '';
  }
}

/** `in 22 h`, or `now`. */
export function inTime(ms: number): string {
  return ms <= 0 ? 'now' : `in ${duration(ms)}`;
}

/** `1 call`, `2 calls`. */
export function counted(count: number, what: string): string {
  return `${count} ${what}${count === 1 ? '' : 's'}`;
}

function because(reason: string | null): string {
  return reason === null || reason === '' ? '' : ` (${reason})`;
}

function round(value: number): string {
  return String(Number(value.toPrecision(value >= 100 ? 6 : 3)));
}

/** What has happened to a limit, in words: an event of its row, an operator's act, or another build of the workers. */
export function limitEventText(type: string, detail: Readonly<Record<string, unknown>>): string {
  const known = Object.entries(detail).filter(([, value]) => value !== null && value !== undefined);
  const { build, from, to, max, ratePerSecond } = detail;
  if (type === 'deploy') return `workers of build ${String(build)} begin`;
  if (type === 'learned' && typeof to === 'number')
    return `learned: ${typeof from === 'number' ? `${rateText(from)} → ` : ''}${rateText(to)}`;
  if (type === 'overridden' && typeof max !== 'number' && typeof ratePerSecond !== 'number')
    return 'override taken back';
  const rest = known.map(([name, value]) => `${name}: ${typeof value === 'string' ? value : JSON.stringify(value)}`);
  return [type, ...rest].join(', ');
}
