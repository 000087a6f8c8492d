/** Names of providers, syncs, nodes, accounts and keys that somebody has misspelt: none of them does something silently. */
import { fileURLToPath } from 'node:url';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { forest } from '../../fixtures/forest.ts';
import { startForestApi } from '../../setup/forest-api.ts';
import { sluice, type Finished } from '../../setup/programs/command-line.ts';
import { temporalAddress } from '../../setup/servers/servers.ts';
import { createWorld, type World } from '../../setup/world.ts';

const needsToken = fileURLToPath(new URL('../../fixtures/needs-token.ts', import.meta.url));
const module = fileURLToPath(new URL('../../fixtures/forest.ts', import.meta.url));

describe('a name that is misspelt', () => {
  let api: Awaited<ReturnType<typeof startForestApi>>;
  let world: World;
  const run = (...args: string[]): Promise<Finished> =>
    sluice(args, {
      DATABASE_URL: world.db.url,
      TEMPORAL_ADDRESS: temporalAddress(),
      SLUICE_TASK_QUEUE: world.taskQueue,
    });

  beforeAll(async () => {
    api = await startForestApi();
    process.env['FOREST_URL'] = api.url;
    world = await createWorld([forest]);
    await world.sluice.accounts.connect({ provider: 'forest', account: 'acct_42', tenant: 'acme', settings: {} });
    await (await world.sluice.start(forest, { account: 'acct_42', input: { id: 'u' } })).result();
  });
  afterAll(async () => {
    await world?.end();
    await api?.stop();
  });

  it('of a provider connects nothing, unless it is said to be meant', async () => {
    const connect = (provider: string, ...more: string[]) =>
      run('accounts', 'connect', provider, 'acct_9', '--settings', '{}', ...more);
    expect(await connect('forst')).toEqual({
      code: 1,
      output:
        'No provider "forst" is known here; did you mean forest? Nothing was stored. If it is another one, say so by --new-provider, or name your module by --module.\n',
    });
    expect(await connect('planner', '--module', module)).toEqual({
      code: 1,
      output: 'There is no provider "planner"; the module has forest.\n',
    });
    expect((await connect('forst', '--module', module)).output).toContain('; did you mean forest?');
    expect(await world.sluice.accounts.list()).toHaveLength(1);
    for (const meant of [['forest', '--module', module], ['planner'], ['forst', '--new-provider']])
      expect(await connect(meant[0] ?? '', ...meant.slice(1))).toMatchObject({ code: 0 });
    for (const provider of ['planner', 'forst'])
      await world.sluice.accounts.disconnect({ provider, account: 'acct_9' });
  });

  it.each([
    ['runs --provider forst', 'No provider "forst" is known here; did you mean forest?'],
    ['runs --sync forset', 'No sync "forset" is known here; did you mean forest?'],
    ['runs --account acct_24 --json', 'No account "acct_24" is known here; did you mean acct_42?'],
    ['reports --tenant acne', 'No tenant "acne" is known here; did you mean acme?'],
    ['accounts list --provider github', 'No provider "github" is known here; known are forest.'],
    ['accounts status forest acct_24', 'No account "acct_24" is known at forest; did you mean acct_42?'],
    ['accounts show acct_24', 'did you mean acct_42?'],
    ['accounts update forst acct_42 --settings {}', 'No provider "forst" is known here; did you mean forest?'],
    ['accounts disconnect forest acct_24', 'did you mean acct_42?'],
    ['accounts erase forst acct_42 --yes', 'No provider "forst" is known here; did you mean forest?'],
    ['state --account acct_42 --sync forest --node post', 'No node "post" is known in forest; did you mean posts?'],
    ['state reset --account acct_42 --sync forst', 'No sync "forst" is known here; did you mean forest?'],
    ['quarantine --sync forst', 'No sync "forst" is known here; did you mean forest?'],
    ['freshness forst', 'No sync "forst" is known here; did you mean forest?'],
    ['status sync/forst/acct_42', 'No sync "forst" is known here; did you mean forest?'],
    ['explain sync/forest/acct_24', 'No account "acct_24" is known here; did you mean acct_42?'],
    ['pause sync/forst/acct_42', 'No sync "forst" is known here; did you mean forest?'],
    ['reports --name forset', 'No sync, action or saga "forset" is known here; did you mean forest?'],
    ['reports --name forset --kind sync --json', 'No sync "forset" is known here; did you mean forest?'],
    ['audit --tenant acne', 'No tenant "acne" is known here; did you mean acme?'],
    ['audit --subject acct_4', 'No account "acct_4" is known here; did you mean acct_42?'],
    ['audit --subject forrest/acct_42 --json', 'No provider "forrest" is known here; did you mean forest?'],
    ['audit --subject forest/acct_4', 'No account "acct_4" is known at forest; did you mean acct_42?'],
    ['audit --subject forrest/app/app', 'No provider "forrest" is known here; did you mean forest?'],
    ['audit --subject sync/fores/acct_42', 'No sync "fores" is known here; did you mean forest?'],
    ['alerts --tenant acne', 'No tenant "acne" is known here; did you mean acme?'],
    ['queries --sync forset', 'No sync, action or saga "forset" is known here; did you mean forest?'],
    ['queries --provider forst --json', 'No provider "forst" is known here; did you mean forest?'],
    ['actions waits action/forst/post/acct_42/1', 'No provider "forst" is known here; did you mean forest?'],
    ['limits --prefix forst/', 'No key begins with forst/; did you mean forest/?'],
    ['limits show forest/app/ap', 'no such key; did you mean forest/app/app?'],
    ['limits override forst/app/app --max 5', 'no such key; did you mean forest/app/app?'],
  ])('is told with the one that is meant: %s', async (line, told) => {
    const { code, output } = await run(...line.split(' '));
    expect([code, output]).toEqual([1, expect.stringContaining(told)]);
    // Once, and nothing of names that are known.
    expect(output.match(/^No [\w, ]+ ".*" is known /gm) ?? []).toHaveLength(line.startsWith('limits') ? 0 : 1);
  });

  it('is not looked for where a name has nothing, and is known', async () => {
    for (const line of [
      'runs --account acct_42 --status failed',
      'quarantine --sync forest --account acct_42 --node posts',
      'reports --name forest --status failed',
      'alerts --tenant acme',
    ])
      expect(await run(...line.split(' '))).toEqual({ code: 0, output: expect.stringMatching(/^No /) as string });
  });

  it('of a task queue ends no alert', async () => {
    await world.db.pool.query('insert into sluice.canary (task_queue) values ($1)', ['sluice-old']);
    const { code, output } = await run('alerts', 'forget-queue', 'sluice-odl');
    expect([code, output]).toEqual([1, expect.stringContaining('did you mean sluice-old?') as string]);
    expect(await run('alerts', 'forget-queue', 'sluice-old')).toMatchObject({ code: 0 });
  });

  it('is not looked up for lists of queries where there is no database', async () => {
    const { code, output } = await sluice(['queries', '--sync', 'forest'], {
      DATABASE_URL: 'postgres://nobody@127.0.0.1:1/none',
      TEMPORAL_ADDRESS: temporalAddress(),
    });
    expect([code, output]).toEqual([
      0,
      expect.stringMatching(/SluiceSync = "forest"[^]*was not looked up: /) as string,
    ]);
  });

  it('of an account that a run needs connected is told as the run starts', async () => {
    await world.sluice.accounts.connect({ provider: 'social', account: 'acct_42', settings: {} });
    const start = (account: string) => run('start', 'inbox', '--module', needsToken, '--account', account);
    expect(await start('acct_24')).toEqual({
      code: 0,
      output:
        'Account "acct_24" is not connected at social, as its calls need; did you mean acct_42?\nsync/inbox/acct_24\n',
    });
    expect(await start('acct_42')).toEqual({ code: 0, output: 'sync/inbox/acct_42\n' });
  });

  it('of a limit pauses nothing, unless it is said to be meant', async () => {
    expect(await run('limits', 'pause', 'forst/*')).toMatchObject({
      code: 1,
      output: expect.stringMatching(/^forst\/\*: .*; did you mean forest\/\*\? Nothing was paused\./) as string,
    });
    expect(await world.sluice.limits.list({ state: 'paused' })).toEqual([]);
    expect(await run('limits', 'pause', 'forst/*', '--new-key')).toMatchObject({ code: 0 });
    expect(await run('limits', 'resume', 'forst/*')).toMatchObject({ code: 0 });
  });
});
