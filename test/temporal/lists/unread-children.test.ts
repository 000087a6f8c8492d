import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { z } from 'zod';
import { countRecords } from '../../../db/index.ts';
import { defineProvider, defineSync, get, noAuth, retry, rules, status, when } from '../../../providers/index.ts';
import { startFakeApi, type FakeApi } from '../../../testing/index.ts';
import { createWorld, type World } from '../../setup/world.ts';

const MESSAGES = 40;
const NEWEST = `m${MESSAGES - 1}`;
const at = (minute: number) => new Date(Date.UTC(2024, 0, 1) + minute * 60_000).toISOString();
const Id = z.object({ id: z.string(), updatedAt: z.string() });

describe('a plain start after a run that left messages unread', () => {
  let api: FakeApi;
  let world: World;
  /** Messages that may be read; the others answer 503 and are tried again. */
  let isReadable: (id: string) => boolean;
  let read: string[] = [];

  const provider = defineProvider({
    id: 'mail',
    baseUrl: () => api.url,
    auth: noAuth(),
    limits: [],
    maxAttempts: 3,
    classify: rules([when(status(503), retry({ afterMs: 60_000 })), when(status(500), retry({ afterMs: 50 }))]),
  });
  const idsList = provider.endpoint('ids', {
    input: z.object({ since: z.string().optional() }),
    response: z.object({ items: z.array(Id), next: z.string().nullish() }),
    request: ({ since }, page) => get('/messages', { since, limit: page.size, cursor: page.cursor }),
    paginate: { kind: 'cursor', items: (body) => body.items, next: (body) => body.next, pageSize: { start: 20 } },
  });
  const message = provider.endpoint('message', {
    input: z.object({ id: z.string() }),
    response: z.object({ id: z.string() }),
    request: ({ id }) => get(`/messages/${id}`),
    paginate: { kind: 'single', items: (body) => [body] },
  });
  const sync = defineSync('mailbox', { provider, input: z.object({}) }, (s) => {
    const ids = s.one(idsList, {
      input: (_, state) => ({ since: state.watermark }),
      key: (id) => id.id,
      incremental: { field: (id) => id.updatedAt, lookbackMs: 0 },
    });
    const messages = s.each(ids, message, {
      input: ({ id }) => ({ id }),
      key: ({ id }) => id,
      parents: 'changed',
      onChildError: { maxSkippedShare: 0.5 },
    });
    return { ids, messages };
  });
  const failing = new Set<string>();

  beforeAll(async () => {
    api = await startFakeApi();
    api.list('/messages', { count: MESSAGES, itemAt: (_, n) => ({ id: `m${n}`, updatedAt: at(n) }), since: 'since' });
    api.route('GET', '/messages/:id', (_, { id }) => {
      if (failing.has(id)) return { status: 500, body: {} };
      if (!isReadable(id)) return { status: 503, body: {} };
      read.push(id);
      return { body: { id } };
    });
    world = await createWorld([sync]);
  });
  afterAll(async () => {
    await world?.end();
    await api?.stop();
  });
  const stored = (account: string) => countRecords(world.db.pool, account, 'mailbox.messages');

  it('reads what a cancelled run did not get to, and nothing that it had read', async () => {
    const account = 'cancelled';
    isReadable = (id) => Number(id.slice(1)) % 2 === 0;
    const run = await world.sluice.start(sync, { account, input: {} });
    const isHalfRead = async () => {
      const progress = await run.progress();
      if (!('nodes' in progress)) return false;
      const [ids, messages] = progress.nodes;
      return ids?.state === 'done' && messages?.units.done === MESSAGES / 2;
    };
    await expect.poll(isHalfRead, { interval: 20, timeout: 20_000 }).toBe(true);
    await run.cancel();
    await expect(run.result()).rejects.toThrow();
    expect(await run.progress()).toMatchObject({ state: 'cancelled' });
    const before = new Set(read);

    isReadable = () => true;
    read = [];
    const again = await world.sluice.start(sync, { account, input: {} });
    expect(await again.result()).toMatchObject({ state: 'done', complete: true, flaws: [] });
    expect(await stored(account)).toBe(MESSAGES);
    // The watermark's own row comes again, and is visited as one that changed.
    expect(read.filter((id) => before.has(id) && id !== NEWEST)).toEqual([]);
    expect(new Set(read).size).toBe(read.length);
    expect(read.toSorted()).toEqual(
      Array.from({ length: MESSAGES }, (_, n) => `m${n}`)
        .filter((id) => !before.has(id) || id === NEWEST)
        .toSorted(),
    );
  });

  it('reads what failed in an earlier run, and claims no completeness before', async () => {
    const account = 'failed';
    isReadable = () => true;
    failing.add('m3').add('m4');
    const first = await (await world.sluice.start(sync, { account, input: {} })).result();
    expect(first).toMatchObject({ state: 'incomplete', flaws: [{ node: 'messages', kind: 'failed', count: 2 }] });
    failing.delete('m3');
    const second = await (await world.sluice.start(sync, { account, input: {} })).result();
    expect(second).toMatchObject({ complete: false, flaws: [{ kind: 'failed', count: 1, example: 'm4' }] });
    failing.clear();
    read = [];
    const third = await (await world.sluice.start(sync, { account, input: {} })).result();
    expect(third).toMatchObject({ state: 'done', complete: true });
    expect(read.toSorted()).toEqual([NEWEST, 'm4'].toSorted());
    expect(await stored(account)).toBe(MESSAGES);
  });
});
