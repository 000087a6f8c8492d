/**
 * A load process of the limiter's throughput measurement: callers that take permits with three buckets each, as fast as
 * they can or at a given rate, and count. Prints one line of JSON at the end.
 * Started by `throughput.ts` as `node --import tsx load.ts '<LoadOptions as JSON>'`.
 */
import { fileURLToPath } from 'node:url';
import type { Charge } from '../../contracts/limits/limit.ts';
import { createPool } from '../../db/pool.ts';
import { createLimiter } from '../../limiter/index.ts';

export interface LoadOptions {
  readonly url: string;
  readonly name: string;
  readonly callers: number;
  readonly runMs: number;
  readonly warmUpMs: number;
  /** Permits a second of this process; without it as many as it can. */
  readonly perSecond?: number;
}

export interface LoadResult {
  readonly permits: number;
  readonly denied: number;
  readonly seconds: number;
  /** Milliseconds from asking to the permit, sorted. A sample of at most 20,000. */
  readonly latencies: readonly number[];
  readonly cpuSeconds: number;
}

const LATENCY_SAMPLES = 20_000;
const TOKENS = 20;

if (process.argv[1] === fileURLToPath(import.meta.url)) {
  process.stdout.write(`${JSON.stringify(await runLoad(JSON.parse(process.argv[2] ?? '{}') as LoadOptions))}\n`);
}

export async function runLoad(options: LoadOptions): Promise<LoadResult> {
  const pool = createPool(options.url, { max: 4, applicationName: options.name });
  const limiter = createLimiter({ pool });
  const startsAt = performance.now() + options.warmUpMs;
  const endsAt = startsAt + options.runMs;
  const charges = Array.from({ length: TOKENS }, (_, token) => chargesOf(token));
  const latencies: number[] = [];
  let permits = 0;
  let denied = 0;

  const callOnce = async (callKey: string, token: number): Promise<void> => {
    const askedAt = performance.now();
    const answer = await limiter.acquire({ callKey, account: `account-${token}`, charges: charges[token]! });
    const now = performance.now();
    if (now < startsAt || now > endsAt) return;
    if (answer.granted) permits += 1;
    else denied += 1;
    const sample = permits + denied;
    if (latencies.length < LATENCY_SAMPLES) latencies.push(now - askedAt);
    else if (Math.random() < LATENCY_SAMPLES / sample)
      latencies[Math.floor(Math.random() * LATENCY_SAMPLES)] = now - askedAt;
  };
  const asFastAsItCan = async (index: number): Promise<void> => {
    for (let serial = 0; performance.now() < endsAt; serial++) {
      await callOnce(`${options.name}-${index}-${serial}`, index % TOKENS);
    }
  };
  const atRate = async (perSecond: number): Promise<void> => {
    const running = new Set<Promise<void>>();
    const firstAt = performance.now();
    for (let serial = 0; performance.now() < endsAt;) {
      const due = Math.floor(((performance.now() - firstAt) / 1_000) * perSecond);
      for (; serial < due; serial++) {
        const call = callOnce(`${options.name}-${serial}`, serial % TOKENS).finally(() => running.delete(call));
        running.add(call);
      }
      await new Promise((resolve) => setTimeout(resolve, 1));
    }
    await Promise.all(running);
  };

  let cpuAtStart = process.cpuUsage();
  setTimeout(() => (cpuAtStart = process.cpuUsage()), options.warmUpMs);
  await (options.perSecond === undefined
    ? Promise.all(Array.from({ length: options.callers }, (_, index) => asFastAsItCan(index)))
    : atRate(options.perSecond));
  const cpu = process.cpuUsage(cpuAtStart);
  await limiter.stop();
  await pool.end();
  return {
    permits,
    denied,
    seconds: options.runMs / 1_000,
    latencies: latencies.sort((a, b) => a - b),
    cpuSeconds: (cpu.user + cpu.system) / 1e6,
  };
}

/** An hour's quota of the app, a minute's quota of the IP address, a second's quota of the token: all roomy. */
function chargesOf(token: number): Charge[] {
  return [
    { limit: { kind: 'window', name: 'app-hour', max: 1e9, perMs: 3_600_000 }, key: 'load/app-hour/app', cost: 1 },
    {
      limit: { kind: 'window', name: 'ip-minute', max: 1e8, perMs: 60_000 },
      key: 'load/ip-minute/203.0.113.7',
      cost: 1,
    },
    {
      limit: { kind: 'window', name: 'token-second', max: 1e7, perMs: 1_000 },
      key: `load/token-second/t${token}`,
      cost: 1,
    },
  ];
}
