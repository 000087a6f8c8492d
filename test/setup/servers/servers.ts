/**
 * The servers of the process that runs this file. No other file uses them at the same time, so nothing that it does to them
 * (an open transaction, a thousand workflows) is felt elsewhere. `postgres.ts` and `temporal.ts` start them; vitest calls this
 * file before each test file (`setupFiles`).
 */
import { Client } from 'pg';
import { inject, vi } from 'vitest';
import type { PostgresServer } from './postgres.ts';

// Files of one worker share their process, and not their modules for ever.
const claimed = globalThis as { sluiceServers?: number };
claimed.sluiceServers ??= await claim();

export const postgresServer = (): PostgresServer => inject('postgresServers')[claimed.sluiceServers!] as PostgresServer;

/** `host:port`; the namespace is `default`. */
export const temporalAddress = (): string => inject('temporalAddresses')[claimed.sluiceServers!] as string;

/** A lock in the Postgres of each pair says that it is taken, for as long as the process lives. @returns its index. */
async function claim(): Promise<number> {
  const servers = inject('postgresServers');
  const tryOne = async ({ adminUrl, template }: PostgresServer): Promise<boolean> => {
    const client = new Client({ connectionString: adminUrl, application_name: 'sluice-test-claim' });
    client.on('error', () => {}); // the server is stopped at the end of the run
    await client.connect();
    const { rows } = await client.query<{ isMine: boolean }>(
      `select pg_try_advisory_lock(hashtext('sluice-tests'), hashtext($1)) as "isMine"`,
      [template],
    );
    if (rows[0]?.isMine) return true;
    await client.end();
    return false;
  };
  // A process whose files are done may take a moment to end.
  return vi
    .waitUntil(
      async () => {
        for (const [index, server] of servers.entries()) if (await tryOne(server)) return { index };
        return undefined;
      },
      { timeout: 60_000, interval: 100 },
    )
    .then(({ index }) => index);
}
