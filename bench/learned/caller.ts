/**
 * A worker process of the real-time part: callers that take permits of a learned limit and call the hidden-limit server.
 * They look in at least once a second: an estimate of the wait that was made at an old rate is too long at a new one.
 * Started by `real.ts` as `node --import tsx caller.ts '<LearnedCallerOptions as JSON>'`.
 */
import { Agent } from 'node:http';
import { fileURLToPath } from 'node:url';
import { createPool } from '../../db/pool.ts';
import { createLimiter, isFresh, LimiterUnavailable } from '../../limiter/index.ts';
import { machineMs } from '../limiter/hidden-server.ts';
import { sleep } from '../limiter/processes.ts';
import { call } from './http-call.ts';

export interface LearnedCallerOptions {
  readonly url: string;
  readonly name: string;
  readonly serverPort: number;
  readonly paths: readonly string[];
  /** Callers for each path. */
  readonly callers: number;
  readonly runMs: number;
  /** On the machine's monotonic clock. */
  readonly startAt: number;
}

if (process.argv[1] === fileURLToPath(import.meta.url)) {
  await runCallers(JSON.parse(process.argv[2] ?? '{}') as LearnedCallerOptions);
  process.stdout.write('null\n');
}

async function runCallers(options: LearnedCallerOptions): Promise<void> {
  const pool = createPool(options.url, { max: 4, applicationName: options.name });
  const limiter = createLimiter({ pool, maxRetryAfterMs: 1000 });
  const agent = new Agent({ keepAlive: true, maxSockets: 600 });
  await sleep(Math.max(0, options.startAt - machineMs()));
  const endsAt = performance.now() + options.runMs;
  const one = async (path: string, index: number): Promise<void> => {
    const charges = [
      { limit: { kind: 'learned' as const, name: 'hidden' }, key: `${path.slice(1)}/hidden/all`, cost: 1 },
    ];
    for (let serial = 0; performance.now() < endsAt;) {
      try {
        const callKey = `${options.name}-${path}-${index}-${serial}`;
        const answer = await limiter.acquire({ callKey, account: 'all', charges });
        if (!answer.granted) {
          await sleep(answer.retryAfterMs);
          continue;
        }
        serial += 1;
        if (!isFresh(answer.permit)) {
          await limiter.report(answer.permit, { result: 'not-sent' });
          continue;
        }
        const status = await call(agent, options.serverPort, path);
        await limiter.report(answer.permit, { result: status === 429 ? 'refused' : 'ok' });
      } catch (error) {
        if (!(error instanceof LimiterUnavailable)) throw error;
        await sleep(200);
      }
    }
  };
  const { paths, callers } = options;
  await Promise.all(paths.flatMap((path) => Array.from({ length: callers }, (_, index) => one(path, index))));
  await limiter.stop();
  await pool.end();
  agent.destroy();
}
