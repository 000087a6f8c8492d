import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { z } from 'zod';
import type { Report } from '../../../client/index.ts';
import { bearer, defineProvider, defineSync, get, minutes, noAuth, window } from '../../../providers/index.ts';
import { startFakeApi, type FakeApi } from '../../../testing/index.ts';
import { TEST_KEYS } from '../../setup/programs/credential-worker.ts';
import { createWorld, type World } from '../../setup/world.ts';

const STALLED_AFTER_MS = 2_000;
const NOTICED = { timeout: 30_000, interval: 100 };

describe('the app is told of a run that can not continue by itself', () => {
  let api: FakeApi;
  let world: World;
  const told: Report[] = [];
  const toldOf = (account: string) => told.filter((report) => report.account === account);

  const Item = z.object({ id: z.string() });
  const listOf = (id: string, auth: ReturnType<typeof noAuth>, max: number) => {
    const provider = defineProvider({
      id,
      baseUrl: () => api.url,
      auth,
      limits: [window('app', { by: ['app'], max, perMs: minutes(1) })],
    });
    const items = provider.endpoint('items', {
      input: z.object({}),
      response: z.object({ items: z.array(Item), next: z.string().nullish() }),
      request: (_, page) => get('/items', { cursor: page.cursor, limit: 10 }),
      paginate: { kind: 'cursor', items: (answer) => answer.items, next: (answer) => answer.next },
    });
    return defineSync(id, { provider, input: z.object({}) }, (s) => ({
      items: s.one(items, { input: () => ({}), key: (item) => item.id }),
    }));
  };
  const secret = listOf('secret', bearer(), 1_000);
  const narrow = listOf('narrow', noAuth(), 1);

  beforeAll(async () => {
    api = await startFakeApi();
    api.list('/items', { count: 25, itemAt: (_, i) => ({ id: `i${i}` }) });
    world = await createWorld([secret, narrow], {
      encryptionKeys: TEST_KEYS,
      stalledAfterMs: STALLED_AFTER_MS,
      onFailure: (report) => void told.push(report),
    });
  });
  afterAll(async () => {
    await world?.end();
    await api?.stop();
  });

  it('because its account must be connected again: once, and no more when it is', async () => {
    const run = await world.sluice.start(secret, { account: 'a1', input: {}, startedBy: 'user:1' });
    await expect
      .poll(() => toldOf('a1'), NOTICED)
      .toMatchObject([
        {
          status: 'pending',
          errorType: 'needs-reconnect',
          error: expect.stringMatching(/^the account must be connected again: .*no credentials are known/) as string,
          startedBy: 'user:1',
          workflowId: 'sync/secret/a1',
          endedAt: null,
        },
      ]);
    expect(await world.sluice.reports.list({ account: 'a1', status: 'pending' })).toHaveLength(1);
    // A pause is no standstill, however long it lasts.
    await expect.poll(() => stillMs('a1'), NOTICED).toBeLessThan(STALLED_AFTER_MS);
    await world.sluice.accounts.connect({
      provider: 'secret',
      account: 'a1',
      credentials: { accessToken: 'token-of-a1' },
    });
    expect((await run.result()).complete).toBe(true);
    expect(await world.sluice.reports.list({ account: 'a1' })).toMatchObject([{ status: 'ok', error: null }]);
    expect(toldOf('a1')).toHaveLength(1);
  });

  it('because nothing moves, with what it waits for: once, and again of the failure that it ends in', async () => {
    const run = await world.sluice.start(narrow, { account: 'a2', input: {}, deadline: 12_000 });
    await expect
      .poll(() => toldOf('a2'), NOTICED)
      .toMatchObject([
        {
          status: 'pending',
          errorType: 'no-progress',
          error: expect.stringMatching(
            /^nothing has moved for [2-9][\d.]* s: items: 1 list waits for narrow\/app\/app/,
          ) as string,
        },
      ]);
    expect((await run.result()).state).toBe('incomplete');
    await expect
      .poll(() => toldOf('a2').map(({ status, errorType }) => [status, errorType]), NOTICED)
      .toEqual([
        ['pending', 'no-progress'],
        ['failed', 'incomplete'],
      ]);
  });

  const stillMs = async (account: string): Promise<number> => {
    const { rows } = await world.db.pool.query<{ ms: number }>(
      `select extract(epoch from clock_timestamp() - progress_at)::float8 * 1000 as ms from sluice.report where account = $1`,
      [account],
    );
    return rows[0]?.ms ?? Infinity;
  };
});
