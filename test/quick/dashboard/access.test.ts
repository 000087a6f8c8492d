/** Who gets nothing from the page, and who may not act: refused before anything of the client is touched. */
import { describe, expect, it } from 'vitest';
import type { Sluice } from '../../../client/index.ts';
import { onLoopback } from '../../../dashboard/http/access.ts';
import { createDashboard, serveDashboard, type DashboardOptions } from '../../../dashboard/index.ts';

/** A client that must not be asked for anything. */
const untouched = new Proxy({} as Sluice, {
  get: (_, name) => {
    throw new Error(`the client was asked for ${String(name)}`);
  },
});
const READ = 'read-0123456789abc';
const OPERATE = 'operate-0123456789';
const guarded: DashboardOptions = { tokens: { read: READ, operate: OPERATE } };
const ask = (options: DashboardOptions, path: string, init: RequestInit = {}) =>
  createDashboard(untouched, options).fetch(new Request(`http://ops.example${path}`, init));
const form = (fields: Record<string, string>, headers: Record<string, string> = {}): RequestInit => ({
  method: 'POST',
  body: new URLSearchParams(fields),
  headers: { host: 'ops.example', ...headers },
});
const own = { origin: 'http://ops.example', 'sec-fetch-site': 'same-origin' };
const PATHS = ['/', '/runs', '/live?view=%2F', '/do/pause-run?run=x', '/search?q=x', '/nothing'];

describe('a visitor without the right token', () => {
  it.each(PATHS)('gets nothing of %s', async (path) => {
    for (const headers of [
      {},
      { authorization: 'Bearer wrong-0123456789' },
      { cookie: 'sluice_session=operate.9999999999999.x' },
    ])
      expect((await ask(guarded, path, { headers })).status).toBe(401);
    const led = await ask(guarded, path, { headers: { accept: 'text/html' } });
    expect([led.status, led.headers.get('location')]).toEqual([303, '/login']);
    expect((await ask(guarded, '/do/pause-run', form({}, own))).status).toBe(401);
  });

  it('gets no cookie for a wrong token, nor for a right one from another site', async () => {
    const wrong = await ask(guarded, '/login', form({ token: 'wrong' }, own));
    expect([wrong.status, wrong.headers.get('set-cookie')]).toEqual([401, null]);
    const foreign = await ask(guarded, '/login', form({ token: OPERATE }, { origin: 'http://evil.example' }));
    expect([foreign.status, foreign.headers.get('set-cookie')]).toEqual([403, null]);
  });

  it('is let in by a right one, with a cookie that no script reads and no other site sends, until the token changes', async () => {
    const right = await ask(guarded, '/login', form({ token: READ }, own));
    const cookie = right.headers.get('set-cookie') ?? '';
    expect(cookie).toMatch(/^sluice_session=read\.\d+\.[\w-]+; Path=\/; Max-Age=43200; HttpOnly; SameSite=Strict$/);
    const holding = { headers: { cookie: cookie.split(';')[0] ?? '' } };
    expect((await ask(guarded, '/nothing', holding)).status).toBe(404);
    expect((await ask({ tokens: { read: 'another-0123456789' } }, '/nothing', holding)).status).toBe(401);
    const other = { headers: { cookie: (cookie.split(';')[0] ?? '').replace('=read', '=operate') } };
    expect((await ask(guarded, '/nothing', other)).status).toBe(401);
  });
});

it('an address with a character that no name has is nothing that is known, and no fault', async () => {
  for (const path of ['/limits/%00', '/runs?sync=%00', '/audit?subject=a%00b'])
    expect((await ask(guarded, path, { headers: { authorization: `Bearer ${READ}` } })).status).toBe(404);
});

it('a database without the schema is told with what to do, and not in words of the database alone', async () => {
  const error = Object.assign(new Error('relation "sluice.run" does not exist'), { code: '42P01', severity: 'ERROR' });
  const empty = new Proxy({} as Sluice, {
    get: () => {
      throw error;
    },
  });
  const headers = { authorization: `Bearer ${READ}` };
  const answer = await createDashboard(empty, guarded).fetch(new Request('http://ops.example/runs', { headers }));
  expect(answer.status).toBe(500);
  expect(await answer.text()).toContain('`npx sluice migrate` applies it.');
});

describe('an act', () => {
  const bearer = { authorization: `Bearer ${OPERATE}` };
  it.each([
    ['for a reader', { ...own, authorization: `Bearer ${READ}` }, /this needs the operator’s token/],
    ['from another site', { ...bearer, ...own, 'sec-fetch-site': 'cross-site' }, /another site/],
    ['from a sibling of the site', { ...bearer, ...own, 'sec-fetch-site': 'same-site' }, /another site/],
    ['from another address', { ...bearer, origin: 'http://evil.example' }, /another address/],
    ['from a page without an origin', { ...bearer, origin: 'null' }, /another address/],
    ['that does not say from where', bearer, /does not say where it comes from/],
    ['without the mark of a form', { ...bearer, ...own }, /load the page again/],
  ])('is refused %s', async (_, headers, why) => {
    const refused = await ask(guarded, '/do/pause-run', form({ run: 'x' }, headers));
    expect(refused.status).toBe(403);
    expect(await refused.text()).toMatch(why);
  });

  it('is refused with a mark that is not the visitor’s own', async () => {
    for (const mark of ['', 'x', OPERATE]) {
      const refused = await ask(guarded, '/do/pause-run', form({ run: 'x', mark }, { ...bearer, ...own }));
      expect(refused.status).toBe(403);
      expect(await refused.text()).toMatch(/load the page again/);
    }
  });

  it('is refused by a page on loopback that is called by another name, which would be another site’s', async () => {
    const local: DashboardOptions = { authorize: onLoopback };
    const at = (host: string) => ask(local, '/nothing', { headers: { host } });
    expect((await at('evil.example:8400')).status).toBe(401);
    expect((await at('127.0.0.1.evil.example')).status).toBe(401);
    for (const host of ['127.0.0.1:8400', 'localhost:8400', '[::1]:8400']) expect((await at(host)).status).toBe(404);
  });
});

describe('the page', () => {
  it('is not made without saying who may look, with a short token, or open to other machines', async () => {
    expect(() => createDashboard(untouched, {})).toThrow(/needs `tokens` or `authorize`/);
    expect(() => createDashboard(untouched, { tokens: { read: 'short' } })).toThrow(
      /has 5 characters; it needs at least 16/,
    );
    expect(() => createDashboard(untouched, { ...guarded, basePath: 'x"y' })).toThrow(/must be a path/);
    for (const webUiUrl of ['nonsense', 'javascript:alert(1)'])
      expect(() => createDashboard(untouched, { ...guarded, webUiUrl })).toThrow(/Web UI is ".*must begin with https/);
    await expect(serveDashboard(untouched, { host: '0.0.0.0', port: 0 })).rejects.toThrow(/Set SLUICE_DASHBOARD_TOKEN/);
  });

  it('has links below its path, whether the framework takes that path away or not', async () => {
    const mounted = { ...guarded, basePath: '/admin/sluice' };
    for (const path of ['/login', '/admin/sluice/login']) {
      const text = await (await ask(mounted, path)).text();
      expect(text).toContain('action="/admin/sluice/login"');
      expect(text).toContain('href="/admin/sluice/assets/page.css"');
    }
    expect((await ask(mounted, '/admin/sluice/assets/live.js')).headers.get('content-type')).toMatch(/javascript/);
    expect((await ask(mounted, '/admin/sluice/assets/..%2fserve.ts')).status).toBe(404);
    const cookie = (await ask(mounted, '/login', form({ token: READ }, own))).headers.get('set-cookie');
    expect(cookie).toContain('Path=/admin/sluice;');
  });

  it('allows no script but its own, no frame, and is kept by no cache', async () => {
    const { headers } = await ask(guarded, '/login');
    expect(headers.get('content-security-policy')).toMatch(
      /default-src 'none'.*script-src 'self'.*frame-ancestors 'none'/,
    );
    expect(headers.get('content-security-policy')).not.toMatch(/unsafe|http|\*/);
    expect([headers.get('cache-control'), headers.get('x-content-type-options')]).toEqual(['no-store', 'nosniff']);
    expect(await (await ask(guarded, '/login')).text()).not.toMatch(
      /<script(?! type="module" src=)|style=|https?:\/\/(?!ops)/,
    );
  });
});

it('is served where host and port are said, which are none of the page', async () => {
  const { url, close } = await serveDashboard(untouched, { host: '127.0.0.1', port: 0, tokens: { read: READ } });
  expect((await fetch(`${url}assets/page.css`)).status).toBe(200);
  await close();
});
