/**
 * A process that reads a list of what has changed, on a machine whose clock may be wrong. Started, as it is built, with ReadChanges as
 * JSON; writes what came of it to standard output.
 */
import { z } from 'zod';
import { createDrive } from '../../../bench/common/drive.ts';
import { createPool } from '../../../db/index.ts';
import { defineProvider, defineSync, get, noAuth } from '../../../providers/index.ts';

export interface ReadChanges {
  readonly databaseUrl: string;
  readonly apiUrl: string;
  readonly account: string;
  readonly isNewestFirst: boolean;
}

export interface ReadResult {
  readonly state: string | undefined;
  readonly complete: boolean | undefined;
  readonly rows: number | undefined;
  /** What this process takes for the time. */
  readonly now: string;
}

const { databaseUrl, apiUrl, account, isNewestFirst } = JSON.parse(process.argv[2] ?? '{}') as ReadChanges;
const pool = createPool(databaseUrl, { max: 4 });
const drive = await createDrive(pool);
const Row = z.object({ id: z.string(), updated: z.string() });
const provider = defineProvider({ id: 'clocks', baseUrl: apiUrl, auth: noAuth(), limits: [] });
const changes = provider.endpoint('changes', {
  input: z.object({ since: z.string().optional() }),
  response: z.object({ items: z.array(Row), next: z.string().nullish() }),
  request: ({ since }, page) => get('/changes', { since, cursor: page.cursor }),
  paginate: {
    kind: 'cursor',
    items: ({ items }) => items,
    next: ({ next }) => next,
    ...(isNewestFirst ? { order: 'newest-first' as const } : {}),
  },
});
const sync = defineSync('clocks', { provider, input: z.object({}) }, (s) => ({
  rows: s.one(changes, {
    input: (_, { watermark }) => ({ since: isNewestFirst ? undefined : watermark }),
    key: ({ id }) => id,
    incremental: { field: ({ updated }) => updated, lookbackMs: 1_000 },
  }),
}));
const result = await drive.run(sync, { account });
const { state, complete, rows } = result ?? {};
process.stdout.write(JSON.stringify({ state, complete, rows, now: new Date().toISOString() } satisfies ReadResult));
await drive.end();
await pool.end();
