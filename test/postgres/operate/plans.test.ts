/** What an operator waits for, and what each start asks, is read by indexes, however much there is. */
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

it('whose an account is that is not connected is found by its newest runs and actions, not by all of them', async () => {
  await db.pool.query('truncate sluice.run cascade');
  await db.pool.query(
    `insert into sluice.run (id, workflow_id, provider, sync, account, tenant, input, plan, state, started_at, ended_at)
     select gen_random_uuid(), 'w', case when n % 3 = 2 then 'q' else 'p' end, 's' || n % 3, 'a', 't' || n, '{}', '{}', 'done', now() - n * interval '1 minute', now()
     from generate_series(1, 6000) n`,
  );
  await db.pool.query(
    `insert into sluice.report (id, kind, name, account, tenant, started_by, workflow_id, run_id, root_workflow_id, what, status, started_at)
     select gen_random_uuid(), 'sync', 's', 'a', 'a', 'x', 'w', gen_random_uuid(), 'w', 'x', 'ok', now() - interval '1 day' from generate_series(1, 6000) n`,
  );
  await db.pool.query('vacuum analyze sluice.run, sluice.report');
  const ask = async (provider: string) => {
    const client = await db.pool.connect();
    try {
      await client.query('begin');
      const { rows } = await client.query<{ tenant: string }>(
        `select * from sluice.tenant_of_account($1, 'a') tenant`,
        [provider],
      );
      const { rows: read } = await client.query<{ rows: string }>(
        `select sum(coalesce(seq_tup_read, 0) + coalesce(idx_tup_fetch, 0)) as rows from pg_stat_xact_user_tables where relname in ('run', 'report')`,
      );
      return { tenants: rows.map(({ tenant }) => tenant), rows: Number(read[0]?.rows) };
    } finally {
      await client.query('rollback');
      client.release();
    }
  };
  for (const [provider, tenants] of [
    ['p', ['t1']],
    ['q', ['t2']],
    ['unknown', []],
  ] as const) {
    const asked = await ask(provider);
    expect(asked.tenants).toEqual(tenants);
    expect(asked.rows).toBeGreaterThan(0);
    expect(asked.rows).toBeLessThanOrEqual(20);
  }
});
