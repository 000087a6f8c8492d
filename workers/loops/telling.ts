/**
 * How the app and its receivers are told of something until they have taken it. Used by: `notify-failures.ts`,
 * `workers/alerts/deliver-alerts.ts`.
 */
import { duration } from '../../contracts/values/duration.ts';

export const TELL_INTERVAL_MS = 1_000;
/** Told side by side. */
export const TELL_ROOM = 20;
const HANDLER_MS = 30_000;
/** Longer than a handler may take, so that two workers do not tell the same one at the same time. */
export const TELL_LEASE_MS = 40_000;
const LONGEST_DELAY_MS = 300_000;

/** A second, twice as long after each try, at most five minutes. @param tries before this one. */
export function tellAgainMs(tries: number): number {
  return Math.min(LONGEST_DELAY_MS, 1_000 * 2 ** Math.min(tries, 20));
}

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
