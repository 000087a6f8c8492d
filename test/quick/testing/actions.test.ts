import { afterEach, describe, expect, it } from 'vitest';
import type { FakeApi } from '../../../testing/index.ts';
import { startFakeApi } from '../../../testing/index.ts';

let api: FakeApi;
afterEach(() => api.stop());

const post = async (path: string, body: unknown, key?: string) => {
  const answer = await fetch(`${api.url}${path}`, {
    method: 'POST',
    headers: { 'content-type': 'application/json', ...(key !== undefined && { 'idempotency-key': key }) },
    body: JSON.stringify(body),
  });
  return {
    status: answer.status,
    replayed: answer.headers.get('idempotent-replayed'),
    body: (await answer.json()) as never,
  };
};

describe('actions of a fake third party', () => {
  it('creates one object for one key however often it is sent, and replays the first answer', async () => {
    api = await startFakeApi();
    const posts = api.action('POST', '/posts');
    const first = await post('/posts', { text: 'hi' }, 'k1');
    expect(first).toEqual({ status: 201, replayed: null, body: { id: 'posts-1', text: 'hi' } });
    expect(await post('/posts', { text: 'hi' }, 'k1')).toEqual({ ...first, replayed: 'true' });
    expect(await post('/posts', { text: 'other' }, 'k1')).toMatchObject({ status: 422 });
    expect(posts.byKey()).toEqual({ k1: 1 });
    expect(api.report().created).toEqual({ 'POST /posts': { objects: 1, keys: 1, duplicates: 0 } });
  });

  it('creates another object each time when it pays no heed to keys, and counts the duplicates', async () => {
    api = await startFakeApi();
    const posts = api.action('POST', '/posts', { honoursKeys: false });
    await post('/posts', { text: 'hi' }, 'k1');
    await post('/posts', { text: 'hi' }, 'k1');
    await post('/posts', { text: 'hi', clientId: 'c1' });
    await post('/posts', { text: 'hi', clientId: 'c1' });
    expect(posts.byKey()).toEqual({ k1: 2, c1: 2 });
    expect(api.report().created['POST /posts']).toEqual({ objects: 4, keys: 2, duplicates: 2 });
  });

  it('says that a key is in use while its first call is under way', async () => {
    api = await startFakeApi();
    let open: () => void = () => undefined;
    let committed = 0;
    api.action('POST', '/posts', {
      afterCommit: () => {
        committed++;
        return new Promise<void>((resolve) => (open = resolve));
      },
    });
    const first = post('/posts', {}, 'k1');
    await expect.poll(() => committed).toBe(1);
    expect((await post('/posts', {}, 'k1')).status).toBe(409);
    open();
    expect((await first).status).toBe(201);
    expect(committed).toBe(1);
  });

  it('has created the object when a failure after the commit hides the answer, and the look-up finds it', async () => {
    api = await startFakeApi();
    const posts = api.action('POST', '/posts', { lookup: '/posts-by-client/:clientId' });
    api.script('POST /posts', ['reset-after', 'reset', '500-after']);
    await expect(post('/posts', { clientId: 'c1' })).rejects.toThrow('fetch failed');
    expect(await (await fetch(`${api.url}/posts-by-client/c1`)).json()).toEqual({ id: 'posts-1', clientId: 'c1' });
    await expect(post('/posts', { clientId: 'c2' })).rejects.toThrow('fetch failed');
    expect((await fetch(`${api.url}/posts-by-client/c2`)).status).toBe(404);
    expect((await post('/posts', { clientId: 'c3' })).status).toBe(500);
    expect(posts.byKey()).toEqual({ c1: 1, c3: 1 });
  });

  it('finds a new object late when its index lags behind', async () => {
    api = await startFakeApi();
    api.action('POST', '/posts', { lookup: '/posts', visibleAfterMs: 400 });
    await post('/posts', { clientId: 'c1' });
    const found = async () =>
      ((await (await fetch(`${api.url}/posts?clientId=c1`)).json()) as { items: [] }).items.length;
    expect(await found()).toBe(0);
    await expect.poll(found, { interval: 10 }).toBe(1);
  });

  it('reads and deletes objects, once', async () => {
    api = await startFakeApi();
    const orders = api.action('POST', '/shops/:shop/orders', { make: (_body, { shop }) => ({ shop, paid: true }) });
    const { id } = (await post('/shops/s1/orders', {})).body as { id: string };
    const object = (method: string) => fetch(`${api.url}/shops/s1/orders/${id}`, { method });
    expect(await (await object('GET')).json()).toEqual({ id, shop: 's1', paid: true });
    expect([(await object('DELETE')).status, (await object('DELETE')).status, (await object('GET')).status]).toEqual([
      204, 404, 404,
    ]);
    expect(orders.objects()).toEqual([]);
    expect(orders.created()).toHaveLength(1);
  });

  it('refuses a body before anything is created', async () => {
    api = await startFakeApi();
    const posts = api.action('POST', '/posts', { check: () => ({ status: 422, body: { error: 'too long' } }) });
    expect((await post('/posts', {})).status).toBe(422);
    expect(posts.created()).toEqual([]);
  });
});
