/**
 * Tells runs that wait for their account that it is connected again. The app's `accounts.reconnected()` does so at once;
 * this is for what it could not tell: it died in between, or a refresh that was given up came through after all.
 */
import { WorkflowNotFoundError, type Client } from '@temporalio/client';
import type { Log } from '../activities/index.ts';
import { signalNames } from '../contracts/names.ts';
import { runsToResume, type Pool } from '../db/index.ts';

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
    for (const { workflowId } of await runsToResume(pool)) {
      await client.workflow
        .getHandle(workflowId)
        .signal(signalNames.reconnected)
        .catch((error: unknown) => {
          if (!(error instanceof WorkflowNotFoundError)) throw error; // a run whose workflow was terminated
        });
    }
  } catch (error) {
    log.warn({ error: String(error) }, 'runs of accounts that are connected again could not be told');
  }
}
