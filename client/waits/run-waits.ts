/**
 * Why a run does not go faster, in words: for which limits its lists wait, which ones wait after a failed call, and whether
 * the provider itself is failing or paused. Called by `client/sync/sync-handle.ts`; the query is in `db/stores/sync/wait-store.ts`.
 */
import type { RunWait } from '../../contracts/run.ts';
import type { WaitRow } from '../../db/index.ts';

const KINDS = { queue: 'limit', backoff: 'backoff', gate: 'provider' } as const satisfies Record<
  WaitRow['kind'],
  RunWait['kind']
>;

export function toWait(row: WaitRow): RunWait {
  const isTimed = !row.isPaused && !row.isShut;
  const firstInMs = Math.max(0, Math.round(row.firstInMs));
  const lastInMs = Math.max(firstInMs, Math.round(row.lastInMs));
  return {
    kind: KINDS[row.kind],
    ...(row.node === null ? {} : { node: row.node }),
    ...(row.key === null ? {} : { limit: row.key }),
    calls: row.calls,
    ...(isTimed ? { firstInMs, lastInMs } : {}),
    text: `${row.node === null ? '' : `${row.node}: `}${what(row)}${isTimed ? when(row, firstInMs, lastInMs) : ''}`,
  };
}

function what(row: WaitRow): string {
  const because = (reason: string | null): string => (reason === null ? '' : ` (${reason})`);
  if (row.kind === 'backoff') {
    const which = row.example === '' ? '' : `, e.g. "${row.example}"`;
    return `${lists(row.calls)} after a call that failed${which}, up to ${row.attempts} attempts so far`;
  }
  const key = row.key ?? '';
  if (row.kind === 'gate') {
    const provider = key.slice(0, -2);
    if (row.isPaused) return `${provider} is paused by an operator${because(row.pausedReason)}`;
    if (row.isRecovering) return `${provider} is back after an outage; calls come back by degrees`;
    if (row.isProbing)
      return `${provider} is failing${because(row.blockedReason)}; one call at a time finds out whether it is back`;
    return `${provider} is blocked${because(row.blockedReason)}`;
  }
  return `${lists(row.calls)} for ${key}, ${standing(row)}`;
}

function standing(row: WaitRow): string {
  if (row.isPaused) return `paused by an operator${row.pausedReason === null ? '' : ` (${row.pausedReason})`}`;
  if (row.blockedInMs > 0) return `blocked by an answer${row.blockedReason === null ? '' : ` (${row.blockedReason})`}`;
  if (row.isProbing) return 'where one call at a time finds out when it accepts calls again';
  if (row.max !== null)
    return `${round(row.used ?? 0)} of ${round(row.max)} ${row.perMs === null ? 'in flight' : `used in ${round(row.perMs / 1_000)} s`}`;
  return row.ratePerSecond === null ? 'open' : `which gives ${round(row.ratePerSecond)} calls a second`;
}

function when({ kind, calls, isRecovering }: WaitRow, firstInMs: number, lastInMs: number): string {
  const first = `in ${(firstInMs / 1_000).toFixed(1)} s`;
  const last = `in ${(lastInMs / 1_000).toFixed(1)} s`;
  if (isRecovering) return `, all of them ${last}`;
  if (kind === 'gate') return `, the next ${firstInMs === 0 ? 'now' : first}`;
  return calls === 1 ? `, goes on ${first}` : `; the first goes on ${first}, the last ${last}`;
}

function lists(count: number): string {
  return count === 1 ? '1 list waits' : `${count} lists wait`;
}

function round(value: number): string {
  return String(Number(value.toPrecision(3)));
}
