/**
 * A worker process of the limiter's race tests: many callers that take permits from the same buckets in a random order of
 * charges, and write the machine's monotonic time of each send to standard output.
 * Started, as it is built, with a CallerOptions as JSON; ends by itself, or is killed.
 */
import { writeSync } from 'node:fs';
import type { Charge } from '../../../contracts/limits/limit.ts';
import { createPool } from '../../../db/pool.ts';
import { createLimiter, isFresh, LimiterUnavailable } from '../../../limiter/index.ts';

export interface CallerOptions {
  readonly url: string;
  readonly name: string;
  readonly charges: readonly Charge[];
  readonly callers: number;
  readonly runMs: number;
}

const options = JSON.parse(process.argv[2] ?? '{}') as CallerOptions;
const pool = createPool(options.url, { max: 4, applicationName: options.name });
const limiter = createLimiter({ pool });
const endsAt = performance.now() + options.runMs;
let unavailable = 0;
await Promise.all(Array.from({ length: options.callers }, (_, index) => callAgainAndAgain(`${options.name}-${index}`)));
await limiter.stop();
await pool.end();
writeSync(1, `unavailable ${unavailable}\n`);

async function callAgainAndAgain(account: string): Promise<void> {
  for (let serial = 0; performance.now() < endsAt; serial++) {
    const charges = options.charges.toSorted(() => Math.random() - 0.5);
    try {
      const answer = await limiter.acquire({ callKey: `${account}-${serial}`, account, charges, maxWaitMs: 1_000 });
      if (!answer.granted) {
        await new Promise((resolve) => setTimeout(resolve, Math.min(answer.retryAfterMs, 500)));
        serial--;
      } else if (isFresh(answer.permit)) writeSync(1, `sent ${process.hrtime.bigint()}\n`);
      else await limiter.report(answer.permit, { result: 'not-sent' });
    } catch (error) {
      if (!(error instanceof LimiterUnavailable)) throw error;
      unavailable++;
      await new Promise((resolve) => setTimeout(resolve, 50));
    }
  }
}
