/**
 * Sluice in the comparison: one worker process as an app would start it, with a client in it that starts one run for each
 * account. The limit is declared and checked at every call; LIMIT says which: `window` (so wide that it is never
 * reached) or `learned`. With SYNC=tree each item of the list is the parent of a list of one page. With START=due nobody starts them: all
 * accounts are due by a schedule at one moment, carried out by fleets; with START=due-each by a workflow for each.
 */
import { Pool } from 'pg';
import { z } from 'zod';
import { connect } from '../../client/index.ts';
import { defineProvider, defineSync, get, learned, noAuth, seconds, window } from '../../providers/index.ts';
import { createWorker } from '../../workers/index.ts';

const {
  API = '',
  DATABASE_URL = '',
  TEMPORAL_ADDRESS = '',
  ACCOUNTS = '1',
  LIMIT = 'window',
  SYNC = 'items',
  START = 'app',
} = process.env;

const provider = defineProvider({
  id: 'bench',
  baseUrl: API,
  auth: noAuth(),
  limits:
    LIMIT === 'learned'
      ? [learned('app', { by: ['app'] })]
      : [window('app', { by: ['app'], max: 100_000, perMs: seconds(1) })],
});
const Page = z.object({
  items: z.array(z.object({ id: z.string(), name: z.string(), updated: z.string() })),
  next: z.number().nullable(),
});
const items = provider.endpoint('items', {
  input: z.object({ user: z.string() }),
  response: Page,
  request: ({ user }, page) => get(`/u/${user}/items`, { cursor: page.cursor ?? 0, limit: page.size }),
  paginate: {
    kind: 'cursor',
    items: (page) => page.items,
    next: (page) => page.next,
    pageSize: { start: 100, max: 100 },
    maxPages: 1_000_000,
    // Its lists are thousands of rows, exactly.
    resultCap: false,
  },
});
const isDue = START !== 'app';
const daily = {
  every: '1d',
  input: ({ account }: { readonly account: string }) => ({ user: account }),
  priority: START === 'due-each' ? 'interactive' : 'bulk',
} as const;
const input = z.object({ user: z.string() });
const itemsSync = defineSync('items', { provider, input, ...(isDue ? { schedule: daily } : {}) }, (s) => ({
  items: s.one(items, { input: ({ user }) => ({ user }), key: (item) => item.id }),
}));
const one = provider.endpoint('one', {
  input: z.object({ id: z.string() }),
  response: z.object({ items: z.array(z.object({ id: z.string() })), next: z.null() }),
  request: ({ id }) => get(`/one/${id}`),
  paginate: { kind: 'cursor', items: (page) => page.items, next: (page) => page.next },
});
const treeSync = defineSync('tree', { provider, input: z.object({ user: z.string() }) }, (s) => {
  const parents = s.one(items, { input: ({ user }) => ({ user }), key: (item) => item.id });
  const children = s.each(parents, one, { input: ({ id }) => ({ id }), key: (item) => item.id });
  return { parents, children };
});

const sync = SYNC === 'tree' ? treeSync : itemsSync;
const temporal = { address: TEMPORAL_ADDRESS };
const worker = await createWorker({ syncs: [sync], databaseUrl: DATABASE_URL, temporal, schedules: isDue });
const running = worker.run();
const sluice = await connect({ databaseUrl: DATABASE_URL, temporal });
const database = new Pool({ connectionString: DATABASE_URL });
const users = Array.from({ length: Number(ACCOUNTS) }, (_, index) => `u${index}`);
if (isDue) {
  await database.query(`insert into sluice.account (provider, account) select 'bench', unnest($1::text[])`, [users]);
  await sluice.schedules.pause('items');
  await sluice.schedules.apply([sync]);
  await database.query(`update sluice.due set due_at = clock_timestamp() + interval '1 hour'`);
  await sluice.schedules.resume('items');
}
console.log('READY');
process.once('SIGTERM', () => worker.shutdown());
process.stdin.once('data', () => {
  const started = isDue
    ? database.query('update sluice.due set due_at = clock_timestamp()')
    : Promise.all(users.map((user) => sluice.start(sync, { account: user, input: { user } })));
  void started.then(() => console.log('STARTED'));
});
await running;
await sluice.close();
await database.end();
process.exit(0);
