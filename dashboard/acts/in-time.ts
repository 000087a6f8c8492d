/** Acts that may take long: they are waited for as long as a person waits, and then finished behind their back. Used by: `dashboard/acts`. */
import { setTimeout as sleep } from 'node:timers/promises';

/** What a person waits for before the page says that it is being done. */
const PATIENCE_MS = 15_000;

/**
 * @param later what is said when it is not done in time. Its end is in the audit, however it ends.
 * @throws what `work` throws in time.
 */
export async function inTime(work: Promise<string>, later: () => string): Promise<string> {
  const patience = new AbortController();
  try {
    return await Promise.race([
      work,
      sleep(PATIENCE_MS, undefined, { signal: patience.signal, ref: false }).then(later),
    ]);
  } finally {
    patience.abort();
    // Nobody hears any more how it ends; the audit does.
    work.catch(() => {});
  }
}
