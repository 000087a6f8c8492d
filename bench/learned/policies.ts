/**
 * What others do about unknown limits, in the same world: exponential backoff with full jitter, the adaptive mode of the
 * AWS SDKs (CUBIC), a plain shared AIMD, and ATB (arXiv 2510.04516). Reimplemented from their published rules.
 * Next: `bench/learned.ts`.
 */
import { seeded } from './servers.ts';
import type { Client } from './world.ts';

export interface Peer {
  readonly name: string;
  /** Independent clients that share the workers; 1 means that the peer's state is shared by all. */
  readonly clients: number;
  readonly make: (index: number) => Client;
}

/** No pacing: a refused call sleeps 0 … min(60 s, 0.5 s · 2ⁿ) and is sent again. */
function backoff(seed: number): Client {
  const random = seeded(seed);
  const tries = new Map<number, number>();
  return {
    nextMs: (nowMs) => nowMs,
    take: () => 0,
    answered(_nowMs, worker, _permit, answer) {
      if (answer.kind === 'ok') {
        tries.delete(worker);
        return 0;
      }
      const n = tries.get(worker) ?? 0;
      tries.set(worker, n + 1);
      const sleepMs = random() * Math.min(60_000, 500 * 2 ** n);
      return Math.max(1, answer.retryAfterMs ?? sleepMs);
    },
  };
}

/** A bucket of `size` tokens that is filled at `rate` per second; both may change. */
function pacer(
  rate: number,
  size: number,
): { rate: number; size: number; tokens: number; next(nowMs: number): number } {
  let atMs = 0;
  return {
    rate,
    size,
    tokens: size,
    next(nowMs) {
      this.tokens = Math.min(this.size, this.tokens + ((nowMs - atMs) * this.rate) / 1000);
      atMs = nowMs;
      return this.tokens >= 1 - 1e-9 ? nowMs : nowMs + ((1 - this.tokens) * 1000) / this.rate;
    },
  };
}

/** +0.5/s for every second without a refusal, half at a refusal, once for all calls that were in flight. */
function aimd(): Client {
  const bucket = pacer(1, 1);
  let epoch = 0;
  let raisedMs = 0;
  return {
    nextMs: (nowMs) => bucket.next(nowMs),
    take(nowMs) {
      bucket.next(nowMs);
      bucket.tokens -= 1;
      return epoch;
    },
    answered(nowMs, _worker, permit, answer) {
      if (answer.kind !== 'ok') {
        if (permit === epoch) {
          epoch += 1;
          bucket.rate = Math.max(0.01, bucket.rate / 2);
        }
        raisedMs = nowMs;
      } else if (nowMs - raisedMs >= 1000) {
        bucket.rate += 0.5;
        raisedMs = nowMs;
      }
      return 0;
    },
  };
}

/** @see smithy-typescript `DefaultRateLimiter`: beta 0.7, scale 0.4, smooth 0.8, at least 0.5/s, rate measured in 0.5 s. */
function cubic(): Client {
  const bucket = pacer(0.5, 1);
  const [beta, scale, smooth] = [0.7, 0.4, 0.8];
  let isOn = false;
  let [lastMax, windowS, throttledS, measured, bucketAt, count] = [0, 0, 0, 0, 0, 0];
  return {
    nextMs: (nowMs) => (isOn ? bucket.next(nowMs) : nowMs),
    take(nowMs) {
      if (isOn) {
        bucket.next(nowMs);
        bucket.tokens -= 1;
      }
      return 0;
    },
    answered(nowMs, _worker, _permit, answer) {
      const nowS = nowMs / 1000;
      const half = Math.floor(nowS * 2) / 2;
      count += 1;
      if (half > bucketAt) {
        measured = (count / (half - bucketAt)) * smooth + measured * (1 - smooth);
        count = 0;
        bucketAt = half;
      }
      let rate: number;
      if (answer.kind === 'refused') {
        const used = isOn ? Math.min(measured, bucket.rate) : measured;
        lastMax = used;
        windowS = Math.cbrt((lastMax * (1 - beta)) / scale);
        throttledS = nowS;
        rate = used * beta;
        isOn = true;
      } else {
        windowS = Math.cbrt((lastMax * (1 - beta)) / scale);
        rate = scale * (nowS - throttledS - windowS) ** 3 + lastMax;
      }
      bucket.next(nowMs);
      bucket.rate = Math.max(0.5, Math.min(rate, 2 * measured));
      bucket.size = Math.max(1, bucket.rate);
      bucket.tokens = Math.min(bucket.tokens, bucket.size);
      return 0;
    },
  };
}

/** Bucket of 4, two-speed multiplicative increase around the last congested rate, half at a refusal. */
function atb(): Client {
  const bucket = pacer(1, 4);
  bucket.tokens = 1;
  let congested = 1;
  return {
    nextMs: (nowMs) => bucket.next(nowMs),
    take(nowMs) {
      bucket.next(nowMs);
      bucket.tokens -= 1;
      return 0;
    },
    answered(_nowMs, _worker, _permit, answer) {
      if (answer.kind === 'ok') {
        bucket.rate = Math.min(
          10_000,
          Math.max(bucket.rate + 0.01, bucket.rate * (bucket.rate < congested ? 1.5 : 1.2)),
        );
      } else {
        congested = bucket.rate;
        bucket.rate = Math.max(0.01, bucket.rate / 2);
        bucket.tokens = 0;
      }
      return 0;
    },
  };
}

export function peers(seed: number): readonly Peer[] {
  return [
    { name: 'backoff', clients: 1, make: () => backoff(seed) },
    { name: 'AWS CUBIC', clients: 1, make: () => cubic() },
    { name: 'AIMD', clients: 1, make: () => aimd() },
    { name: 'ATB ×16', clients: 16, make: () => atb() },
  ];
}
