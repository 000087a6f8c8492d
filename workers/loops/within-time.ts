/** A handler of the app's has a time to end in. Used by `notify-failures.ts` and `workers/alerts/deliver-alerts.ts`. */
import { duration } from '../../contracts/values/duration.ts';

const HANDLER_MS = 30_000;

/** @throws Error when it takes longer than 30 s. */
export async function withinTime(work: Promise<void>): Promise<void> {
  let timer: NodeJS.Timeout | undefined;
  const late = new Promise<never>((_, reject) => {
    timer = setTimeout(() => reject(new Error(`it did not end within ${duration(HANDLER_MS)}`)), HANDLER_MS);
  });
  try {
    await Promise.race([work, late]);
  } finally {
    clearTimeout(timer);
  }
}
