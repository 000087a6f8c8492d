import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { z } from 'zod';
import { makeCall, type Call } from '../../../activities/call/make-call.ts';
import { createHttpSender, type ActivityDeps } from '../../../activities/index.ts';
import { defineProvider, get, noAuth, post, seconds, window, type Endpoint } from '../../../providers/index.ts';
import { startFakeApi, type FakeApi } from '../../../testing/index.ts';
import { createTestDatabase, type TestDatabase } from '../../setup/servers/database.ts';
import { createActionDrive, type ActionDrive } from '../../setup/drive-action.ts';
import { startSlowProxy, type SlowProxy } from '../../setup/servers/slow-proxy.ts';

describe('the permits of one call', () => {
  let api: FakeApi;
  let db: TestDatabase;
  let drive: ActionDrive;

  beforeAll(async () => {
    api = await startFakeApi();
    api.object('/thing', () => ({ ok: true }));
    for (const [from, to] of [
      ['/old', '/older'],
      ['/older', '/thing'],
      ['/loop', '/loop'],
    ] as const)
      api.route('GET', from, () => ({ status: 308, headers: { location: to }, body: {} }));
    api.route('POST', '/form', () => ({ status: 303, headers: { location: '/thing' }, body: {} }));
    db = await createTestDatabase();
    drive = createActionDrive(db.pool);
  });
  afterAll(async () => {
    await drive?.end();
    await db?.drop();
    await api?.stop();
  });

  let providers = 0;
  const endpointOf = (max: number, perMs: number, baseUrl = () => api.url): Endpoint => {
    const limits = [window('app', { by: ['app'], max, perMs })];
    const provider = defineProvider({ id: `hops-${providers++}`, baseUrl, auth: noAuth(), limits });
    return provider.endpoint('any', { input: z.object({}), response: z.unknown(), request: () => get('/') });
  };
  const callOf = (endpoint: Endpoint, spec: Call['spec'], more: Partial<Call> = {}): Call => ({
    provider: endpoint.provider,
    account: 'a',
    tenant: 'a',
    settings: undefined,
    endpoint: endpoint.name,
    callKey: `test/${endpoint.provider.id}`,
    charges: endpoint.charges({
      account: 'a',
      tenant: 'a',
      settings: undefined,
      ip: 'default',
      input: {},
      pageSize: 0,
    }),
    weight: 1,
    priority: 'bulk',
    maxWaitMs: 50,
    spec,
    decide: endpoint.decide,
    totalMs: 5_000,
    ...more,
  });
  const granted = async ({ provider }: Endpoint): Promise<number> => {
    const { rows } = await db.pool.query<{ used: number }>('select used from sluice.limit_bucket where key like $1', [
      `${provider.id}/app%`,
    ]);
    return rows[0]?.used ?? 0;
  };

  it('are one for each hop of a redirect', async () => {
    const endpoint = endpointOf(10, seconds(60));
    const before = api.report().calls;
    const made = await makeCall(drive.deps, callOf(endpoint, get('/old')));
    expect(made).toMatchObject({ sent: true, value: { outcome: { kind: 'ok' }, answer: { status: 200 } } });
    expect(api.report().calls - before).toBe(3);
    await expect.poll(() => granted(endpoint)).toBe(3);
  });

  it('are no more than the limit has: the call waits between two hops, and goes on where it was', async () => {
    const endpoint = endpointOf(1, seconds(1));
    const before = api.report().calls;
    const ends: boolean[] = [];
    for (let attempt = 0; attempt < 30 && ends.at(-1) !== true; attempt++) {
      const made = await makeCall(drive.deps, callOf(endpoint, get('/old'), { maxWaitMs: 100 }));
      ends.push(made.sent);
      if (!made.sent) await new Promise((resolve) => setTimeout(resolve, Math.min(500, made.retryAfterMs)));
      else expect(made.value.answer.status).toBe(200);
    }
    expect(ends.at(-1)).toBe(true);
    expect(ends.length).toBeGreaterThan(2);
    expect(api.report().calls - before).toBe(3);
  });

  it('end with a loop', async () => {
    const endpoint = endpointOf(100, seconds(60));
    const before = api.report().calls;
    const made = await makeCall(drive.deps, callOf(endpoint, get('/loop')));
    expect(made).toMatchObject({ sent: true, value: { outcome: { kind: 'permanent', cause: 'config' } } });
    expect(api.report().calls - before).toBe(6);
  });

  it('are one for a write, whose redirects are not followed', async () => {
    const endpoint = endpointOf(10, seconds(60));
    const before = api.report().calls;
    for (const spec of [post('/form'), get('/old')]) {
      const made = await makeCall(drive.deps, callOf(endpoint, spec, { isWrite: true }));
      expect(made).toMatchObject({ sent: true, value: { answer: { status: expect.any(Number) } } });
      expect(made.sent && made.value.answer.status).toBeGreaterThanOrEqual(300);
    }
    expect(api.report().calls - before).toBe(2);
  });

  describe('over a connection that takes longer than a permit is good for', () => {
    let proxy: SlowProxy;
    let deps: ActivityDeps;
    beforeAll(async () => {
      proxy = await startSlowProxy(300);
      deps = { ...drive.deps, http: createHttpSender({ proxy: { httpProxy: proxy.url, noProxy: '' } }) };
    });
    afterAll(async () => {
      await deps?.http.close();
      await proxy?.stop();
    });

    it('are taken anew when it is there, and the one that ended is given back', async () => {
      // This machine itself is never reached by a proxy.
      const { port } = new URL(api.url);
      const endpoint = endpointOf(10, seconds(60), () => `http://127.0.0.2:${port}`);
      const before = api.report();
      const unused = deps.limiter.stats().reports['not-sent'];
      const made = await makeCall(deps, callOf(endpoint, get('/thing')));
      expect(made).toMatchObject({ sent: true, value: { answer: { status: 200 } } });
      expect(deps.limiter.stats().reports['not-sent'] - unused).toBe(1);
      expect(api.report().calls - before.calls).toBe(1);
      expect(proxy.tunnels).toEqual([`127.0.0.2:${port}`]);
      await expect.poll(() => granted(endpoint)).toBe(1);
    });
  });
});
