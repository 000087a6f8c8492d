/**
 * `fetch` that keeps to the limits, for code that is there already: the same arguments, the same answers. Next: `schedule.ts`.
 */
import type { Charge } from '../../contracts/limits/limit.ts';
import type { Limiter } from '../create-limiter.ts';
import type { QuotaHeadersOptions } from '../quota-headers/parse.ts';
import { checkKnown, missingFunctions, unknownOptions, type NamesOf } from '../../contracts/values/option-mistakes.ts';
import { LIMITED_CALL, type LimitedCall } from './define-limits.ts';
import { observeAnswer } from './observe-answer.ts';
import { schedule, type ScheduleOptions } from './schedule.ts';

/** Who calls, and what: all of it may be told for each call anew. */
export interface LimitedBy
  extends Partial<LimitedCall>, Pick<ScheduleOptions<Response>, 'priority' | 'weight' | 'timeoutMs' | 'callKey'> {}

export interface LimitFetchOptions extends Omit<LimitedBy, 'callKey'> {
  /** What a call takes; `defineLimits` makes it. */
  readonly charges: (call: LimitedCall) => readonly Charge[];
  /** A call that is refused is sent again when it is its turn, so often. 0: the refusal is the answer. Default 3. */
  readonly retries?: number;
  /** Names in quota headers that mean declared limits. */
  readonly names?: QuotaHeadersOptions['names'];
  /** Sends the call. Default: the runtime's. */
  readonly fetch?: typeof globalThis.fetch;
}

const LIMITED: NamesOf<LimitedBy> = {
  ...LIMITED_CALL,
  priority: true,
  weight: true,
  timeoutMs: true,
  callKey: true,
};
const { callKey: _, ...ALWAYS } = LIMITED;
const OPTIONS: NamesOf<LimitFetchOptions> = { ...ALWAYS, charges: true, retries: true, names: true, fetch: true };

export type LimitedFetch = (
  input: string | URL | Request,
  init?: RequestInit & { readonly limited?: LimitedBy },
) => Promise<Response>;

/**
 * A call counts as open until its headers have come. One that is refused (429; 503 with a time, where nothing is
 * written; 403 with nothing remaining) blocks its limit for all processes. It is sent again in its turn.
 * @throws TypeError for a name that it does not know, here or in `limited`, and without `charges`.
 * @example
 * const shopFetch = limitFetch(limiter, { charges: shop });
 * const answer = await shopFetch('https://api.shop.example/items', { limited: { account: 'acct_42' } });
 */
export function limitFetch(limiter: Limiter, options: LimitFetchOptions): LimitedFetch {
  const wrong = [...unknownOptions(options, OPTIONS), ...missingFunctions(options, ['charges'])];
  if (wrong.length > 0) throw new TypeError(wrong.map((text) => `limitFetch: ${text}`).join('\n'));
  const { charges, retries = 3, names, fetch = globalThis.fetch, ...always } = options;
  return async (input, { limited = {}, ...init } = {}) => {
    checkKnown('limited', limited, LIMITED);
    const { account = 'default', priority, weight, timeoutMs, callKey, ...call } = { ...always, ...limited };
    const request = new Request(input, init);
    const how = {
      account,
      charges: charges({ ...call, account }),
      signal: request.signal,
      observe: (answer: Response) => observeAnswer(answer, names ? { names } : {}),
      ...(call.endpoint === undefined ? {} : { endpoint: call.endpoint }),
      ...(priority === undefined ? {} : { priority }),
      ...(weight === undefined ? {} : { weight }),
      ...(timeoutMs === undefined ? {} : { timeoutMs }),
      ...(callKey === undefined ? {} : { callKey }),
    };
    for (let left = retries; ; left--) {
      // A body is read once; what may be sent again keeps its own.
      const sent = left > 0 ? request.clone() : request;
      const answer = await schedule(limiter, how, () => fetch(sent));
      const isRefused = observeAnswer(answer).result === 'refused';
      if (!isRefused || left <= 0 || !mayRepeat(request, answer)) return answer;
      await answer.body?.cancel();
    }
  };
}

/** 503 may come after the request went up: a write may have been done. */
function mayRepeat({ method }: Request, { status }: Response): boolean {
  return status !== 503 || method === 'GET' || method === 'HEAD';
}
