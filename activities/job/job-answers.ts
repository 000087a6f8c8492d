/**
 * What a provider's functions have read out of the answers of a job, held against what it must be. Used by: `prepare-job.ts`.
 */
import { cleanText } from '../../contracts/values/clean-text.ts';
import { parseQuotaHeaders } from '../../limiter/index.ts';
import type { JobState } from '../../providers/define/job-options.ts';

export function toldWait(headers: Readonly<Record<string, string>>): number | undefined {
  return parseQuotaHeaders(headers, Date.now()).retryAfterMs;
}

/** @throws TypeError for an id that can't be kept as it is. */
export function idOf(found: unknown): string | undefined {
  const id = typeof found === 'number' && Number.isSafeInteger(found) ? String(found) : found;
  if (id === undefined || id === null || id === '') return undefined;
  if (typeof id !== 'string' || /[\0\ufffd]/.test(id) || !id.isWellFormed())
    throw new TypeError(
      `it gave ${cleanText(JSON.stringify(id) ?? '', 60)} (${typeof id}); it must be a text, or a whole number that is exact`,
    );
  return id;
}

/** @throws TypeError for what is no state. */
export function stateIn(state: JobState): JobState {
  const { state: name } = (state as JobState | undefined) ?? {};
  if (!name || !['running', 'done', 'failed', 'expired'].includes(name))
    throw new TypeError(
      `it gave ${JSON.stringify(state)?.slice(0, 60)}; it must be { state: "running" | "done" | "failed" | "expired" }`,
    );
  if (state.state === 'done' && state.results !== undefined && !isTexts(state.results))
    throw new TypeError('its `results` must be a list of texts');
  if (
    state.state === 'done' &&
    state.rows !== undefined &&
    state.rows !== null &&
    !(Number.isSafeInteger(state.rows) && state.rows >= 0)
  )
    throw new TypeError(
      `its \`rows\` is ${String(state.rows).slice(0, 60)}; it must be a whole number of rows, or null`,
    );
  return state;
}

function isTexts(results: unknown): boolean {
  return Array.isArray(results) && results.every((result) => typeof result === 'string' && result !== '');
}
