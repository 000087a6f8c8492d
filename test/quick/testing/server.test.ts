import { afterEach, describe, expect, it } from 'vitest';
import type { FakeApi } from '../../../testing/index.ts';
import { startFakeApi } from '../../../testing/index.ts';

let api: FakeApi;
afterEach(() => api.stop());
const get = (path: string, init?: RequestInit) => fetch(`${api.url}${path}`, init);

describe('the server of a fake third party', () => {
  it('reports calls by route, path, status and second, and the most at once', async () => {
    api = await startFakeApi();
    const gates: (() => void)[] = [];
    api.object('/users/:id', ({ id }) => (id === 'gone' ? undefined : { id }));
    api.route('GET', '/slow', async () => {
      await new Promise<void>((resolve) => gates.push(resolve));
      return { body: {} };
    });
    await get('/users/u1');
    await get('/users/u1');
    await get('/users/gone');
    const slow = [get('/slow'), get('/slow'), get('/slow')];
    await expect.poll(() => gates.length).toBe(3);
    expect(api.report()).toMatchObject({ inFlight: 3, maxConcurrent: 3 });
    for (const open of gates) open();
    await Promise.all(slow);
    const report = api.report();
    expect(report.byRoute).toEqual({ 'GET /users/:id': 3, 'GET /slow': 3 });
    expect(report.byPath).toEqual({ '/users/u1': 2, '/users/gone': 1, '/slow': 3 });
    expect(report.byStatus).toEqual({ '200': 5, '404': 1 });
    expect(report.perSecond.reduce((sum, calls) => sum + calls, 0)).toBe(6);
    expect(report.lastCallAt).toBeGreaterThan(report.firstCallAt as number);
    expect(JSON.parse(JSON.stringify(report))).toEqual(report);
  });

  it('forgets its counts on reset, and calls under way before do not come into the new ones', async () => {
    api = await startFakeApi();
    let open: () => void = () => undefined;
    api.route('GET', '/slow', async () => {
      await new Promise<void>((resolve) => (open = resolve));
      return { body: {} };
    });
    const slow = get('/slow');
    await expect.poll(() => api.report().inFlight).toBe(1);
    api.reset();
    expect(api.report()).toMatchObject({
      calls: 0,
      ok: 0,
      inFlight: 1,
      maxConcurrent: 1,
      firstCallAt: null,
      byStatus: {},
    });
    open();
    expect((await slow).status).toBe(200);
    expect(api.report()).toMatchObject({ calls: 0, ok: 0, byStatus: {} });
  });

  it('lists unknown paths, tells a wrong method, and answers HEAD like GET', async () => {
    api = await startFakeApi();
    api.object('/me', () => ({}));
    expect((await get('/typo')).status).toBe(404);
    expect((await get('/me', { method: 'DELETE' })).status).toBe(405);
    expect((await get('/me', { method: 'HEAD' })).status).toBe(200);
    expect(api.report().unknownPaths).toEqual({ 'GET /typo': 1, 'DELETE /me': 1 });
  });

  it('counts a caller who hangs up as gone', async () => {
    api = await startFakeApi();
    api.route('GET', '/slow', () => new Promise(() => undefined));
    await expect(get('/slow', { signal: AbortSignal.timeout(30) })).rejects.toThrow('timeout');
    await expect.poll(() => api.report().byStatus).toEqual({ gone: 1 });
    expect(api.report()).toMatchObject({ calls: 1, ok: 0, inFlight: 0 });
  });

  it('answers 500 with the reason when a callback of the test throws', async () => {
    api = await startFakeApi();
    api.object('/me', () => {
      throw new Error('mistake in the test');
    });
    const answer = await get('/me');
    expect(answer.status).toBe(500);
    expect(await answer.json()).toMatchObject({
      error: 'fake_api_failed',
      message: expect.stringContaining('mistake in the test'),
    });
  });

  it('reads bodies as JSON or as a form, and percent-decodes path parameters', async () => {
    api = await startFakeApi();
    api.route('POST', '/:name/echo', ({ body, text }, { name }) => ({ body: { name, body, bytes: text.length } }));
    const post = async (body: string, type: string) =>
      (await get('/a%2Fb/echo', { method: 'POST', body, headers: { 'content-type': type } })).json();
    expect(await post('{"a":1}', 'application/json')).toEqual({ name: 'a/b', body: { a: 1 }, bytes: 7 });
    expect(await post('a=1&b=%20', 'application/x-www-form-urlencoded')).toMatchObject({ body: { a: '1', b: ' ' } });
    expect(await post('x'.repeat(200_000), 'text/plain')).toMatchObject({ bytes: 200_000 });
  });

  it('takes the stated network time, one half of it before the call is counted', async () => {
    api = await startFakeApi({ latencyMs: [80, 100] });
    api.object('/me', () => ({}));
    const sentAt = api.now();
    await get('/me');
    const countedAt = api.report().firstCallAt as number;
    expect(countedAt - sentAt).toBeGreaterThan(38);
    expect(api.now() - countedAt).toBeGreaterThan(38);
  });

  it('tells the time of its own clock', async () => {
    api = await startFakeApi({ clockSkewMs: 3_600_000 });
    api.object('/me', () => ({}));
    api.limit({ name: 'app', max: 1, perMs: 60_000, headers: ['retry-after-date', 'x-ratelimit'] });
    await get('/me');
    const { headers } = await get('/me');
    const aheadMs = (name: string) => Date.parse(headers.get(name) as string) - Date.now();
    expect(aheadMs('date')).toBeGreaterThan(3_590_000);
    expect(aheadMs('retry-after')).toBeGreaterThan(3_640_000);
    expect(Number(headers.get('x-ratelimit-reset')) * 1_000 - Date.now()).toBeGreaterThan(3_640_000);
  });

  it('lets a later route take the place of an earlier one', async () => {
    api = await startFakeApi();
    api.object('/me', () => ({ v: 1 })).object('/me', () => ({ v: 2 }));
    expect(await (await get('/me')).json()).toEqual({ v: 2 });
  });

  it('says what is wrong with a pattern, a limit or a list', async () => {
    api = await startFakeApi();
    expect(() => api.object('me', () => ({}))).toThrow('begins with "/"');
    expect(() => api.limit({ name: 'x', max: -1 })).toThrow('max ≥ 0');
    expect(() => api.list('/x', {})).toThrow('either items or count');
    expect(() => api.chaos({ rate: 2 })).toThrow('rate from 0 to 1');
  });
});
