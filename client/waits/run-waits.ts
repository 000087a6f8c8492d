/**
 * Why a run does not go faster, in words: for which limits its lists wait, and which ones wait after a failed call.
 * Also whether its token can be renewed, and whether the provider itself, or an endpoint, is failing or paused. Called
 * by `client/sync/handle/read-run.ts`; the query is in `db/stores/run/wait-store.ts`.
 */
import { cleanText } from '../../contracts/values/clean-text.ts';
import { counted, inTime, standingText, stateOf } from '../../contracts/limits/limit-words.ts';
import type { RunWait } from '../../contracts/run.ts';
import type { WaitRow } from '../../db/index.ts';

/** In characters. */
const MOST_ERROR = 200;

const KINDS = {
  queue: 'limit',
  backoff: 'backoff',
  token: 'backoff',
  gate: 'provider',
  again: 'again',
} as const satisfies Record<WaitRow['kind'], RunWait['kind']>;

export function toWait(row: WaitRow): RunWait {
  const state = row.limit ? stateOf(row.limit) : 'free';
  const isTimed = state !== 'paused' && !row.isShut && row.kind !== 'again';
  const firstInMs = Math.max(0, Math.round(row.firstInMs));
  const lastInMs = Math.max(firstInMs, Math.round(row.lastInMs));
  return {
    kind: KINDS[row.kind],
    ...(row.node === null ? {} : { node: row.node }),
    ...(row.limit === null ? {} : { limit: row.limit.key }),
    calls: row.calls,
    ...(isTimed ? { firstInMs, lastInMs } : {}),
    text: `${row.node === null ? '' : `${row.node}: `}${what(row)}${isTimed ? when(row, firstInMs, lastInMs) : ''}`,
  };
}

function what(row: WaitRow): string {
  if (row.kind === 'gate' && row.limit) return `${row.limit.key.replace('/*', '')} is ${standingText(row.limit)}`;
  if (row.limit && row.isShut && stateOf(row.limit) === 'free') return behindGate(row.calls, row.limit);
  if (row.limit) return `${lists(row.calls)} for ${row.limit.key}, ${standingText(row.limit)}`;
  if (row.kind === 'token')
    return `its token could not be renewed (${cleanText(row.error ?? '', MOST_ERROR)}), ${counted(row.attempts, 'attempt')} so far`;
  const which = row.example === '' ? '' : `, e.g. "${row.example}"`;
  if (row.kind === 'again')
    return `${row.calls === 1 ? '1 list is' : `${row.calls} lists are`} read again (reading ${row.reading})${which}: its rows moved while it was read, some were left out, or its cursor died`;
  const why = row.error === null ? '' : ` (${cleanText(row.error, MOST_ERROR)})`;
  // A job that is being worked on, a token that is renewed.
  if (row.attempts === 0 && row.error !== null) return `${lists(row.calls)}${which}${why}`;
  return `${lists(row.calls)} after a call that failed${which}${why}, up to ${counted(row.attempts, 'attempt')} so far`;
}

/** The gate is told before them; their own limit keeps nobody waiting, and would only mislead. */
function behindGate(calls: number, limit: NonNullable<WaitRow['limit']>): string {
  const next = limit.kind === 'none' ? '' : `, and then for ${limit.key}, ${standingText(limit)}`;
  return `${lists(calls)} until calls are let through again${next}`;
}

function when({ kind, calls }: WaitRow, firstInMs: number, lastInMs: number): string {
  if (kind === 'token') return `; tried again ${inTime(firstInMs)}`;
  // A gate's own words say when.
  if (kind === 'gate') return '';
  return calls === 1
    ? `, goes on ${inTime(firstInMs)}`
    : `; the first goes on ${inTime(firstInMs)}, the last ${inTime(lastInMs)}`;
}

function lists(count: number): string {
  return count === 1 ? '1 list waits' : `${count} lists wait`;
}
