/** The version of Sluice, and how a worker tells it to Temporal: its identity, as `sluice doctor` and the Web UI show it. */

/** The same as in package.json. */
export const SLUICE_VERSION = '0.1.0';

/** `sluice-0.1.0/4711@host`. @param process its id and host, as Temporal's own identities have them: `4711@host`. */
export function workerIdentity(process: string): string {
  return `sluice-${SLUICE_VERSION}/${process}`;
}

/** @returns undefined for a program that is no worker of ours. */
export function versionOf(identity: string): string | undefined {
  return /^sluice-([^/]+)\//.exec(identity)?.[1];
}
