/**
 * What one process knows of one gate: how calls ended since it last told the store, and what it read there.
 * Next: `gate-store.ts` tells, `breaker.ts` asks.
 */
import type { BreakerReport, BreakerState, Caller } from './transitions.ts';

export interface Gate {
  readonly id: number;
  /** As in `social` or `social/friends`, for people. */
  readonly name: string;
  /** A provider as a whole hears which endpoints fail; an endpoint's own gate needs no name of it. */
  readonly isWhole: boolean;
  ok: number;
  failed: number;
  /** Failures since the last answer, those of them that found no connection, and their endpoints: in one process their order is known. */
  failedLast: number;
  unreachableLast: number;
  readonly endpoints: Map<string, number>;
  /** Calls whose failures since the last answer may have been their own. */
  readonly suspects: Set<string>;
  reason: string | undefined;
  timer: NodeJS.Timeout | undefined;
  tellAt: number;
  /** Callers that ask in one statement. */
  asking: Asking[];
  isBusy: boolean;
  /** What it is known to be until `heldUntil`, by `performance.now()`: nobody needs to ask the store before. */
  known: KnownGate | undefined;
  heldUntil: number;
  /** Callers sent away since the last probe. */
  sentAway: number;
}

export interface KnownGate {
  readonly state: BreakerState;
  /** By the store's clock, and by `performance.now()` then. */
  readonly atMs: number;
  readonly at: number;
}

export interface Asking {
  readonly caller: Caller;
  readonly resolve: (turn: Turn) => void;
  readonly reject: (error: unknown) => void;
}

export type Turn =
  | { readonly kind: 'go'; readonly isProbe: boolean }
  /** The breaker is not what holds the gate. */
  | { readonly kind: 'not-failing' }
  | { readonly kind: 'wait'; readonly waitMs: number; readonly detail: string };

/** How one call ended, as a gate counts it. */
export interface CallEnd {
  readonly says: 'ok' | 'failed';
  readonly callKey: string;
  readonly endpoint: string | undefined;
  readonly isUnreachable: boolean;
  /** It may lie in this call alone. */
  readonly isMaybeItsOwn: boolean;
  readonly reason: string | undefined;
}

/** So many different calls that fail are an outage long before. */
const MOST_SUSPECTS = 100;

export function newGate(id: number, name: string, isWhole: boolean): Gate {
  return {
    id,
    name,
    isWhole,
    ok: 0,
    failed: 0,
    failedLast: 0,
    unreachableLast: 0,
    endpoints: new Map(),
    suspects: new Set(),
    reason: undefined,
    timer: undefined,
    tellAt: Infinity,
    asking: [],
    isBusy: false,
    known: undefined,
    heldUntil: 0,
    sentAway: 0,
  };
}

/** Counts a call. @returns false when it says nothing new: a call that failed before and may be the only one that does. */
export function countEnd(gate: Gate, end: CallEnd): boolean {
  if (end.says === 'ok') {
    gate.ok++;
    gate.failedLast = 0;
    gate.unreachableLast = 0;
    gate.endpoints.clear();
    gate.suspects.clear();
    return true;
  }
  gate.reason = end.reason ?? gate.reason;
  if (end.isMaybeItsOwn) {
    if (gate.suspects.has(end.callKey)) return false;
    if (gate.suspects.size < MOST_SUSPECTS) gate.suspects.add(end.callKey);
  }
  gate.failed++;
  gate.failedLast++;
  if (end.isUnreachable) gate.unreachableLast++;
  if (gate.isWhole && end.endpoint !== undefined)
    gate.endpoints.set(end.endpoint, (gate.endpoints.get(end.endpoint) ?? 0) + 1);
  return true;
}

/** What was counted, to be told; from here on it is counted anew. */
export function takeCounts(gate: Gate): BreakerReport {
  const { ok, failed, failedLast, unreachableLast, endpoints, reason } = gate;
  const report = {
    ok,
    failed,
    failedLast,
    unreachableLast,
    ...(endpoints.size === 0 ? {} : { endpoints: Object.fromEntries(endpoints) }),
    ...(reason === undefined ? {} : { reason }),
  };
  Object.assign(gate, { ok: 0, failed: 0, failedLast: 0, unreachableLast: 0, reason: undefined });
  gate.endpoints.clear();
  return report;
}

/** Counts what could not be told again. */
export function putBack(gate: Gate, report: BreakerReport): void {
  if (gate.ok === 0) {
    gate.failedLast += report.failedLast ?? 0;
    gate.unreachableLast += report.unreachableLast ?? 0;
    for (const [endpoint, count] of Object.entries(report.endpoints ?? {}))
      gate.endpoints.set(endpoint, (gate.endpoints.get(endpoint) ?? 0) + count);
  }
  gate.ok += report.ok;
  gate.failed += report.failed;
  gate.reason ??= report.reason;
}
