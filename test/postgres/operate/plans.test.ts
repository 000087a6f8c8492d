/** What an operator waits for is read by indexes, however many lists there are. */
import { randomUUID } from 'node:crypto';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { WAITS } from '../../../db/stores/run/wait-store.ts';
import { createTestDatabase, type TestDatabase } from '../../setup/servers/database.ts';

let db: TestDatabase;
beforeAll(async () => {
  db = await createTestDatabase();
});
afterAll(() => db?.drop());

it.each([1_000, 60_000])(
  'what a run of %i lists waits for is found by its own open lists, not by those of all runs before it',
  async (own) => {
    await db.pool.query('truncate sluice.run cascade');
    const run = randomUUID();
    for (const id of [...Array.from({ length: 9 }, () => randomUUID()), run]) {
      await db.pool.query(
        `insert into sluice.run (id, workflow_id, provider, sync, account, input, plan) values ($1, $2, 'p', 's', 'a', '{}', '{"nodes": [{"name": "items", "endpoint": "e"}]}')`,
        [id, id],
      );
      await db.pool.query(
        `insert into sluice.node (run_id, name, ordinal, resource) values ($1, 'items', 1, 's.items')`,
        [id],
      );
      await db.pool.query(
        `insert into sluice.unit (run_id, node, parent_key, state, end_kind)
       select $1, 'items', n::text, case when n % 2 = 0 then 'done' else 'waiting' end, case when n % 2 = 0 then 'complete' end from generate_series(1, $2) n`,
        [id, id === run ? own : 10_000],
      );
    }
    await db.pool.query('vacuum analyze sluice.unit');
    const { rows } = await db.pool.query<Record<string, string>>(`explain ${WAITS.replaceAll('$1', `'${run}'`)}`);
    const plan = rows.map((row) => Object.values(row)[0]).join('\n');
    expect(plan).toMatch(/Index Scan (?:using|on) unit_unended/);
    expect(plan).not.toMatch(/unit_pkey|Seq Scan on unit/);
  },
);
