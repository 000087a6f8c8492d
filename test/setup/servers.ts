/**
 * The servers of the worker that runs this file. No other file uses them at the same time, so nothing that it does to them
 * (an open transaction, a thousand workflows) is felt elsewhere. `postgres.ts` and `temporal.ts` start them.
 */
import { inject } from 'vitest';
import type { PostgresServer } from './postgres.ts';

export const postgresServer = (): PostgresServer => mine(inject('postgresServers'));

/** `host:port`; the namespace is `default`. */
export const temporalAddress = (): string => mine(inject('temporalAddresses'));

/** Workers are counted from 1; there may be fewer servers when somebody has named one. */
function mine<Server>(servers: readonly Server[]): Server {
  const worker = Number(process.env['VITEST_POOL_ID'] ?? 1);
  return servers[(worker - 1) % servers.length] as Server;
}
