/**
 * The limits of the fake third party: which calls they count, by which key, what a refused caller is told. Every call
 * passes here before any route. Each refusal is a violation in the report, because a caller that knew the limit would
 * not have sent it. Next: `limit-counters.ts` counts, `testing/fake-api/report.ts` keeps the violations.
 */
import type { FakeAnswer } from '../answer.ts';
import type { FakeCall } from '../call.ts';
import type { LimitCounter, LimitKind, LimitNumbers } from './limit-counters.ts';
import { createCounter } from './limit-counters.ts';
import type { LimitHeaders } from './limit-headers.ts';
import { addLimitHeaders } from './limit-headers.ts';
import { checkFakeOptions } from '../options/check-options.ts';
import { NUMBERS } from '../options/known-options.ts';
import type { PathFilter } from '../paths.ts';
import { pathFilter } from '../paths.ts';
import type { Violation } from '../report.ts';

/** What a limit counts by: one part of the call, several together, or anything computed from it. */
export type LimitKey = LimitKeyPart | readonly LimitKeyPart[] | ((call: FakeCall) => string);
/** `app` is one bucket for all calls; `account` needs `oauth` and falls back to the token. */
export type LimitKeyPart = 'app' | 'token' | 'account' | 'ip' | 'path' | 'method';

export interface LimitOptions extends Omit<LimitNumbers, 'perMs'> {
  readonly name: string;
  /** Default `app`. */
  readonly by?: LimitKey;
  /** Default `sliding`: exact, at most `max` in any `perMs`. */
  readonly kind?: LimitKind;
  /** Milliseconds; not read by `concurrent`. Default 1,000. */
  readonly perMs?: number;
  /** Instead of `max`, for keys that have another one, e.g. by plan. */
  readonly maxFor?: (key: string) => number | undefined;
  /** Which calls it counts. Default all. */
  readonly on?: PathFilter;
  /** Units that a call costs. Default 1. */
  readonly cost?: (call: FakeCall) => number;
  /**
   * What it turned out to cost once it is answered: the difference is given back, or charged, then. `cost` is what it is
   * taken for until then.
   */
  readonly actualCost?: (call: FakeCall, answer: { readonly status: number }) => number;
  /** What it says in headers. Default `none`. */
  readonly headers?: LimitHeaders | readonly LimitHeaders[];
  /** Says nothing, whatever `headers` says. Default false. */
  readonly hidden?: boolean;
  /** False: calls above it are let through and only counted as violations. Default true. */
  readonly enforced?: boolean;
  /** True: refused calls use up quota as well, as some services do. Default false. */
  readonly countsRefused?: boolean;
  /** What a refused caller gets. Default status 429 with a small JSON error. */
  readonly refusal?:
    FakeAnswer | ((call: FakeCall, info: { readonly freeInMs: number; readonly key: string }) => FakeAnswer);
}

/** A running limit. */
export interface LimitHandle {
  readonly name: string;
  /** Changes its numbers from now on; what was counted stays counted. */
  set(change: Partial<LimitNumbers>): void;
  /** Violations so far (not cleared by `api.reset()`). */
  violations(): number;
  /** Units that count now, for one key. */
  used(key?: string): number;
  /** Forgets what it has counted: every key starts fresh. */
  clear(): void;
  /** Takes the limit away. */
  remove(): void;
}

/** What the limits decided about one call. */
export interface LimitVerdict {
  readonly headers: Record<string, string>;
  /** Set when the call is refused. */
  readonly refusal: FakeAnswer | undefined;
  /** Must be called when the call is over, with the status of its answer. */
  release(status: number): void;
}

interface Limit {
  readonly options: LimitOptions;
  readonly fits: (call: FakeCall) => boolean;
  readonly keyOf: (call: FakeCall) => string;
  readonly dialects: readonly LimitHeaders[];
  readonly counters: Map<string, LimitCounter>;
  numbers: LimitNumbers;
  violations: number;
}

/** One limit as it concerns one call. */
interface Concern {
  readonly limit: Limit;
  readonly key: string;
  readonly counter: LimitCounter;
  readonly cost: number;
  readonly isOver: boolean;
}

const open: LimitVerdict = { headers: {}, refusal: undefined, release: () => undefined };

/** The limits of one server. `wallClock` is what the server believes the time of day to be, in milliseconds. */
export function createLimits(now: () => number, wallClock: () => number, violated: (violation: Violation) => void) {
  const limits: Limit[] = [];
  const handles: LimitHandle[] = [];

  const concernOf = (limit: Limit, call: FakeCall): Concern => {
    const key = limit.keyOf(call);
    let counter = limit.counters.get(key);
    if (counter === undefined) {
      counter = createCounter(
        limit.options.kind ?? 'sliding',
        () => numbersOf(limit, key),
        call.at,
        () => wallClock() - now(),
      );
      limit.counters.set(key, counter);
    }
    const cost = limit.options.cost?.(call) ?? 1;
    return { limit, key, counter, cost, isOver: counter.room(call.at) < cost };
  };

  const noteViolation = ({ limit, key, counter, cost }: Concern, call: FakeCall) => {
    limit.violations++;
    const { method, path, at } = call;
    violated({
      limit: limit.options.name,
      key,
      at,
      used: counter.used(at),
      max: numbersOf(limit, key).max,
      cost,
      method,
      path,
    });
  };

  const speak = (concern: Concern, call: FakeCall, headers: Record<string, string>) => {
    const { limit, key, counter, cost, isOver } = concern;
    if (limit.options.hidden === true || limit.dialects.length === 0) return;
    const state = {
      name: limit.options.name,
      max: numbersOf(limit, key).max,
      perMs: limit.numbers.perMs,
      remaining: counter.room(call.at),
      wholeInMs: counter.wholeInMs(call.at),
      freeInMs: isOver ? counter.freeInMs(call.at, cost) : undefined,
    };
    for (const dialect of limit.dialects) addLimitHeaders(headers, dialect, state, wallClock());
  };

  return {
    add(options: LimitOptions): LimitHandle {
      const { max, perMs = 1_000, burst, phaseMs, per, zone } = options;
      if (!(max >= 0)) throw new TypeError(`limit "${options.name}": expected max ≥ 0, got ${max}`);
      if (!(perMs > 0)) throw new TypeError(`limit "${options.name}": expected perMs > 0, got ${perMs}`);
      const limit: Limit = {
        options,
        fits: pathFilter(options.on),
        keyOf: keyReader(options.by ?? 'app'),
        dialects: [options.headers ?? 'none'].flat().filter((dialect) => dialect !== 'none'),
        counters: new Map(),
        numbers: {
          max,
          perMs,
          ...(burst !== undefined && { burst }),
          ...(phaseMs !== undefined && { phaseMs }),
          ...(per !== undefined && { per }),
          ...(zone !== undefined && { zone }),
        },
        violations: 0,
      };
      limits.push(limit);
      const handle: LimitHandle = {
        name: options.name,
        set(change) {
          checkFakeOptions(`limit "${options.name}": set`, change, NUMBERS);
          const at = now();
          for (const counter of limit.counters.values()) counter.used(at); // settles at the old rate
          limit.numbers = { ...limit.numbers, ...change };
        },
        violations: () => limit.violations,
        used: (key = 'app') => limit.counters.get(key)?.used(now()) ?? 0,
        clear: () => limit.counters.clear(),
        remove: () => {
          limits.splice(limits.indexOf(limit), 1);
          handles.splice(handles.indexOf(handle), 1);
        },
      };
      handles.push(handle);
      return handle;
    },
    all: (): readonly LimitHandle[] => [...handles],

    /** Counts a call in all limits that it concerns, or in none and refuses it. */
    judge(call: FakeCall): LimitVerdict {
      if (limits.length === 0) return open;
      const concerns = limits.filter((limit) => limit.fits(call)).map((limit) => concernOf(limit, call));
      const over = concerns.filter(({ isOver }) => isOver);
      for (const concern of over) noteViolation(concern, call);
      const refusing = over.find(({ limit }) => limit.options.enforced !== false);
      const counted = refusing ? concerns.filter(({ limit }) => limit.options.countsRefused === true) : concerns;
      for (const { counter, cost } of counted) counter.take(call.at, cost);
      const headers: Record<string, string> = {};
      for (const concern of concerns) if (concern !== refusing) speak(concern, call, headers);
      if (refusing) speak(refusing, call, headers); // last, so that headers of one name are those of the refusing limit
      return {
        headers,
        refusal: refusing && refusalOf(refusing, call),
        release: (status) => {
          for (const { limit, counter, cost } of counted) {
            counter.release(cost);
            const actual = limit.options.actualCost?.(call, { status });
            if (actual !== undefined && !refusing) counter.settle(call.at, actual - cost);
          }
        },
      };
    },
  };
}

export type Limits = ReturnType<typeof createLimits>;

function numbersOf({ options, numbers }: Limit, key: string): LimitNumbers {
  const max = options.maxFor?.(key);
  return max === undefined ? numbers : { ...numbers, max };
}

function refusalOf({ limit, key, counter, cost }: Concern, call: FakeCall): FakeAnswer {
  const { refusal } = limit.options;
  if (typeof refusal === 'function') return refusal(call, { freeInMs: counter.freeInMs(call.at, cost), key });
  return { status: 429, body: { error: 'rate_limited', message: 'Too many requests' }, ...refusal };
}

function keyReader(by: LimitKey): (call: FakeCall) => string {
  if (typeof by === 'function') return by;
  const parts = (typeof by === 'string' ? [by] : by).map((part) => partReaders[part]);
  return (call) => parts.map((read) => read(call)).join(' ');
}

const partReaders: Record<LimitKeyPart, (call: FakeCall) => string> = {
  app: () => 'app',
  token: (call) => call.token ?? 'no token',
  account: (call) => call.account ?? call.token ?? 'no token',
  ip: (call) => call.ip,
  path: (call) => call.path,
  method: (call) => call.method,
};
