/**
 * Third parties with a limit that nobody told: token bucket, fixed window of any phase, sliding log. They count on their
 * own clock, may change while running, fail for a while, and serve foreign traffic. Next: `bench/learned/world.ts`.
 */

export interface ServerSpec {
  readonly kind: 'token' | 'fixed' | 'sliding';
  /** Calls in `perMs`. For a token bucket: the refill. */
  readonly max: number;
  readonly perMs: number;
  /** Depth of the token bucket. Default: two seconds of refill, at least 2. */
  readonly depth?: number;
  /** When the first fixed window ends. Default: drawn from the seed. */
  readonly phaseMs?: number;
  /** Refusals carry the exact waiting time, rounded up to seconds. */
  readonly retryAfter?: boolean;
  /** From `atMs` on the limit is `factor` times the first one. */
  readonly changes?: readonly { readonly atMs: number; readonly factor: number }[];
  readonly outage?: { readonly fromMs: number; readonly toMs: number };
  /** This share of the calls is refused whatever their rate, without a time. */
  readonly sporadic?: number;
  /** Others on the same key: this share of the limit, `onMs` long, then away for `offMs`. */
  readonly foreign?: { readonly share: number; readonly onMs: number; readonly offMs: number };
}

export interface Answer {
  readonly kind: 'ok' | 'refused' | 'failed';
  readonly retryAfterMs?: number;
}

export interface HiddenServer {
  /** A call arrives. Times must not decrease. */
  arrive(nowMs: number): Answer;
  /** When a call would be accepted next, by somebody who knows everything. */
  nextFreeMs(nowMs: number): number;
  /** The hidden limit, calls a second. */
  limitAt(nowMs: number): number;
  /** Share of the limit that others ask for at this time. */
  foreignShareAt(nowMs: number): number;
}

/** Uniform 0 … 1, the same for the same seed (mulberry32). */
export function seeded(seed: number): () => number {
  let a = (seed * 0x9e3779b9) >>> 0;
  return () => {
    a = (a + 0x6d2b79f5) >>> 0;
    let t = a;
    t = Math.imul(t ^ (t >>> 15), t | 1);
    t ^= t + Math.imul(t ^ (t >>> 7), t | 61);
    return ((t ^ (t >>> 14)) >>> 0) / 4294967296;
  };
}

export function perSecond(spec: ServerSpec): number {
  return (spec.max * 1000) / spec.perMs;
}

function factorAt(spec: ServerSpec, nowMs: number): number {
  let factor = 1;
  for (const change of spec.changes ?? []) if (nowMs >= change.atMs) factor = change.factor;
  return factor;
}

/** One way of counting: both ask at a time that does not decrease. */
interface Counter {
  /** When the next call is accepted: `nowMs` or later. */
  freeMs(nowMs: number, factor: number): number;
  take(nowMs: number): void;
}

function tokenBucket(spec: ServerSpec): Counter {
  const depth = spec.depth ?? Math.max(2, 2 * perSecond(spec));
  let tokens = depth;
  let atMs = 0;
  return {
    freeMs(nowMs, factor) {
      const perMs = (spec.max / spec.perMs) * factor;
      tokens = Math.min(depth, tokens + Math.max(0, nowMs - atMs) * perMs);
      atMs = Math.max(atMs, nowMs);
      return tokens >= 1 - 1e-9 ? nowMs : nowMs + (1 - tokens) / perMs;
    },
    take() {
      tokens -= 1;
    },
  };
}

function fixedWindow(spec: ServerSpec, phaseMs: number): Counter {
  let window = Number.NEGATIVE_INFINITY;
  let used = 0;
  return {
    freeMs(nowMs, factor) {
      const index = Math.floor((nowMs - phaseMs) / spec.perMs);
      if (index > window) {
        window = index;
        used = 0;
      }
      return used < Math.round(spec.max * factor) ? nowMs : phaseMs + (window + 1) * spec.perMs;
    },
    take() {
      used += 1;
    },
  };
}

function slidingLog(spec: ServerSpec): Counter {
  const log: number[] = [];
  let first = 0;
  return {
    freeMs(nowMs, factor) {
      while (first < log.length && (log[first] ?? 0) <= nowMs - spec.perMs) first += 1;
      if (first > 100_000) {
        log.splice(0, first);
        first = 0;
      }
      const max = Math.round(spec.max * factor);
      const used = log.length - first;
      return used < max ? nowMs : (log[first + used - max] ?? nowMs) + spec.perMs;
    },
    take(nowMs) {
      log.push(nowMs);
    },
  };
}

/** A server that starts at time 0 with a full quota. */
export function hiddenServer(spec: ServerSpec, seed: number): HiddenServer {
  const random = seeded(seed + 77);
  const phaseMs = spec.phaseMs ?? random() * spec.perMs;
  const counter =
    spec.kind === 'token' ? tokenBucket(spec) : spec.kind === 'fixed' ? fixedWindow(spec, phaseMs) : slidingLog(spec);
  let foreignMs = 0;
  const foreignShareAt = (nowMs: number): number => {
    const foreign = spec.foreign;
    if (!foreign) return 0;
    return nowMs % (foreign.onMs + foreign.offMs) >= foreign.offMs ? foreign.share : 0;
  };
  /** Foreign calls up to now take what they get; they do not hold back. */
  const serveOthers = (nowMs: number): void => {
    while (spec.foreign && foreignMs <= nowMs) {
      const share = foreignShareAt(foreignMs);
      if (share > 0) {
        if (counter.freeMs(foreignMs, factorAt(spec, foreignMs)) <= foreignMs) counter.take(foreignMs);
        foreignMs += (-Math.log(1 - random()) * 1000) / (perSecond(spec) * spec.foreign.share);
      } else foreignMs += 100;
    }
  };
  return {
    arrive(nowMs) {
      serveOthers(nowMs);
      if (spec.outage && nowMs >= spec.outage.fromMs && nowMs < spec.outage.toMs) return { kind: 'failed' };
      if (spec.sporadic !== undefined && random() < spec.sporadic) return { kind: 'refused' };
      const freeMs = counter.freeMs(nowMs, factorAt(spec, nowMs));
      if (freeMs <= nowMs) {
        counter.take(nowMs);
        return { kind: 'ok' };
      }
      if (!spec.retryAfter) return { kind: 'refused' };
      return { kind: 'refused', retryAfterMs: Math.ceil((freeMs - nowMs) / 1000) * 1000 };
    },
    nextFreeMs: (nowMs) => counter.freeMs(nowMs, factorAt(spec, nowMs)),
    limitAt: (nowMs) => perSecond(spec) * factorAt(spec, nowMs),
    foreignShareAt,
  };
}
