/**
 * How long the body of a refusal says to wait, by fields whose names say so: `RetryInfo` of Google (`retryDelay: "12s"`), `retry_after` of
 * Telegram and Discord, `retry_after_ms` of Matrix, `retry_in_seconds` of monday.com. Pure. Used by: `providers/rules/told-limit.ts`,
 * `activities/http/to-observation.ts`.
 * @see https://github.com/googleapis/googleapis/blob/master/google/rpc/error_details.proto
 * @see https://core.telegram.org/bots/api#responseparameters
 */
import { retryAfterMs } from '../values/reset-time.ts';
import type { Answer } from './answer.ts';
import { jsonOf } from './answer-json.ts';

/** Errors are short; rows beside them tell nothing of waits. */
const LONGEST_TEXT = 20_000;
const DEEPEST = 6;
const NAME = /^retry[_-]?(after|in|delay)[_-]?(ms|millis|milliseconds|s|secs?|seconds)?$/i;
/** `12s`, `1.5s`: durations of protobuf, and of others. */
const DURATION = /^\d+(?:\.\d+)?s$/;

/** @returns milliseconds; undefined where nothing is told. Of several the longest. */
export function waitInBody(answer: Answer): number | undefined {
  if (answer.text.length > LONGEST_TEXT) return undefined;
  const json = jsonOf(answer);
  const waits = json.ok ? waitsIn(json.value, DEEPEST) : [];
  return waits.length === 0 ? undefined : Math.max(...waits);
}

function waitsIn(value: unknown, depth: number): number[] {
  if (typeof value !== 'object' || value === null || depth === 0) return [];
  return Object.entries(value).flatMap(([name, each]) => {
    const ms = waitOf(name, each);
    return ms === undefined ? waitsIn(each, depth - 1) : [ms];
  });
}

/** A number without a unit is in seconds, as `Retry-After` is. Where other names have none, nobody knows. */
function waitOf(name: string, value: unknown): number | undefined {
  const [, of, unit] = NAME.exec(name) ?? [];
  if (of === undefined || (typeof value !== 'number' && typeof value !== 'string')) return undefined;
  const text = String(value).trim();
  if (unit === undefined && of.toLowerCase() !== 'after' && !DURATION.test(text)) return undefined;
  const ms = unit?.toLowerCase().startsWith('m') === true ? Number(text) : retryAfterMs(text, Date.now());
  return ms !== undefined && ms > 0 && Number.isFinite(ms) ? ms : undefined;
}
