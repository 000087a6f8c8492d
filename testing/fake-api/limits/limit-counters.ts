/**
 * The ways in which third parties count calls, as small counters on a clock that the caller passes in.
 * Exact by design: tests compare them with a brute-force model.
 * Next: `limits.ts` keeps one counter for each key.
 */
import { calendarSpan, type CalendarSpan, type CalendarUnit } from './calendar.ts';

/**
 * `sliding` over the last `perMs` · `fixed` from zero again at every multiple of `perMs` since the server began · `aligned` at every
 * multiple of `perMs` of the time of day · `calendar` at midnight of a zone · `token-bucket` · `concurrent` calls in flight.
 */
export type LimitKind = 'fixed' | 'sliding' | 'aligned' | 'calendar' | 'token-bucket' | 'concurrent';

/** The numbers of a limit; they may change while it runs. */
export interface LimitNumbers {
  /** Units of cost in one window (or in flight at once); for a token bucket what flows in during `perMs`. */
  readonly max: number;
  /** Window in milliseconds. */
  readonly perMs: number;
  /** Capacity of a token bucket. Default `max`. */
  readonly burst?: number;
  /** Fixed and aligned windows begin at this offset. Default 0. */
  readonly phaseMs?: number;
  /** Of `calendar`. Default `day`, `UTC`. */
  readonly per?: CalendarUnit;
  readonly zone?: string;
}

export interface LimitCounter {
  /** Units that count against the limit at this time. */
  used(now: number): number;
  /** Units that a call now may take at most. */
  room(now: number): number;
  /** Counts a call; it is the caller's choice to ask `room` before. */
  take(now: number, cost: number): void;
  /** Gives back what a call in flight held; only `concurrent` cares. */
  release(cost: number): void;
  /** A call that was taken at this time has cost so much more (or, negative, less) than it was taken for. */
  settle(takenAt: number, difference: number): void;
  /** Milliseconds until a call of this cost has room; 0 when it has it now, infinite when it never will. */
  freeInMs(now: number, cost: number): number;
  /** Milliseconds until the whole quota is there again. */
  wholeInMs(now: number): number;
}

/**
 * A counter of one kind. `numbers` is asked anew at each use, so that limits can change at run time.
 * @param epochMs milliseconds since 1970 at time 0, for kinds that know the time of day.
 */
export function createCounter(
  kind: LimitKind,
  numbers: () => LimitNumbers,
  startedAt: number,
  epochMs: () => number = () => 0,
): LimitCounter {
  return kinds[kind](numbers, startedAt, epochMs);
}

const kinds: Record<
  LimitKind,
  (numbers: () => LimitNumbers, startedAt: number, epochMs: () => number) => LimitCounter
> = {
  fixed: (numbers) => windowOf(numbers, (now) => spanOf(now, numbers())),
  aligned: (numbers, _startedAt, epochMs) =>
    windowOf(numbers, (now) => shifted(spanOf(now + epochMs(), numbers()), -epochMs())),
  calendar: (numbers, _startedAt, epochMs) => {
    const { per = 'day', zone = 'UTC' } = numbers();
    return windowOf(numbers, (now) => shifted(calendarSpan(now + epochMs(), per, zone), -epochMs()));
  },
  sliding: slidingWindow,
  'token-bucket': tokenBucket,
  concurrent,
};

/** Counts from zero again whenever a span ends. */
function windowOf(numbers: () => LimitNumbers, spanAt: (now: number) => CalendarSpan): LimitCounter {
  let span: CalendarSpan = { fromMs: Number.NaN, toMs: Number.NaN };
  let used = 0;
  const at = (now: number): CalendarSpan => (now >= span.fromMs && now < span.toMs ? span : spanAt(now));
  const usedAt = (now: number) => (at(now).fromMs === span.fromMs ? used : 0);
  return {
    used: usedAt,
    room: (now) => numbers().max - usedAt(now),
    take(now, cost) {
      used = usedAt(now) + cost;
      span = at(now);
    },
    release: () => undefined,
    settle(takenAt, difference) {
      if (at(takenAt).fromMs === span.fromMs) used += difference;
    },
    freeInMs(now, cost) {
      if (cost > numbers().max) return Number.POSITIVE_INFINITY;
      return usedAt(now) + cost <= numbers().max ? 0 : at(now).toMs - now;
    },
    wholeInMs: (now) => (usedAt(now) === 0 ? 0 : at(now).toMs - now),
  };
}

/** Between two multiples of `perMs` (plus the phase). */
function spanOf(now: number, { perMs, phaseMs = 0 }: LimitNumbers): CalendarSpan {
  const fromMs = Math.floor((now - phaseMs) / perMs) * perMs + phaseMs;
  return { fromMs, toMs: fromMs + perMs };
}

function shifted({ fromMs, toMs }: CalendarSpan, byMs: number): CalendarSpan {
  return { fromMs: fromMs + byMs, toMs: toMs + byMs };
}

/** Exact log: a call at t counts in every window that ends before t + `perMs`, and at t + `perMs` no longer. */
function slidingWindow(numbers: () => LimitNumbers): LimitCounter {
  let times: number[] = [];
  let costs: number[] = [];
  let head = 0;
  let used = 0;
  const forget = (now: number) => {
    const { perMs } = numbers();
    while (head < times.length && (times[head] as number) + perMs <= now) used -= costs[head++] as number;
    if (head > 1_024 && head * 2 > times.length) {
      times = times.slice(head);
      costs = costs.slice(head);
      head = 0;
    }
    return used;
  };
  return {
    used: forget,
    room: (now) => numbers().max - forget(now),
    take(now, cost) {
      forget(now);
      times.push(now);
      costs.push(cost);
      used += cost;
    },
    release: () => undefined,
    settle(takenAt, difference) {
      const index = times.indexOf(takenAt, head);
      if (index < 0) return;
      costs[index] = (costs[index] as number) + difference;
      used += difference;
    },
    freeInMs(now, cost) {
      const { max, perMs } = numbers();
      if (cost > max) return Number.POSITIVE_INFINITY;
      let left = forget(now);
      for (let i = head; left + cost > max; i++) {
        left -= costs[i] as number;
        if (left + cost <= max) return (times[i] as number) + perMs - now;
      }
      return 0;
    },
    wholeInMs: (now) => (forget(now) === 0 ? 0 : (times.at(-1) as number) + numbers().perMs - now),
  };
}

/** Full at the start with `burst` units; `max` flow in during each `perMs`. */
function tokenBucket(numbers: () => LimitNumbers, startedAt: number): LimitCounter {
  let filledAt = startedAt;
  let rate = numbers().max / numbers().perMs;
  const capacity = () => numbers().burst ?? numbers().max;
  let level = capacity();
  const fill = (now: number) => {
    level = Math.min(capacity(), level + (now - filledAt) * rate); // the old rate held until now
    rate = numbers().max / numbers().perMs;
    filledAt = now;
    return level;
  };
  return {
    used: (now) => capacity() - fill(now),
    // Sums of thirds and sevenths miss whole numbers by rounding; a millionth of a unit is forgiven.
    room: (now) => fill(now) + 1e-6,
    take(now, cost) {
      level = fill(now) - cost;
    },
    release: () => undefined,
    settle(_takenAt, difference) {
      level = Math.min(capacity(), level - difference);
    },
    freeInMs(now, cost) {
      if (cost > capacity()) return Number.POSITIVE_INFINITY;
      return Math.max(0, (cost - fill(now)) / rate);
    },
    wholeInMs: (now) => (capacity() - fill(now)) / rate,
  };
}

/** At most `max` units in flight. */
function concurrent(numbers: () => LimitNumbers): LimitCounter {
  let used = 0;
  return {
    used: () => used,
    room: () => numbers().max - used,
    take(_now, cost) {
      used += cost;
    },
    release(cost) {
      used -= cost;
    },
    settle: () => undefined,
    freeInMs: (_now, cost) =>
      cost > numbers().max ? Number.POSITIVE_INFINITY : used + cost <= numbers().max ? 0 : 1_000,
    wholeInMs: () => (used === 0 ? 0 : 1_000),
  };
}
