/**
 * The user's functions, called so that what they throw is told as theirs: it costs a real attempt and, when the budget is
 * spent, fails its list with the reason. A fix that is deployed meanwhile takes effect at the next attempt.
 * Next: `attempt.ts` counts it.
 */
import { redact } from '../../contracts/secrets/redact.ts';
import { cleanText } from '../../contracts/values/clean-text.ts';
import { issuesOf, issuesText } from '../bodies/parse-body.ts';
import type { Asked } from './attempt.ts';

export class UserCodeError extends Error {
  /** Calls that were made before it threw. */
  readonly calls: 0 | 1;
  constructor(what: string, cause: unknown, calls: 0 | 1) {
    super(`${what} ${saidBy(cause)}`, { cause });
    this.name = 'UserCodeError';
    this.calls = calls;
  }
}

/** What a schema throws is JSON of many lines. */
function saidBy(cause: unknown): string {
  if (cause instanceof Error && 'issues' in cause) return `does not fit: ${issuesText(issuesOf(cause), undefined)}`;
  const { name, message } = cause instanceof Error ? cause : { name: 'value', message: String(cause) };
  return `threw ${name}: ${cleanText(message, 300)}`;
}

/** @throws UserCodeError with what `run` threw. */
export function userCode<Result>(what: string, run: () => Result, calls: 0 | 1 = 0): Result {
  try {
    return run();
  } catch (error) {
    throw new UserCodeError(what, error, calls);
  }
}

/** Says where it was thrown, for who mends it: an error has no fields of its own to be logged. */
export function logThrown({ deps, sync, request }: Asked, cause: unknown, message: string): void {
  const frames = cause instanceof Error ? (cause.stack?.match(/^ +at .*$/gm) ?? []) : [];
  deps.log.error(
    { sync: sync.name, node: request.node, unit: request.unit, stack: redact(frames.join('\n')) },
    redact(message),
  );
}
