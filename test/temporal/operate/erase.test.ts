/** An account is erased: nothing of it is left, nothing else is touched, and one that was cut off is run again. */
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { z } from 'zod';
import { defineProvider, defineSync, get, post, revocable, bearer, window } from '../../../providers/index.ts';
import { startFakeApi, type FakeApi } from '../../../testing/index.ts';
import { sluice as command } from '../../setup/programs/command-line.ts';
import { TEST_KEYS } from '../../setup/programs/credential-worker.ts';
import { temporalAddress } from '../../setup/servers/servers.ts';
import { createWorld, type World } from '../../setup/world.ts';

const MARK = 'PRIVATE-OF-ZOE';

describe('erasing an account', () => {
  let api: FakeApi;
  let world: World;
  const revoked: string[] = [];

  const partsOf = (id: string) => {
    const provider = defineProvider(z.object({ mark: z.string() }), {
      id,
      baseUrl: () => api.url,
      auth: revocable(bearer(), { request: ({ accessToken }) => post('/revoke', { token: accessToken }) }),
      limits: [window('app', { by: ['app'], max: 1_000, perMs: 1_000 }), window('token', { by: ['token'], max: 1_000, perMs: 1_000 })], // prettier-ignore
    });
    const items = provider.endpoint('items', {
      input: z.object({ mark: z.string() }),
      response: z.object({
        items: z.array(z.object({ id: z.string(), mark: z.string() })),
        next: z.string().nullish(),
      }),
      onMismatch: 'quarantine',
      request: ({ mark }, page) => get('/items', { mark, cursor: page.cursor, limit: page.size }),
      paginate: { kind: 'cursor', items: (page) => page.items, next: (page) => page.next },
    });
    const sync = defineSync(`${id}-items`, { provider, input: z.object({ mark: z.string() }) }, (s) => ({
      list: s.one(items, { input: ({ mark }) => ({ mark }), key: (row) => row.id }),
    }));
    const note = provider.action('note', {
      input: z.object({ mark: z.string() }),
      output: z.object({ id: z.string() }),
      request: ({ mark }) => post('/notes', { mark }),
    });
    return { provider, sync, note };
  };
  const crm = partsOf('crm');
  const mail = partsOf('mail');

  beforeAll(async () => {
    api = await startFakeApi();
    api.list('/items', { count: 5, itemAt: (_, i) => ({ id: `i${i}`, mark: i === 3 ? 7 : MARK, more: MARK }) });
    api.route('POST', '/notes', async () => ({ body: { id: MARK } }));
    api.route('POST', '/revoke', async ({ body }) => {
      revoked.push(JSON.stringify(body));
      return { body: {} };
    });
    world = await createWorld([crm.sync, mail.sync], { actions: [crm.note, mail.note], encryptionKeys: TEST_KEYS });
  });
  afterAll(async () => {
    await world?.end();
    await api?.stop();
  });

  const fill = async ({ provider, sync, note }: typeof crm, account: string) => {
    const credentials = { accessToken: `at-of-${account}-0001` };
    await world.sluice.accounts.connect({ provider, account, settings: { mark: MARK }, credentials });
    const run = await world.sluice.start(sync, { account, input: { mark: MARK } });
    expect(await run.result()).toMatchObject({ rows: 4 });
    await (await world.sluice.act(note, { account, input: { mark: MARK } })).result();
  };
  /** Rows of all tables whose text has it, by table. */
  const rowsWith = async (text: string): Promise<Record<string, number>> => {
    const { rows: tables } = await world.db.pool.query<{ name: string }>(
      `select table_name as name from information_schema.tables where table_schema = 'sluice' and table_type = 'BASE TABLE'`,
    );
    const found: Record<string, number> = {};
    for (const { name } of tables) {
      const { rows } = await world.db.pool.query<{ n: number }>(
        `select count(*)::int as n from sluice.${name} t where strpos(t::text, $1) > 0`,
        [text],
      );
      if (rows[0]!.n > 0) found[name] = rows[0]!.n;
    }
    return found;
  };

  it('leaves nothing of it but who did what, at Postgres and at Temporal, and the third party is told', async () => {
    await fill(crm, "zoe's");
    // Its time by a schedule of workers elsewhere, and an alert about it.
    await world.db.pool.query(`
      insert into sluice.declaration (kind, id, sync, provider, task_queue, spec)
        values ('schedule', 'crm-items', 'crm-items', 'crm', 'elsewhere', '{}');
      insert into sluice.due (schedule, account, place, due_at, version) values ('crm-items', 'zoe''s', 0, now() + interval '1 day', 1);
      insert into sluice.alert (kind, subject, text) values
        ('needs-reconnect', 'crm/zoe''s', 'x'), ('stale', 'crm-items/zoe''s', 'x');`);
    // One that is at work: it waits for a paused provider, and would for ever.
    await world.sluice.limits.pause('crm/*', 'for the test');
    await world.sluice.start(crm.sync, { account: "zoe's", input: { mark: MARK } });
    const act = await world.sluice.act(crm.note, { account: "zoe's", input: { mark: MARK } });
    await expect.poll(async () => (await act.waits()).length).toBeGreaterThan(0);
    expect(Object.keys(await rowsWith(MARK))).toEqual(
      expect.arrayContaining(['record', 'quarantine', 'action_step', 'account', 'run', 'audit']),
    );

    const env = { DATABASE_URL: world.db.url, TEMPORAL_ADDRESS: temporalAddress(), SLUICE_TASK_QUEUE: world.taskQueue };
    const asked = await command(['accounts', 'erase', 'crm', "zoe's"], env);
    expect(asked).toMatchObject({
      code: 1,
      output: expect.stringMatching(/4 record.*\n.*Nothing was changed/) as string,
    });
    expect((await rowsWith(MARK))['record']).toBe(4);

    const erasing = world.sluice.as({ by: 'user:ann', why: `asked for by ${MARK}` }).accounts.erase({ provider: 'crm', account: "zoe's" }); // prettier-ignore
    const stopped = async () => (await act.status())?.state ?? 'gone';
    // Its revocation is a call too: the provider is let go when all has been stopped.
    await expect.poll(stopped, { timeout: 40_000, interval: 100 }).not.toBe('ready');
    await world.sluice.limits.resume('crm/*');
    const proof = await erasing;
    expect(proof).toMatchObject({
      revocation: 'told',
      stopped: { ended: 2, terminated: 0 },
      isComplete: true,
    });
    expect(proof.left).toEqual({ rows: {}, histories: [], schedules: [] });
    expect(proof.deleted).toMatchObject({
      record: 4,
      quarantine: 1,
      action_step: 2,
      run: 2,
      report: 4,
      account: 1,
      due: 1,
      alert: 2,
    });
    expect(proof.histories).toBe(4);
    expect(revoked.join()).toContain("at-of-zoe's-0001");
    expect(Object.keys(await rowsWith(MARK))).toEqual(['audit']);
    expect((await world.sluice.audit.list({ act: 'accounts.erase' }))[0]).toMatchObject({
      outcome: 'done',
      by: 'user:ann',
    });
    expect(Object.keys(await rowsWith("zoe's")).sort()).toEqual(['audit', 'secret_use']);
    const earlier = (await world.sluice.audit.list({ subject: "crm/zoe's" })).filter(({ act }) => act !== 'accounts.erase'); // prettier-ignore
    expect(earlier.map(({ act, before, after }) => [act, before, after])).toEqual([['accounts.connect', null, null]]);
    for await (const { workflowId } of world.temporal.workflow.list({ query: `TaskQueue = '${world.taskQueue}'` }))
      expect(workflowId).not.toContain('zoe');
    const again = await command(['accounts', 'erase', 'crm', "zoe's", '--yes'], env);
    expect(again).toMatchObject({ code: 0, output: expect.stringContaining('erased') as string });
  });

  it('of a name that nobody knows is told from one that was erased before, also the second time', async () => {
    const env = { DATABASE_URL: world.db.url, TEMPORAL_ADDRESS: temporalAddress(), SLUICE_TASK_QUEUE: world.taskQueue };
    for (const turn of [1, 2])
      expect(await command(['accounts', 'erase', 'crm', 'zoes', '--yes'], env), `${turn}`).toMatchObject({
        code: 1,
        output: expect.stringContaining('crm/zoes  unknown') as string,
      });
    expect(await world.sluice.accounts.erase({ provider: 'crm', account: "zoe's" })).toMatchObject({
      wasKnown: true,
      isComplete: true,
      deleted: {},
    });
  });

  it('touches no other account, and not that of the same name at another provider', async () => {
    await fill(crm, 'sam');
    await fill(mail, 'sam');
    await fill(crm, 'samuel');
    // A saga at work that has to do with the other provider alone.
    await world.db.pool.query(`
      insert into sluice.saga (workflow_id, name, account, tenant, started_by, input)
        values ('saga/mails/1', 'mails', 'sam', 'x', 'x', '{}');
      insert into sluice.action_step (workflow_id, root_workflow_id, action, provider, account, tenant, idempotency_key, input)
        values ('mails-1', 'saga/mails/1', 'mail/note', 'mail', 'sam', 'x', gen_random_uuid(), '{}');
      insert into sluice.entity_lock (entity, workflow_id, root_workflow_id, kind, name, account, started_by)
        values ('e', 'saga/mails/1', 'saga/mails/1', 'saga', 'mails', 'sam', 'x');`);
    // How limits were used is written down every ten seconds.
    const stored = async (provider: string, account: string) => {
      const { rows, ...rest } = await world.sluice.accounts.stored({ provider, account });
      const { limit_pace: _, ...others } = rows;
      return { ...rest, rows: others };
    };
    const before = [await stored('mail', 'sam'), await stored('crm', 'samuel')];
    expect(before[0]?.rows).toMatchObject({ record: 4, run: 1, limit_bucket: 1, saga: 1, entity_lock: 1 });
    expect(await world.sluice.accounts.erase({ provider: 'crm', account: 'sam' })).toMatchObject({ isComplete: true });
    expect([await stored('mail', 'sam'), await stored('crm', 'samuel')]).toEqual(before);
    const run = await world.sluice.start(mail.sync, { account: 'sam', input: { mark: MARK } });
    expect(await run.result()).toMatchObject({ state: expect.stringMatching('done|incomplete') as string });
  });

  it('that was cut off in the middle does the rest when it is run again', async () => {
    await fill(crm, 'max');
    const { pool } = world.db;
    await pool.query(`
      create function public.cut() returns trigger language plpgsql as $$ begin raise 'the process is gone'; end $$;
      create trigger cut before delete on sluice.report for each statement execute function public.cut()`);
    const of = { provider: 'crm', account: 'max' };
    await expect(world.sluice.accounts.erase(of)).rejects.toThrow('the process is gone');
    expect((await world.sluice.audit.list({ limit: 1 }))[0]).toMatchObject({
      act: 'accounts.erase',
      outcome: 'failed',
    });
    await pool.query('drop trigger cut on sluice.report');
    expect((await world.sluice.accounts.stored(of)).rows).toMatchObject({ report: 2, run: 1 });
    expect(await world.sluice.accounts.erase(of)).toMatchObject({ revocation: 'told', isComplete: true });
    expect(Object.keys(await rowsWith('"max"'))).not.toContain('record');
    expect(Object.keys(await rowsWith('at-of-max'))).toEqual([]);
  });
});
