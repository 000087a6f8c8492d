/**
 * The database that a command works on: `DATABASE_URL`, else the one that `sluice dev` runs.
 */
import { findDevServers } from '../dev-servers/index.ts';

/** @throws Error saying what to do when there is none. */
export async function databaseUrl(): Promise<string> {
  const url = process.env['DATABASE_URL'] || (await findDevServers()).databaseUrl;
  if (!url) throw new Error('No database: set DATABASE_URL, or run `npx sluice dev`, which starts one.');
  return url;
}
