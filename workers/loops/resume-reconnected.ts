/**
 * Tells runs that wait for their account that it is connected again. The app's `accounts.reconnected()` does so at
 * once. This is for what it could not tell: it died in between, or a refresh that was given up came through after all.
 */
import type { Client } from '@temporalio/client';
import type { Log } from '../../activities/index.ts';
import type { Pool } from '../../db/index.ts';
import { resumeReconnected } from '../../client/account/resume-reconnected.ts';

const INTERVAL_MS = 60_000;

/** Looks now and every minute, one index read each time. @returns a function that ends it. */
export function startResuming(pool: Pool, client: Client, log: Log): () => Promise<void> {
  let looking = look(pool, client, log);
  const timer = setInterval(() => {
    looking = looking.then(() => look(pool, client, log));
  }, INTERVAL_MS);
  timer.unref();
  return async () => {
    clearInterval(timer);
    await looking;
  };
}

/** Never rejects: the next look comes anyway. */
async function look(pool: Pool, client: Client, log: Log): Promise<void> {
  try {
    await resumeReconnected(pool, client);
  } catch (error) {
    log.warn({ error: String(error) }, 'runs of accounts that are connected again could not be told');
  }
}
