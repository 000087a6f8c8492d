/** How long to wait after a failure that may pass. Used by: pages, actions, refreshes of credentials. */

/** Half a second doubled with every real attempt, at most 5 minutes, ± 20 % so that callers do not come back together. */
export function backoffMs(attempts: number, random: () => number = Math.random): number {
  return Math.min(300_000, 500 * 2 ** Math.max(0, attempts - 1)) * (0.8 + 0.4 * random());
}
