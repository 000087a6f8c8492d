/** A third party that checks the signature of each call, and takes no nonce twice. */
import { createHmac, createVerify, generateKeyPairSync } from 'node:crypto';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { z } from 'zod';
import { defineProvider, defineSync, get, hmac, serviceAccount, type Provider } from '../../../providers/index.ts';
import { startFakeApi, type FakeApi } from '../../../testing/index.ts';
import { TEST_KEYS } from '../../setup/programs/credential-worker.ts';
import { createWorld, type World } from '../../setup/world.ts';

const KEY = 'shared-key-0123456789';
const rsa = generateKeyPairSync('rsa', {
  modulusLength: 2048,
  privateKeyEncoding: { type: 'pkcs8', format: 'pem' },
  publicKeyEncoding: { type: 'spki', format: 'pem' },
});

let api: FakeApi;
let world: World;
const signed = defineProvider({
  id: 'signed',
  baseUrl: () => api.url,
  auth: hmac({
    secret: ({ password }) => password,
    message: ({ method, url, now, nonce }) => [method, url.pathname + url.search, now.toISOString(), nonce].join('\n'),
    send: (signature, { now, nonce }) => ({
      headers: { 'x-signature': signature, 'x-time': now.toISOString(), 'x-nonce': nonce },
    }),
  }),
  limits: [],
});
const robot = defineProvider({
  id: 'robot',
  baseUrl: () => api.url,
  auth: serviceAccount({ tokenUrl: '/token', audience: 'robots', scope: 'read' }),
  limits: [],
});
const syncOf = (provider: Provider, path: string) => {
  const rows = provider.endpoint('rows', {
    input: z.object({}),
    response: z.object({ rows: z.array(z.object({ id: z.string() })) }),
    request: () => get(path, { q: 'a b+c', ä: 1 }),
    paginate: { kind: 'single', items: (answer) => answer.rows },
  });
  return defineSync(provider.id, { provider, input: z.object({}) }, (s) => ({
    rows: s.one(rows, { input: () => ({}), key: ({ id }) => id }),
  }));
};
const late = defineProvider({
  id: 'late',
  baseUrl: () => api.url,
  auth: signed.auth,
  limits: [],
  maxAttempts: 2,
});
const lateSync = syncOf(late, '/late');
const signedSync = syncOf(signed, '/old');
const robotSync = syncOf(robot, '/rows');

const calls: { path: string; nonce: string; isGood: boolean }[] = [];
beforeAll(async () => {
  world = await createWorld([signedSync, robotSync, lateSync], { encryptionKeys: TEST_KEYS });
  api = await startFakeApi();
  const body = { rows: [{ id: '1' }] };
  const check = (path: string, search: string, headers: Record<string, unknown>) => {
    const [nonce, time] = [String(headers['x-nonce']), String(headers['x-time'])];
    const text = ['GET', path + search, time, nonce].join('\n');
    const isGood = headers['x-signature'] === createHmac('sha256', KEY).update(text).digest('hex');
    calls.push({ path, nonce, isGood: isGood && Math.abs(Date.now() - Date.parse(time)) < 5_000 });
  };
  const raw = '?q=a%20b%2Bc&%C3%A4=1';
  api.route('GET', '/old', ({ headers }) => {
    check('/old', raw, headers);
    return calls.length === 1
      ? { status: 500, body: {} }
      : { status: 302, headers: { location: '/new?moved=1' }, body: {} };
  });
  let turn = 0;
  api.route('GET', '/late', () => ({
    status: turn++ === 0 ? 401 : 403,
    headers: { date: new Date(Date.now() - 600_000).toUTCString() },
    body: { error: 'stale' },
  }));
  api.route('GET', '/new', ({ headers }) => {
    check('/new', '?moved=1', headers);
    return { body };
  });
  api.route('GET', '/rows', ({ token }) => (token === 'at-0123456789' ? { body } : { status: 401, body: {} }));
  api.route('POST', '/token', ({ body: form }) => {
    const { assertion = '', grant_type } = form as Record<string, string>;
    const at = assertion.lastIndexOf('.');
    const isTrue = createVerify('sha256')
      .update(assertion.slice(0, at))
      .verify(rsa.publicKey, assertion.slice(at + 1), 'base64url');
    const isGood = isTrue && grant_type === 'urn:ietf:params:oauth:grant-type:jwt-bearer';
    return isGood
      ? { body: { access_token: 'at-0123456789', token_type: 'bearer', expires_in: 3600 } }
      : { status: 400, body: { error: 'invalid_grant' } };
  });
});
afterAll(async () => {
  await world?.end();
  await api?.stop();
});

it('each try and each hop of a redirect is signed anew, for its own address, time and nonce', async () => {
  await world.sluice.accounts.connect({ provider: signed, account: 'a', credentials: { password: KEY } });
  const run = await world.sluice.start(signedSync, { account: 'a', input: {} });
  expect(await run.result()).toMatchObject({ complete: true, rows: 1 });
  expect(calls.map(({ path, isGood }) => [path, isGood])).toEqual([
    ['/old', true],
    ['/old', true],
    ['/new', true],
  ]);
  expect(new Set(calls.map(({ nonce }) => nonce)).size).toBe(3);
});

it('a signature that is refused while the clocks differ gives no account up, and says whose clock is wrong', async () => {
  await world.sluice.accounts.connect({ provider: late, account: 'l', credentials: { password: KEY } });
  const run = await world.sluice.start(lateSync, { account: 'l', input: {} });
  const result = await run.result();
  expect(result.state).toBe('failed');
  expect(JSON.stringify(result.flaws)).toMatch(/HTTP 40[13].*this machine's clock is \d+ s ahead of the third party's/);
  expect(await world.sluice.accounts.status({ provider: late, account: 'l' })).toMatchObject({ status: 'connected' });
});

it('a service account without any token logs in by its signature', async () => {
  await world.sluice.accounts.connect({
    provider: robot,
    account: 'r',
    credentials: { extra: { clientEmail: 'robot@x.example', privateKey: rsa.privateKey } },
  });
  const run = await world.sluice.start(robotSync, { account: 'r', input: {} });
  expect(await run.result()).toMatchObject({ complete: true, rows: 1 });
});
