/**
 * What `sluice doctor` says of one thing that it looked at. Made by `client/doctor/diagnose.ts` and by the command line, which adds
 * what only it can see.
 */

export interface Finding {
  /** What was looked at: a stable name, e.g. `schema-version`. */
  readonly check: string;
  /**
   * `ok` · `wrong` it breaks something, now or under load · `advice` it works, but slower or less safely than it could ·
   * `unknown` it could not be looked at, which `found` explains.
   */
  readonly status: 'ok' | 'wrong' | 'advice' | 'unknown';
  /** What there is. */
  readonly found: string;
  /** What there should be. */
  readonly wanted: string;
  /** What to do; undefined when nothing is to be done. */
  readonly todo?: string;
}

/** What a check says before anybody has looked. */
export interface Check {
  readonly check: string;
  readonly wanted: string;
  readonly todo: string;
}

/** @param status `ok` leaves out what to do. */
export function finding({ check, wanted, todo }: Check, status: Finding['status'], found: string): Finding {
  return { check, status, found, wanted, ...(status === 'ok' ? {} : { todo }) };
}
