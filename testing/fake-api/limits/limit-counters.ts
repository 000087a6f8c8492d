/**
 * The four ways in which third parties count calls, as small counters on a clock that the caller passes in.
 * Exact by design: tests compare them with a brute-force model.
 * Next stop: `limits.ts` keeps one counter for each key.
 */

export type LimitKind = 'fixed' | 'sliding' | 'token-bucket' | 'concurrent';

/** The numbers of a limit; they may change while it runs. */
export interface LimitNumbers {
  /** Units of cost in one window (or in flight at once); for a token bucket what flows in during `perMs`. */
  readonly max: number;
  /** Window in milliseconds. */
  readonly perMs: number;
  /** Capacity of a token bucket. Default `max`. */
  readonly burst?: number;
  /** Fixed windows begin at this offset on the server's clock. Default 0. */
  readonly phaseMs?: number;
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
  /** Milliseconds until a call of this cost has room; 0 when it has it now, infinite when it never will. */
  freeInMs(now: number, cost: number): number;
  /** Milliseconds until the whole quota is there again. */
  wholeInMs(now: number): number;
}

/** A counter of one kind. `numbers` is asked anew at each use, so that limits can change at run time. */
export function createCounter(kind: LimitKind, numbers: () => LimitNumbers, startedAt: number): LimitCounter {
  return kinds[kind](numbers, startedAt);
}

const kinds: Record<LimitKind, (numbers: () => LimitNumbers, startedAt: number) => LimitCounter> = {
  fixed: fixedWindow,
  sliding: slidingWindow,
  'token-bucket': tokenBucket,
  concurrent,
};

/** Counts from zero again at every multiple of `perMs` (plus the phase). */
function fixedWindow(numbers: () => LimitNumbers): LimitCounter {
  let windowIndex = Number.NEGATIVE_INFINITY;
  let used = 0;
  const indexAt = (now: number) => Math.floor((now - (numbers().phaseMs ?? 0)) / numbers().perMs);
  const usedAt = (now: number) => (indexAt(now) === windowIndex ? used : 0);
  const endInMs = (now: number) => (indexAt(now) + 1) * numbers().perMs + (numbers().phaseMs ?? 0) - now;
  return {
    used: usedAt,
    room: (now) => numbers().max - usedAt(now),
    take(now, cost) {
      used = usedAt(now) + cost;
      windowIndex = indexAt(now);
    },
    release: () => undefined,
    freeInMs(now, cost) {
      if (cost > numbers().max) return Number.POSITIVE_INFINITY;
      return usedAt(now) + cost <= numbers().max ? 0 : endInMs(now);
    },
    wholeInMs: (now) => (usedAt(now) === 0 ? 0 : endInMs(now)),
  };
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
    freeInMs: (_now, cost) =>
      cost > numbers().max ? Number.POSITIVE_INFINITY : used + cost <= numbers().max ? 0 : 1_000,
    wholeInMs: () => (used === 0 ? 0 : 1_000),
  };
}
