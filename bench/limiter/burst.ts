/**
 * A worker process that takes many permits, says so, waits for a word on its standard input, and reports all of them as
 * refused.
 * Started by `waiting.ts` as `node --import tsx burst.ts '<BurstOptions as JSON>'`.
 */
import { once } from 'node:events';
import { fileURLToPath } from 'node:url';
import type { Charge } from '../../contracts/limits/limit.ts';
import { createPool } from '../../db/pool.ts';
import { createLimiter } from '../../limiter/index.ts';

export interface BurstOptions {
  readonly url: string;
  readonly charges: readonly Charge[];
  readonly permits: number;
}

if (process.argv[1] === fileURLToPath(import.meta.url)) {
  const options = JSON.parse(process.argv[2] ?? '{}') as BurstOptions;
  const pool = createPool(options.url, { max: 2 });
  const limiter = createLimiter({ pool });
  const answers = await Promise.all(
    Array.from({ length: options.permits }, (_, index) =>
      limiter.acquire({ callKey: `burst-${process.pid}-${index}`, account: 'a', charges: options.charges }),
    ),
  );
  const permits = answers.flatMap((answer) => (answer.granted ? [answer.permit] : []));
  process.stdout.write('ready\n');
  await once(process.stdin, 'data');
  process.stdin.destroy();
  await Promise.all(permits.map((permit) => limiter.report(permit, { result: 'refused' })));
  await limiter.stop();
  await pool.end();
  process.stdout.write(`${JSON.stringify({ permits: permits.length })}\n`);
}
