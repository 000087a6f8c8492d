/**
 * A worker process of the benchmark: callers that take permits and call the hidden-limit server. A call that gets no
 * permit gives its slot up and comes back when it was told to, as it would by the engine's retry.
 * Started by `processes.ts` as `node --import tsx caller.ts '<CallerOptions as JSON>'`; prints a CallerResult.
 */
import { setMaxListeners } from 'node:events';
import { Agent, request } from 'node:http';
import { fileURLToPath } from 'node:url';
import type { Charge, Priority } from '../../contracts/limits/limit.ts';
import { createPool } from '../../db/pool.ts';
import { createLimiter, isFresh, LimiterUnavailable } from '../../limiter/index.ts';
import { machineMs } from './hidden-server.ts';

export interface CallerOptions {
  readonly url: string;
  readonly name: string;
  /** Without it nothing is sent: only permits are taken. */
  readonly serverPort?: number;
  readonly loops: readonly CallerLoop[];
  readonly runMs: number;
  /** Begin at this moment of the machine's monotonic clock, when all processes have started. */
  readonly startAt?: number;
  /** Calls by account are counted from here on. */
  readonly countAfterMs?: number;
}

export interface CallerLoop {
  readonly path: string;
  readonly charges: readonly Charge[];
  readonly account: string;
  readonly callers: number;
  readonly weight?: number;
  readonly priority?: Priority;
}

export interface CallerResult {
  readonly sent: number;
  readonly refused: number;
  /** Calls that had to be sent away at least once, and how often all of them were. */
  readonly throttled: number;
  readonly bounces: number;
  /** Acquires that held their slot for longer than 1.1 s. */
  readonly heldTooLong: number;
  readonly unavailable: number;
  readonly byAccount: Readonly<Record<string, number>>;
}

if (process.argv[1] === fileURLToPath(import.meta.url)) {
  process.stdout.write(`${JSON.stringify(await runCallers(JSON.parse(process.argv[2] ?? '{}') as CallerOptions))}\n`);
}

export async function runCallers(options: CallerOptions): Promise<CallerResult> {
  const pool = createPool(options.url, { max: 4, applicationName: options.name });
  const limiter = createLimiter({ pool });
  const agent = new Agent({ keepAlive: true, maxSockets: 600 });
  if (options.startAt !== undefined) await sleep(Math.max(0, options.startAt - machineMs()));
  const startedAt = performance.now();
  const endsAt = startedAt + options.runMs;
  const result = { sent: 0, refused: 0, throttled: 0, bounces: 0, heldTooLong: 0, unavailable: 0 };
  const byAccount: Record<string, number> = {};
  const ending = new AbortController();
  setMaxListeners(0, ending.signal);
  setTimeout(() => ending.abort(), options.runMs);

  const oneCall = async (loop: CallerLoop, callKey: string): Promise<void> => {
    for (let bounces = 0; performance.now() < endsAt;) {
      const askedAt = performance.now();
      try {
        const { account, charges, weight = 1, priority = 'bulk' } = loop;
        const answer = await limiter.acquire({ callKey, account, charges, weight, priority, signal: ending.signal });
        const now = performance.now();
        if (now - askedAt > 1_100) result.heldTooLong += 1;
        if (!answer.granted) {
          if (ending.signal.aborted) return;
          if (++bounces === 1) result.throttled += 1;
          result.bounces += 1;
          await sleep(Math.min(answer.retryAfterMs, Math.max(1, endsAt - now)));
          continue;
        }
        if (!isFresh(answer.permit)) {
          await limiter.report(answer.permit, { result: 'not-sent' });
          continue;
        }
        const status = options.serverPort === undefined ? 200 : await get(agent, options.serverPort, loop.path);
        result.sent += 1;
        if (status === 429) result.refused += 1;
        if (now - startedAt > (options.countAfterMs ?? 0)) byAccount[loop.account] = (byAccount[loop.account] ?? 0) + 1;
        await limiter.report(answer.permit, { result: status === 429 ? 'refused' : 'ok' });
        return;
      } catch (error) {
        if (!(error instanceof LimiterUnavailable)) throw error;
        result.unavailable += 1;
        await sleep(100 + 200 * Math.random());
      }
    }
  };
  await Promise.all(
    options.loops.flatMap((loop) =>
      Array.from({ length: loop.callers }, async (_, index) => {
        for (let serial = 0; performance.now() < endsAt; serial++) {
          await oneCall(loop, `${options.name}-${loop.path}-${loop.account}-${index}-${serial}`);
        }
      }),
    ),
  );
  await limiter.stop();
  await pool.end();
  agent.destroy();
  return { ...result, byAccount };
}

function get(agent: Agent, port: number, path: string): Promise<number> {
  return new Promise((resolve, reject) => {
    request({ agent, host: '127.0.0.1', port, path, headers: { 'x-sent-at': String(machineMs()) } }, (response) => {
      response.resume();
      response.on('end', () => resolve(response.statusCode ?? 0));
    })
      .on('error', reject)
      .end();
  });
}

function sleep(ms: number): Promise<void> {
  return new Promise((resolve) => setTimeout(resolve, ms));
}
