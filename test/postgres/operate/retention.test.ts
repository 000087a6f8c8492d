/** What is removed by age, and what is not although it is old: each thing that something still needs, by a real statement that needs it. */
import { randomUUID } from 'node:crypto';
import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import { checkedRetention, type Retention } from '../../../contracts/operate/retention.ts';
import {
  commitPage,
  CursorLost,
  finishRun,
  openRetry,
  openRun,
  oldRuns,
  type RunPlace,
  readChanges,
  readFreshness,
  readRetriable,
  takeRetentionRound,
  endRetentionRound,
} from '../../../db/index.ts';
import { owedLists, takeOver } from '../../../db/stores/sync/list-store.ts';
import { LOOK } from '../../../db/stores/operate/old-runs-store.ts';
import { removeOld } from '../../../workers/loops/remove-old.ts';
import { pageToCommit } from '../../setup/page-to-commit.ts';
import { createTestDatabase, type TestDatabase } from '../../setup/servers/database.ts';

const node = (name: string, parent: string | null, more: object = {}) => ({
  name,
  endpoint: name,
  parent,
  resource: `s.${name}`,
  pagination: 'cursor' as const,
  window: 40,
  onChildError: { notFound: 'fail' as const, forbidden: 'fail' as const, maxSkippedShare: 1 },
  callTimeoutMs: 1_000,
  ...more,
});
/** Parents that did not change do not come again: what a run left unread below them is owed by the next one. */
const plan = {
  sync: 's',
  provider: 'p',
  nodes: [node('parents', null, { incremental: true, visitsOwed: true }), node('children', 'parents')],
  maxHistoryEvents: 4_000,
};

describe('retention', () => {
  let db: TestDatabase;
  let account: string;
  beforeAll(async () => {
    db = await createTestDatabase();
  });
  afterAll(() => db?.drop());
  beforeEach(() => {
    account = randomUUID();
  });

  const sql = async <Row extends object>(text: string, values: readonly unknown[] = []): Promise<Row[]> =>
    (await db.pool.query(text, [...values])).rows as Row[];
  const remove = async (kept: Retention = {}) =>
    (await removeOld(db.pool, checkedRetention(kept), { forMs: 30_000 })).removed;

  /** Opened so many days ago, with one parent `a`; its lists end as they are told. */
  async function run(
    ageDays: number,
    { parents = 'complete', children, workflowId = `sync/s/${account}` }: RunEnds = {},
  ): Promise<string> {
    const id = randomUUID();
    await openRun(db.pool, { runId: id, workflowId, account, tenant: undefined, input: {}, plan, mode: 'incremental' });
    const end = async (name: string, endKind: string): Promise<void> => {
      const [unit] = await sql<{ id: number }>('select id from sluice.unit where run_id = $1 and node = $2', [
        id,
        name,
      ]);
      const of = { unit: unit?.id ?? 0, run: id, node: name, account, resource: `s.${name}` };
      const brings = name === 'parents' && children !== undefined ? [['children', 'a', 'a'] as const] : [];
      await commitPage(
        db.pool,
        pageToCommit(of, {
          records: name === 'parents' ? [['a', {}]] : [],
          children: brings,
          end: { kind: endKind, reason: endKind === 'complete' ? null : 'so' } as never,
        }),
      );
    };
    await end('parents', parents);
    if (children !== undefined) await end('children', children);
    await finishRun(db.pool, id, {});
    await age(id, ageDays);
    return id;
  }
  const age = async (id: string, days: number): Promise<void> => {
    await sql(
      `update sluice.run set started_at = clock_timestamp() - $2 * interval '1 day' - interval '1 minute',
         ended_at = clock_timestamp() - $2 * interval '1 day' where id = $1`,
      [id, days],
    );
  };
  const left = async (): Promise<string[]> =>
    (await sql<{ id: string }>('select id from sluice.run where account = $1 order by started_at', [account])).map(
      ({ id }) => id,
    );

  it('removes old runs with their nodes and lists, and none that is younger', async () => {
    const old = await run(100, { children: 'complete' });
    const young = await run(80, { children: 'complete' });
    const newest = await run(70);
    expect(await remove()).toEqual({ unit: 2, run: 1 });
    expect(await left()).toEqual([young, newest]);
    for (const table of ['node', 'unit'])
      expect(await sql(`select 1 from sluice.${table} where run_id = $1`, [old])).toEqual([]);
    expect(await remove()).toEqual({});
  });

  it('keeps the newest run, and the last good one, however old: freshness, a retry', async () => {
    const good = await run(300);
    await run(250, { parents: 'failed' });
    const newest = await run(200, { parents: 'failed' });
    await remove();
    expect(await left()).toEqual([good, newest]);
    expect(await readRetriable(db.pool, `sync/s/${account}`)).toMatchObject({ runId: newest });
    await sql(`insert into sluice.account (provider, account) values ('p', $1)`, [account]);
    await sql(
      `insert into sluice.declaration (kind, id, sync, provider, task_queue, spec) values ('freshness', 's', 's', 'p', 'q', '{"freshForMs": 1}')`,
    );
    const [fresh] = await readFreshness(db.pool, {}, 10);
    expect(fresh?.stalest.find((each) => each.account === account)?.ageMs).toBeGreaterThan(299 * 86_400_000);
  });

  it('keeps the newest run of the workflow that a retry names, behind newer queued ones', async () => {
    const own = await run(300, { parents: 'failed' });
    const queued = await run(250, { workflowId: `sync/s/${account}/queued/1` });
    const newest = await run(200, { workflowId: `sync/s/${account}/queued/2` });
    await remove();
    expect(await left()).toEqual([own, newest]);
    expect(queued).not.toBe(newest);
  });

  it('keeps what a retry has read in part until the retry is removed', async () => {
    const failed = await run(300, { children: 'failed' });
    const retry = randomUUID();
    await openRetry(db.pool, { runId: retry, workflowId: `sync/s/${account}`, of: failed, also: [] });
    await remove();
    expect(await left()).toHaveLength(2);
    await finishRun(db.pool, retry, { error: 'again' });
    await age(retry, 200);
    const newest = await run(100);
    await remove();
    await remove();
    expect(await left()).toEqual([newest]);
  });

  it('keeps a run whose lists a later run still has to read, until one has taken them over', async () => {
    const owing = await run(300, { children: 'failed' });
    // It was cancelled before it came to them.
    const cut = randomUUID();
    await openRun(db.pool, {
      runId: cut,
      workflowId: `sync/s/${account}`,
      account,
      tenant: undefined,
      input: {},
      plan,
      mode: 'incremental',
    });
    await finishRun(db.pool, cut, { cancelled: true });
    await age(cut, 250);
    await run(200, { parents: 'failed' });
    await remove();
    expect((await left())[0]).toBe(owing);

    const next = randomUUID();
    await openRun(db.pool, {
      runId: next,
      workflowId: `sync/s/${account}`,
      account,
      tenant: undefined,
      input: {},
      plan,
      mode: 'incremental',
    });
    const owed = await owedLists(db.pool, next, 'children');
    expect(owed).toMatchObject({ run: owing, lists: [{ key: 'a', record: 'a' }] });
    await takeOver(db.pool, next, 'children', [['a', 'a']], owed!);
    await takeOver(db.pool, next, 'children', []);
    await remove();
    expect(await left()).toEqual([next]);
  });

  it('keeps the run of a row in quarantine for as long as the row', async () => {
    const old = await run(300);
    await run(250);
    const newest = await run(200);
    await sql(
      `insert into sluice.quarantine (sync, node, account, resource, parent_key, name, path, reason, run_id, unit_id, first_seen_at, last_seen_at)
       values ('s', 'parents', $1, 's.parents', '', 'x', '', '', $2, 1, clock_timestamp(), clock_timestamp() - interval '50 days')`,
      [account, old],
    );
    await remove();
    expect(await left()).toEqual([old, newest]);
    expect(await remove({ quarantineDays: 40 })).toMatchObject({ quarantine: 1, run: 1 });
    expect(await left()).toEqual([newest]);
  });

  it('leaves runs alone that have not ended, and what is kept for ever', async () => {
    const open = randomUUID();
    await openRun(db.pool, {
      runId: open,
      workflowId: `sync/s/${account}`,
      account,
      tenant: undefined,
      input: {},
      plan,
      mode: 'incremental',
    });
    await sql(`update sluice.run set started_at = clock_timestamp() - interval '300 days' where id = $1`, [open]);
    const old = await run(250);
    const newest = await run(200);
    expect(await remove({ runDays: Infinity })).toEqual({});
    await remove();
    expect(await left()).toEqual([open, newest]);
    expect(old).not.toBe(newest);
  });

  it('takes many lists of one run in small steps, goes on where it was cut off, and holds no lock of it for long', async () => {
    const old = await run(300);
    const newest = await run(200);
    await sql(
      `insert into sluice.unit (run_id, node, parent_key, state, end_kind)
       select $1, 'children', n::text, 'done', 'complete' from generate_series(1, 30000) n`,
      [old],
    );
    let asked = 0;
    const first = await removeOld(db.pool, checkedRetention(), { forMs: 1e9, isEnding: () => ++asked > 20 });
    expect(first.isDone).toBe(false);
    expect(first.removed['unit'] ?? 0).toBeGreaterThan(0);
    expect(first.removed['unit'] ?? 0).toBeLessThan(30_002);
    expect(await left()).toEqual([old, newest]);
    const { removed, isDone } = await removeOld(db.pool, checkedRetention(), { forMs: 30_000 });
    expect((first.removed['unit'] ?? 0) + (removed['unit'] ?? 0)).toBeGreaterThanOrEqual(30_001);
    expect([isDone, removed['run']]).toEqual([true, 1]);
    expect(await left()).toEqual([newest]);
  });

  it('removes reports, actions, audit, uses of secrets and alerts by age, and no step of a saga that is still open', async () => {
    const ago = `clock_timestamp() - interval '500 days'`;
    const step = (id: string, root: string) =>
      sql(
        `insert into sluice.action_step (workflow_id, root_workflow_id, provider, action, account, tenant, idempotency_key, input, state, created_at, ended_at)
         values ($1, $2, 'p', 'a', 'x', 't', gen_random_uuid(), '{}', 'done', ${ago}, ${ago})`,
        [id, root],
      );
    const report = (workflowId: string, status: string, time: string) =>
      sql(
        `insert into sluice.report (id, kind, name, account, tenant, started_by, workflow_id, root_workflow_id, what, status, ended_at)
         values (gen_random_uuid(), 'saga', 'a', 'x', 't', 'system', $1, $1, '', $2, ${status === 'pending' ? 'null' : time})`,
        [workflowId, status],
      );
    const saga = (id: string) =>
      sql(
        `insert into sluice.saga (workflow_id, name, account, tenant, started_by, input, created_at) values ($1, 'a', 'x', 't', 'system', '{}', ${ago})`,
        [id],
      );
    for (const id of ['open', 'over']) {
      await step(`${id}/1`, id);
      await saga(id);
    }
    await report('open', 'pending', '');
    await report('over', 'ok', ago);
    await report('young', 'ok', 'clock_timestamp()');
    await sql(
      `insert into sluice.audit (at, by, via, act, subject_kind, subject) values (${ago}, 'system', 'cli', 'x', 'limit', 'y'), (clock_timestamp(), 'system', 'cli', 'x', 'limit', 'y')`,
    );
    await sql(
      `insert into sluice.secret_use values ('p', 'x', ${ago}, 'call', 'me', 1, ${ago}, ${ago}), ('p', 'x', date_trunc('hour', clock_timestamp()), 'call', 'me', 1, clock_timestamp(), clock_timestamp())`,
    );
    await sql(
      `with made as (insert into sluice.alert (kind, subject, text, fired_at, cleared_at) values ('stale', 'old', '', ${ago}, ${ago}), ('stale', 'open', '', ${ago}, null) returning id)
       insert into sluice.alert_delivery (alert_id, event, channel, delivered_at) select id, 'fired', 'handler', ${ago} from made`,
    );
    expect(await remove()).toEqual({ report: 1, action_step: 1, saga: 1, audit: 1, secret_use: 1, alert: 1 });
    expect(
      await sql('select workflow_id as id from sluice.action_step union all select workflow_id from sluice.saga'),
    ).toEqual([{ id: 'open/1' }, { id: 'open' }]);
    expect(await sql('select workflow_id as id from sluice.report order by 1')).toEqual([
      { id: 'open' },
      { id: 'young' },
    ]);
    expect(await sql('select subject from sluice.alert a join sluice.alert_delivery d on d.alert_id = a.id')).toEqual([
      { subject: 'open' },
    ]);
  });

  it('removes old deletions, and tells each reader of the feed that has missed one to begin again', async () => {
    const resource = 's.parents';
    const read = (after?: string) => readChanges(db.pool, { account, resource, after, limit: 1 });
    const store = async (key: string): Promise<void> => {
      const id = randomUUID();
      await openRun(db.pool, { runId: id, workflowId: id, account, tenant: undefined, input: {}, plan, mode: 'full' });
      const [unit] = await sql<{ id: number }>(`select id from sluice.unit where run_id = $1`, [id]);
      const of = { unit: unit?.id ?? 0, run: id, node: 'parents', account, resource };
      await commitPage(db.pool, pageToCommit(of, { records: [[key, {}]] }));
    };
    const deleteRow = async (key: string, days: number): Promise<void> => {
      await sql(`select sluice.mark_gone($1, $2, '', array[$3])`, [account, resource, key]);
      await sql(
        `update sluice.record set deleted_at = deleted_at - $3 * interval '1 day' where account = $1 and key = $2`,
        [account, key, days],
      );
    };
    for (const key of ['a', 'b', 'c']) await store(key);
    const [a] = await read();
    const [b] = await read(a!.sequence);
    // Two readers: both know of b. One sees it go, the other is away.
    await deleteRow('b', 100);
    const away = b!.sequence;
    const [c] = await read(away);
    const [gone] = await read(c!.sequence);
    expect(gone).toMatchObject({ key: 'b', change: 'delete' });
    // One that began after that, and is still at the beginning.
    const [late] = await read();
    expect(late).toMatchObject({ key: 'a' });

    expect(await remove({ deletionDays: 101 })).toEqual({});
    expect(await remove()).toEqual({ record: 1 });
    await expect(read(away)).rejects.toThrow(CursorLost);
    await expect(read(away)).rejects.toThrow(/away for longer/);
    expect(await read(gone!.sequence)).toEqual([]);
    const [next] = await read(late!.sequence);
    expect(next).toMatchObject({ key: 'c' });
    // A later deletion that is removed while it reads: it may have seen the row.
    await deleteRow('a', 100);
    await remove();
    await expect(read(next!.sequence)).rejects.toThrow(CursorLost);
    expect((await read()).map(({ key }) => key)).toEqual(['c']);
    await store('b');
    expect(await read(gone!.sequence).catch((error: unknown) => error)).toBeInstanceOf(CursorLost);
  });

  it('is the work of one worker at a time, and of the next one when that is killed', async () => {
    expect(await takeRetentionRound(db.pool, 60_000)).toBe(true);
    expect(await takeRetentionRound(db.pool, 60_000)).toBe(false);
    await endRetentionRound(db.pool, 0);
    expect(await takeRetentionRound(db.pool, 60_000)).toBe(true);
  });

  it('finds what is old by indexes, also when most of it is kept', async () => {
    await sql(
      `insert into sluice.run (id, workflow_id, provider, sync, account, input, plan, state, started_at, ended_at)
       select gen_random_uuid(), 'sync/k/' || n, 'p', 'k', n::text, '{}', '{}', 'failed', now() - interval '200 days', now() - (100 + n % 90) * interval '1 day'
       from generate_series(1, 5000) n`,
    );
    await sql('vacuum analyze sluice.run');
    const rows = await sql(
      `explain (format text) ${LOOK.replaceAll('$1', '90').replaceAll('$2', 'null').replaceAll('$3', 'null')}`,
    );
    const text = rows.map((row) => Object.values(row)[0]).join('\n');
    expect(text).toMatch(/Index Scan using run_by_age/);
    expect(text).not.toMatch(/Seq Scan on run\b|Sort/);
    let looked = 0;
    for (let place: RunPlace | undefined; ;) {
      const { over, next } = await oldRuns(db.pool, 90, place);
      looked++;
      expect(over).toEqual([]);
      if (!next) break;
      place = next;
    }
    expect(looked).toBeGreaterThanOrEqual(25);
  });
});

interface RunEnds {
  readonly parents?: 'complete' | 'failed';
  readonly children?: 'complete' | 'failed';
  readonly workflowId?: string;
}
