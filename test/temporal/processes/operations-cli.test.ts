/** Actions, sagas, the queue of an entity and the flaws of a run, on the command line. */
import { fileURLToPath } from 'node:url';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import * as notes from '../../fixtures/notes.ts';
import * as forest from '../../fixtures/forest.ts';
import { startFakeApi, type FakeApi } from '../../../testing/index.ts';
import { sluice } from '../../setup/programs/command-line.ts';
import { createWorld, type World } from '../../setup/world.ts';
import { temporalAddress } from '../../setup/servers/servers.ts';

const [copy, [label]] = notes.writes;
const { publish } = notes.sagas;
const forestModule = fileURLToPath(new URL('../../fixtures/forest.ts', import.meta.url));
const module = fileURLToPath(new URL('../../fixtures/notes.ts', import.meta.url));

describe('sluice status, pending and resolve', () => {
  let api: FakeApi;
  let copies: ReturnType<FakeApi['action']>;
  let world: World;
  let env: Record<string, string>;
  const run = async (...args: string[]) => sluice(args, env);
  const json = async (...args: string[]): Promise<unknown> => JSON.parse((await run(...args, '--json')).output);

  beforeAll(async () => {
    api = await startFakeApi();
    copies = api.action('POST', '/copies', { honoursKeys: false });
    api.action('POST', '/labels', { honoursKeys: false });
    api.list('/users/:id/friends', { count: 12, itemAt: ({ id }, i) => ({ id: `${id}-f${i}` }) });
    api.list('/users/:id/posts', { count: 3, itemAt: ({ id }, i) => ({ id: `${id}-p${i}` }) });
    process.env['NOTES_URL'] = api.url;
    process.env['FOREST_URL'] = api.url;
    world = await createWorld([forest.forest], { actions: [copy, label], sagas: [publish] });
    env = {
      DATABASE_URL: world.db.url,
      TEMPORAL_ADDRESS: temporalAddress(),
      SLUICE_TASK_QUEUE: world.taskQueue,
    };
  });
  afterAll(async () => {
    await world?.end();
    await api?.stop();
  });

  it('start an action or a saga with `sluice act`, once for each key, and say how it ended', async () => {
    const of = ['--module', module, '--account', 'a9', '--input', '{"note":"n9"}'];
    const done = await run('act', 'notes/copy', ...of, '--key', 'k9', '--wait', '--by', 'user:7', '--why', 'a try');
    expect(done).toMatchObject({ code: 0 });
    expect(done.output).toMatch(/^action\/notes\/copy\/a9\/k9\ndone: \{"id":"[^"]+"\}\n$/);
    const before = copies.created().length;
    const { output } = (await json('act', 'notes/copy', ...of, '--key', 'k9', '--wait')) as { output: unknown };
    expect(`done: ${JSON.stringify(output)}\n`).toBe(done.output.split('\n')[1] + '\n');
    expect(copies.created()).toHaveLength(before);
    expect((await run('audit', '--act', 'act', '--actor', 'user:7')).output).toContain('a try');

    const saga = await run('act', 'publish', ...of, '--key', 's9', '--wait');
    expect(saga).toMatchObject({ code: 0, output: expect.stringMatching(/^saga\/publish\/a9\/s9\ndone: /) as string });
    api.script('POST /copies', [{ status: 422 }]);
    const failed = await run('act', 'notes/copy', ...of, '--key', 'k10', '--wait');
    expect(failed).toMatchObject({ code: 1, output: expect.stringContaining('k10  failed') as string });

    expect((await run('act', 'notes/copi', ...of)).output).toMatch(
      /^There is no action or saga "notes\/copi"; the module has .*; did you mean notes\/copy\?\n$/,
    );
    expect((await run('start', 'publish', ...of)).output).toContain('`npx sluice act` starts it.');
    expect((await run('act', 'notes/copy', '--module', module, '--account', 'a9')).output).toMatch(
      /^--input of "notes\/copy" does not fit: note: /,
    );
  });

  it('show an action whose fate is unknown, and take the decision of a person', async () => {
    api.script('POST /copies', ['reset-after']);
    const options = { account: 'a1', input: { note: 'n1' }, idempotencyKey: 'k1', startedBy: 'user:7' } as const;
    const handle = await world.sluice.act(copy, options);
    await handle.result().catch(() => {});
    const id = 'action/notes/copy/a1/k1';
    const status = await run('status', id);
    expect(status.code).toBe(0);
    expect(status.output).toMatch(new RegExp(`^${id}  failed`));
    expect(status.output).toMatch(/a copy of n1; a1, by user:7[\s\S]*1 call;[\s\S]*unknown-write: /);
    expect(status.output).toContain(`npx sluice actions resolve '${id}' --not-happened`);
    expect(await json('status', id)).toMatchObject({ state: 'failed', report: { startedBy: 'user:7' }, waits: [] });

    expect((await run('actions', 'waits', id)).output).toMatch(
      /waits for a person[\s\S]*actions resolve .* --not-happened/,
    );
    expect(await run('actions', 'resolve', id, '--module', module)).toMatchObject({
      code: 1,
      output: expect.stringContaining('Say what is true') as string,
    });
    expect((await run('actions', 'resolve', id, '--module', module, '--happened', '{"id":7}')).output).toContain(
      'The output of "notes/copy" does not fit: id: Invalid input: expected string, received number',
    );
    const resolved = await run(
      'actions',
      'resolve',
      id,
      '--module',
      module,
      '--happened',
      '{"id":"c1"}',
      '--by',
      'user:9',
    );
    expect(resolved).toMatchObject({ code: 0, output: `${id}: done, as user:9 has decided\n` });
    expect(await handle.result()).toEqual({ id: 'c1' });
    expect((await run('status', id)).output).toMatch(/  done[\s\S]*its fate was decided by user:9/);
    expect((await run('actions', 'resolve', id, '--module', module, '--not-happened')).output).toContain(
      'nothing to resolve',
    );
    expect(await run('status', 'action/notes/copy/a1/nobody')).toMatchObject({ code: 1 });
  }, 120_000);

  it('show a saga with its steps and what was taken back', async () => {
    api.script('POST /labels', [{ status: 403, body: { error: 'not yours' } }]);
    const saga = await world.sluice.saga(publish, { account: 'a3', input: { note: 'n3' }, idempotencyKey: 'k' });
    await saga.result().catch(() => {});
    const shown = await run('status', 'saga/publish/a3/k');
    expect(shown.output).toMatch(/^saga\/publish\/a3\/k  failed in /);
    expect(shown.output).toMatch(/\n  copied  done  notes\/copy, 1 call\n/);
    expect(shown.output).toMatch(/\n  labelled  failed  notes\/label, 1 call: auth, .*403/);
    expect(shown.output).toMatch(/\n  take back copied  done  notes\/copy, 1 call/);
    expect(await json('status', 'saga/publish/a3/k')).toMatchObject({
      report: { status: 'failed' },
      steps: [{ name: 'copied' }, { name: 'labelled' }, { name: 'copied', isCompensation: true }],
    });
    expect((await run('status', 'saga/publish/a3/k/copied')).output).toMatch(/^saga\/publish\/a3\/k\/copied  done/);
  }, 120_000);

  it('list every list of a run that was not read to its end, page by page, also as JSON', async () => {
    for (const i of [1, 4, 7]) api.script(`/users/w-f${i}/posts`, [{ status: i === 4 ? 404 : 409 }]);
    const handle = await world.sluice.start(forest.forest, { account: 'a4', input: { id: 'w' } });
    expect((await handle.result()).complete).toBe(false);
    const all = await run('status', 'sync/forest/a4', '--flaws');
    expect(all.code).toBe(0);
    expect(all.output).toMatch(/posts  "w-f1"  failed after 0 pages, 0 rows: HTTP 409/);
    expect(all.output).toMatch(/posts  "w-f4"  skipped after 0 pages, 0 rows: HTTP 404/);
    expect(all.output.trim().split('\n')).toHaveLength(3);
    const first = await run('status', 'sync/forest/a4', '--flaws', '--limit', '2');
    const after = /There may be more: --after (.+)/.exec(first.output)?.[1] as string;
    expect(first.output.trim().split('\n')).toHaveLength(3);
    expect(await json('status', 'sync/forest/a4', '--flaws', '--after', after)).toHaveLength(1);
    expect(await json('status', 'sync/forest/a4', '--flaws', '--kind', 'failed')).toMatchObject([
      { node: 'posts', key: 'w-f1', kind: 'failed' },
      { node: 'posts', key: 'w-f7', kind: 'failed' },
    ]);
    expect(await json('status', 'sync/forest/a4', '--flaws', '--node', 'friends')).toEqual([]);
    expect(await run('status', 'sync/forest/a4', '--flaws', '--node', 'freinds')).toMatchObject({
      code: 1,
      output: expect.stringMatching(/no node "freinds" in sync\/forest\/a4; there are [a-z, ]*friends/) as string,
    });
    expect((await run('status', 'sync/forest/nobody', '--flaws')).code).toBe(1);
    expect((await run('status', 'sync/forest/a4', '--flaws', '--after', 'x')).output).toContain('pass the `place`');
  }, 120_000);

  it('show what is known of lists from run to run, and take it back', async () => {
    await (await world.sluice.start(forest.forest, { account: 'a5', input: { id: 'v' } })).result();
    const shown = await run('state', '--account', 'a5', '--node', 'friends');
    expect(shown.output).toMatch(/^forest\.friends  .*id.*v.*  no watermark, 12 rows; read at \S+\n$/);
    expect(await json('state', 'show', '--account', 'a5', '--node', 'posts')).toHaveLength(12);
    const two = await run('state', 'show', '--account', 'a5', '--node', 'posts', '--limit', '2');
    const after = /--after (\S+)/.exec(two.output)?.[1] as string;
    expect(await json('state', 'show', '--account', 'a5', '--node', 'posts', '--after', after)).toHaveLength(10);
    const of = ['--account', 'a5', '--sync', 'forest', '--node', 'posts', '--parent', 'v-f1'];
    expect(await run('state', 'reset', ...of, '--forgets-rows')).toMatchObject({
      code: 0,
      output: '1 list reset: the next run reads from the beginning.\n',
    });
    expect(await json('state', 'show', ...of)).toMatchObject([{ parentKey: 'v-f1', rows: 0 }]);
    expect(await json('state', 'reset', '--account', 'a5')).toEqual({ lists: 13 });
    expect(await run('state', 'reset', '--account', 'nobody')).toMatchObject({ code: 1 });
    expect(await run('state', 'reset')).toMatchObject({
      code: 1,
      output: expect.stringContaining('--account') as string,
    });
  }, 120_000);

  it('start a run, and say when one is going on, for the same or for something else', async () => {
    const held = api.script('/users/x/friends', [{ status: 429, headers: { 'retry-after': '1' }, body: {} }], {
      repeats: true,
    });
    const start = (id: string, ...more: string[]) =>
      run('start', 'forest', '--account', 'a6', '--input', JSON.stringify({ id }), '--module', forestModule, ...more);
    expect(await start('x')).toMatchObject({ code: 0, output: 'sync/forest/a6\n' });
    expect((await start('x')).output).toMatch(
      /^sync\/forest\/a6\nattached to .* going on since \S+, by user:\S+: {"id":"x"}\n$/,
    );
    expect(await start('y')).toMatchObject({
      code: 1,
      output: expect.stringContaining('with another input: {"id":"x"}, and not {"id":"y"}') as string,
    });
    const queued = (await start('y', '--if-running', 'queue')).output.trim();
    expect(queued).toMatch(/^sync\/forest\/a6\/queued\//);
    expect((await run('status', queued)).output).toMatch(
      /^sync\/forest\/a6\/queued\/\S+ {2}queued: .*\n  it begins when sync\/forest\/a6 has ended/,
    );
    held.stop();
    await expect
      .poll(async () => (await run('status', queued)).output, { timeout: 60_000 })
      .toMatch(/^sync\/forest\/a6  done/);
  }, 120_000);

  it('say what an action waits for, and show and end the queue of an entity', async () => {
    api.script('POST /copies', [{ status: 429, headers: { 'retry-after': '60' }, body: {} }]);
    const act = (key: string) =>
      world.sluice.act(copy, { account: 'a2', input: { note: 'n2' }, idempotencyKey: key, startedBy: 'user:7' });
    const first = await act('first');
    await expect.poll(async () => (await first.status())?.calls).toBe(1);
    await act('second');
    // Temporal tells of the failed attempt a moment after the call was counted.
    await expect
      .poll(async () => (await run('status', first.workflowId)).output, { timeout: 60_000 })
      .toMatch(/(HTTP 429|blocked by an answer)[^\n]*next attempt in \d+ /);
    const second = await run('status', 'action/notes/copy/a2/second');
    expect(second.output).toMatch(
      /waits for "note\/n2" behind notes\/copy \(action\/notes\/copy\/a2\/first\), which has it for/,
    );
    const lines = (await run('actions', 'pending', 'note/n2')).output.trim().split('\n');
    expect(lines[0]).toMatch(/^0  at work for .*  notes\/copy  a2  by user:7  action\/notes\/copy\/a2\/first$/);
    expect(lines[1]).toMatch(/^1  waits for .*\/second$/);
    expect(await json('actions', 'pending', 'note/n2')).toMatchObject([{ position: 0 }, { position: 1 }]);
    for (const key of ['second', 'first'])
      expect(await run('cancel', `action/notes/copy/a2/${key}`)).toMatchObject({ code: 0 });
    await expect.poll(() => world.sluice.pending('note/n2')).toEqual([]);
    expect((await run('actions', 'pending', 'note/n2')).output).toBe('Nothing is pending on "note/n2".\n');
  }, 120_000);

  it('end with code 1 where what was asked for is not there, as their help says', async () => {
    const unknown = [
      ['actions', 'waits', 'action/notes/copy/a1/nobody'],
      ['accounts', 'disconnect', 'notes', 'nobody'],
      ['explain', 'sync/forest/nobody'],
      ['quarantine', 'drop', '4711'],
      ['watch', 'sync/forest/nobody', '--json'],
    ];
    const codes = await Promise.all(unknown.map(async (args) => [args.join(' '), (await run(...args)).code]));
    expect(codes).toEqual(unknown.map((args) => [args.join(' '), 1]));
    for (const args of [
      ['quarantine', 'list'],
      ['runs'],
      ['audit'],
      ['reports'],
      ['accounts', 'list'],
      ['schedules', 'list'],
    ])
      expect([args, Array.isArray(await json(...args))]).toEqual([args, true]);
  }, 120_000);

  it('tell what Postgres knows while Temporal is away, and that it is', async () => {
    const away = (...args: string[]) => sluice(args, { ...env, TEMPORAL_ADDRESS: '127.0.0.1:1' });
    const [alerts, runs, status] = await Promise.all([
      away('alerts', 'check'),
      away('runs', '--json'),
      away('status', 'sync/forest/a4'),
    ]);
    for (const { code, output } of [alerts, runs, status]) {
      expect(code).toBe(1);
      expect(output).toMatch(/No Temporal server answers at 127\.0\.0\.1:1.*Postgres is asked alone\./);
    }
    expect(alerts.output).toMatch(/No alerts\.|since 20/);
    expect(runs.output).toContain('"workflowId":"sync/forest/a4"');
    expect(status.output).toContain('This needs Temporal: try again when it answers.');
  }, 120_000);
});
