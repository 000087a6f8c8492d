import { randomUUID } from 'node:crypto';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { z } from 'zod';
import { defineProvider, defineSync, get, noAuth, window } from '../../../providers/index.ts';
import { hostileKinds, startFakeApi, type FakeApi, type HostileKind } from '../../../testing/index.ts';
import { createWorld, type World } from '../../setup/world.ts';

const Page = z.object({ items: z.array(z.object({ id: z.string() })), next: z.string().nullish() });
const ROWS = 30;

/** What no repetition of the call mends, and the words that its reason must have. */
const permanent: Partial<Record<HostileKind, RegExp>> = {
  '400': /HTTP 400/,
  // No user could mend it: the provider has no credentials to refresh.
  '401': /HTTP 401.*provider "h-401" has noAuth\(\).*give it the `auth`/,
  '403': /HTTP 403/,
  '404': /HTTP 404/,
  'html-403': /HTTP 403/,
  'redirect-without-location': /redirect/,
  'redirect-loop': /redirect/,
  'redirect-elsewhere': /redirect/,
};

let api: FakeApi;
let world: World;

/** One list behind a provider of its own, so that what one suffers closes nothing for the others. */
function syncOf(name: string, maxAttempts = 10) {
  const provider = defineProvider({
    id: `h-${name}`,
    baseUrl: () => api.url,
    auth: noAuth(),
    limits: [window('app', { by: ['app'], max: 10_000, perMs: 1_000 })],
    timeouts: { connectMs: 1_000, headersMs: 1_500, bodyMs: 1_500, totalMs: 3_000 },
    maxBodyBytes: 1024 * 1024,
    maxAttempts,
  });
  const items = provider.endpoint('items', {
    input: z.object({}),
    response: Page,
    request: (_, page) => get(`/${name}/items`, { limit: page.size, cursor: page.cursor }),
    paginate: {
      kind: 'cursor',
      items: (page) => page.items,
      next: (page) => page.next,
      pageSize: { start: 10, min: 2 },
    },
  });
  return defineSync(`h-${name}`, { provider, input: z.object({}) }, (s) => ({
    list: s.one(items, { input: () => ({}), key: (item) => item.id }),
  }));
}

const syncs = new Map(hostileKinds.map((kind) => [kind, syncOf(kind)]));
const waits = syncOf('waits', 3);
const spent = syncOf('spent', 3);
const start = (sync: ReturnType<typeof syncOf>) =>
  world.sluice.start(sync, { account: `a-${randomUUID().slice(0, 8)}`, input: {} });

beforeAll(async () => {
  api = await startFakeApi({ dripMs: 20, hugeBytes: 8 * 1024 * 1024 });
  for (const name of [...hostileKinds, 'waits', 'spent'])
    api.list(`/${name}/items`, { count: ROWS, itemAt: (_, i) => ({ id: `${name}-${i}` }) });
  world = await createWorld([...syncs.values(), waits, spent]);
});
afterAll(async () => {
  await world?.end();
  await api?.stop();
});

describe('an answer that goes wrong in the middle of a list', () => {
  let ends: Map<HostileKind, Awaited<ReturnType<Awaited<ReturnType<typeof start>>['result']>>>;
  beforeAll(async () => {
    for (const kind of hostileKinds) api.script(`/${kind}/items`, ['ok', kind]);
    const run = async (kind: HostileKind) => [kind, await (await start(syncs.get(kind)!)).result()] as const;
    ends = new Map(await Promise.all(hostileKinds.map(run)));
  }, 60_000);

  it.each(hostileKinds)('%s ends in all rows, or in a typed end that says why', (kind) => {
    const result = ends.get(kind)!;
    const because = permanent[kind];
    if (because === undefined) {
      expect(result).toMatchObject({ state: 'done', complete: true, rows: ROWS, flaws: [] });
    } else {
      expect(result).toMatchObject({ complete: false, rows: 10 });
      expect(['failed', 'incomplete']).toContain(result.state);
      expect(result.flaws).toHaveLength(1);
      expect(result.flaws[0]?.reason).toMatch(because);
      expect(['failed', 'skipped']).toContain(result.flaws[0]?.kind);
    }
  });

  it('of status 401 gives up no account of a provider that has no credentials', async () => {
    expect(ends.get('401')).toMatchObject({ state: 'failed', calls: 2 });
    expect(await world.sluice.accounts.list({ status: 'needs_reconnect' })).toEqual([]);
  });

  it('was really met by every one of them, and no token went to another host', () => {
    const played = api.report().hostile;
    expect(hostileKinds.filter((kind) => played[kind] === undefined)).toEqual([]);
    expect(api.report().strayAuthorizations).toBe(0);
  });
});

describe('the budget of attempts', () => {
  it('counts real failures and no waits', async () => {
    const wait = { status: 429, headers: { 'retry-after': '1' }, body: {} };
    // Five waits and two failures at one page, of which three would be too many.
    api.script('/waits/items', ['ok', wait, '500', wait, wait, '503', wait, wait, 'ok']);
    expect(await (await start(waits)).result()).toMatchObject({ state: 'done', rows: ROWS, calls: 3 + 7 });
  });

  it('ends the list with the last reason when it is spent', async () => {
    api.script('/spent/items', ['ok', '500', '503', '502']);
    const result = await (await start(spent)).result();
    expect(result).toMatchObject({ state: 'failed', rows: 10, calls: 4 });
    expect(result.flaws[0]).toMatchObject({
      kind: 'failed',
      reason: expect.stringContaining('(3 attempts)') as string,
    });
  });
});
