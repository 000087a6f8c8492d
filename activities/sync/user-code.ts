/**
 * The user's functions, called so that what they throw is told as theirs. It costs a real attempt and, when the budget
 * is spent, fails its list with the reason. A fix that is deployed meanwhile takes effect at the next attempt.
 * Next: `attempt.ts` counts it.
 */
import { redact } from '../../contracts/secrets/redact.ts';
import { isPromise } from '../../contracts/answers/unwritable.ts';
import type { RequestSpec } from '../../contracts/answers/answer.ts';
import { cleanText } from '../../contracts/values/clean-text.ts';
import { issuesOf, issuesText } from '../bodies/parse-body.ts';
import { framesOf, thrown } from '../call/thrown.ts';
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
  const { name, message } = thrown(cause);
  return `threw ${name}: ${cleanText(message, 300)}`;
}

/** @throws UserCodeError with what `run` threw; also when it gives a promise, for nobody waits for it. */
export function userCode<Result>(what: string, run: () => Result, calls: 0 | 1 = 0): Result {
  try {
    return atOnce(run());
  } catch (error) {
    throw new UserCodeError(what, error, calls);
  }
}

/** A request that the user's code makes. @throws UserCodeError also when it is none. */
export function requestBy(what: string, make: () => RequestSpec): RequestSpec {
  return userCode(what, () => {
    const made: Partial<RequestSpec> | null | undefined = atOnce(make());
    if (typeof made?.path === 'string' && typeof made.method === 'string') return made as RequestSpec;
    throw new TypeError(
      `it gave ${made === null ? 'null' : typeof made} that is no request; it must give what get(), post() and their like make`,
    );
  });
}

/** @throws TypeError for a promise: taken as a value it would be true, and a row without fields. */
export function atOnce<Result>(result: Result): Result {
  if (isPromise(result)) throw new TypeError('it gave a promise; it must give its value at once, so it can’t be async');
  return result;
}

/** Says where it was thrown, for who mends it: an error has no fields of its own to be logged. */
export function logThrown({ deps, sync, request }: Asked, cause: unknown, message: string): void {
  deps.log.error(
    { sync: sync.name, node: request.node, unit: request.unit, stack: redact(framesOf(cause)) },
    redact(message),
  );
}
