/** Accounts are connected through a browser at a real OAuth server, and used, renewed and disconnected after it. */
import { createServer, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import { z } from 'zod';
import { createConnecting, type ConnectingHandlers, type LoginOutcome, type Who } from '../../../connecting/index.ts';
import { defineProvider, defineSync, get, oauth2, window } from '../../../providers/index.ts';
import { startFakeApi, type FakeApi } from '../../../testing/index.ts';
import { Browser, CLIENT, startOAuthServer, type OAuthServer } from '../../setup/oauth-server.ts';
import { TEST_KEYS } from '../../setup/programs/credential-worker.ts';
import { createWorld, type World } from '../../setup/world.ts';

const ACCESS_SECONDS = 3;

let server: OAuthServer;
let api: FakeApi;
let logged: string[] = [];
let app: Server;
let world: World;
let connecting: ConnectingHandlers;
let url: string;
let who: Who | undefined;
let outcomes: LoginOutcome[] = [];
/** What `done` does besides. */
let onDone: () => void = () => {};

const social = defineProvider({
  id: 'social',
  baseUrl: () => server.url,
  auth: oauth2({
    tokenUrl: '/token',
    clientId: CLIENT.id,
    clientSecret: () => CLIENT.secret,
    revokeUrl: '/token/revocation',
    authorize: { url: '/auth', scope: 'openid offline_access', params: { prompt: 'consent' } },
  }),
  limits: [],
});
const me = social.endpoint('me', {
  input: z.object({}),
  response: z.object({ sub: z.string() }),
  request: () => get('/me'),
  paginate: { kind: 'single', items: (answer) => [answer] },
});
const sync = defineSync('social-me', { provider: social, input: z.object({}) }, (s) => ({
  me: s.one(me, { input: () => ({}), key: ({ sub }) => sub }),
}));

/** Which host an account has comes with its tokens; where its users log in, the app must say. */
const crm = defineProvider(z.object({ region: z.string(), host: z.string() }), {
  id: 'crm',
  baseUrl: ({ settings }) => `https://${settings.host}`,
  hosts: ['*.crm.example'],
  auth: oauth2({
    tokenUrl: () => `${api.url}/token`,
    clientId: () => process.env['CRM_CLIENT_FOR_TESTS'] ?? 'crm-app',
    clientAuth: 'body',
    authorize: {
      url: ({ settings }) => `https://${settings.region}.crm.example/login`,
      issuer: 'https://crm.example',
      settings: (token) => ({ host: token['instance'] }),
    },
  }),
  limits: [window('app', { by: ['app'], max: 1_000, perMs: 3_600_000 })],
});

beforeAll(async () => {
  api = await startFakeApi();
  world = await createWorld([sync], { encryptionKeys: TEST_KEYS });
  app = createServer((request, response) => {
    if (request.url?.startsWith('/connect/')) return connecting.node(request, response);
    response.end('a page of the app');
  });
  await new Promise<void>((resolve) => app.listen(0, '127.0.0.1', resolve));
  url = `http://127.0.0.1:${(app.address() as AddressInfo).port}/connect`;
  server = await startOAuthServer({ accessSeconds: ACCESS_SECONDS, redirectUris: [`${url}/social/callback`] });
  connecting = createConnecting(world.sluice, {
    url,
    providers: [social, crm],
    log: { error: (fields, message) => void logged.push(`${message} ${JSON.stringify(fields)}`) },
    who: () => who,
    done: (outcome) => {
      outcomes.push(outcome);
      onDone();
    },
  });
});
afterAll(async () => {
  await connecting?.close();
  app?.closeAllConnections();
  await new Promise((resolve) => app.close(resolve));
  await server?.stop();
  await api?.stop();
  await world?.end();
});
beforeEach(() => {
  outcomes = [];
  onDone = () => {};
  logged = [];
  server.events.length = 0;
  who = { account: 'ann', tenant: 'acme', by: 'user:7' };
});

const reasons = (): string =>
  outcomes.map((outcome) => (outcome.state === 'connected' ? outcome.state : outcome.why)).join(' ');
const isCallback = (at: string): boolean => at.includes('/social/callback?');
const status = (account = 'ann') => world.sluice.accounts.status({ provider: social, account });
const run = async (): Promise<string> => {
  const started = await world.sluice.start(sync, { account: 'ann', tenant: 'acme', input: {} });
  return (await started.result()).state;
};

describe('an account that is connected through a browser', () => {
  it('is called, renewed by rotating refresh tokens, written to the audit, and revoked when it is disconnected', async () => {
    const page = await new Browser().consent(`${url}/social?returnTo=/settings?tab=2`);
    expect(page).toMatchObject({ status: 200, text: 'a page of the app' });
    expect(new URL(page.url)).toMatchObject({ pathname: '/settings', search: '?tab=2' });
    expect(outcomes).toEqual([
      { state: 'connected', provider: 'social', account: 'ann', tenant: 'acme', returnTo: '/settings?tab=2' },
    ]);
    expect(await status()).toMatchObject({ status: 'connected', tenant: 'acme' });
    expect(Date.parse((await status())?.expiresAt ?? '')).toBeGreaterThan(Date.now());
    expect(await world.sluice.audit.list({ act: 'accounts.connect' })).toMatchObject([
      {
        by: 'user:7',
        subject: { id: 'social/ann' },
        tenant: 'acme',
        outcome: 'done',
        why: expect.stringMatching('browser') as string,
      },
    ]);
    expect(await run()).toBe('done');

    for (const renewed of [1, 2]) {
      const endsAt = Date.parse((await status())?.expiresAt ?? '');
      await expect.poll(() => Date.now(), { timeout: 10_000 }).toBeGreaterThan(endsAt);
      expect(await run()).toBe('done');
      expect(server.events.filter((event) => event === 'refresh_token')).toHaveLength(renewed);
    }
    expect(server.events.filter((event) => event.startsWith('refused'))).toEqual([]);

    await world.sluice.accounts.disconnect({ provider: social, account: 'ann', revoke: true });
    await expect.poll(() => server.events, { timeout: 15_000 }).toContain('grant revoked');
    expect(await status()).toBeUndefined();
  });

  it('is not, and nothing is kept, when its user says no', async () => {
    const page = await new Browser().consent(`${url}/social`, { says: 'no' });
    expect(page).toMatchObject({ status: 403 });
    expect(page.text).toContain('Access was refused at social, so nothing was connected.');
    expect(page.headers.get('referrer-policy')).toBe('no-referrer');
    expect(outcomes).toMatchObject([{ state: 'not-connected', why: 'refused', returnTo: '/' }]);
    expect(await status()).toBeUndefined();
    expect(server.events).toEqual([]);
  });

  it('is connected once by one callback: a second one is told so, and two at once make one exchange', async () => {
    const browser = new Browser();
    const { url: callback } = await browser.consent(`${url}/social`, { until: isCallback });
    const both = await Promise.all([browser.open(callback), browser.open(callback)]);
    expect(both.map((page) => page.status).sort((a, b) => a - b)).toEqual([200, 409]);
    const again = await browser.open(callback);
    expect(again.text).toContain('This login was used already.');
    expect(server.events).toEqual(['authorization_code']);
    expect(await status()).toMatchObject({ status: 'connected' });
  });

  it('is not connected by a callback of another browser, of another account, too late, or of nobody’s login', async () => {
    await world.sluice.accounts.disconnect({ provider: social, account: 'ann' });
    const [browser, other] = [new Browser(), new Browser()];
    const { url: callback } = await browser.consent(`${url}/social`, { until: isCallback });
    await other.open(`${url}/social`, { until: (at) => at.startsWith(server.url) });
    expect(other.cookie(url, 'sluice-login')).not.toBe(browser.cookie(url, 'sluice-login'));
    expect((await other.open(callback)).status).toBe(403);
    expect((await new Browser().open(callback)).status).toBe(403);
    who = { account: 'eve', tenant: 'acme' };
    expect((await browser.open(callback)).status).toBe(403);
    who = undefined;
    expect((await browser.open(callback)).status).toBe(401);
    who = { account: 'ann', tenant: 'acme' };
    expect((await browser.open(callback.replace(/state=[^&]+/, 'state=made-up'))).status).toBe(400);
    expect((await browser.open(`${callback}&state=another`)).status).toBe(400);
    await world.db.pool.query(`update sluice.login set expires_at = clock_timestamp() where taken_at is null`);
    expect((await browser.open(callback)).status).toBe(410);
    expect(reasons()).toEqual('other-browser other-browser other-account nobody unknown unclear over');
    expect(server.events).toEqual([]);
    expect(await status()).toBeUndefined();
    expect(await status('eve')).toBeUndefined();
  });

  it('is not connected by a code that was used before, or that was given for another login', async () => {
    const [browser, thief] = [new Browser(), new Browser()];
    const { url: first } = await browser.consent(`${url}/social`, { until: isCallback });
    const code = new URL(first).searchParams.get('code') as string;
    // The thief has the code, and a login of his own: the verifier is another one.
    who = { account: 'eve', tenant: 'acme' };
    const { url: stolen } = await thief.consent(`${url}/social`, { until: isCallback });
    const injected = stolen.replace(/code=[^&]+/, `code=${encodeURIComponent(code)}`);
    expect(await thief.open(injected)).toMatchObject({ status: 400 });
    expect(outcomes).toMatchObject([{ why: 'code', reason: expect.stringContaining('invalid_grant') as string }]);
    expect(server.events).toEqual([expect.stringMatching('refused invalid_grant')]);
    expect(await status('eve')).toBeUndefined();
  });

  it('is told to the app once, also when the app throws at it', async () => {
    onDone = () => {
      throw new Error('a mistake of the app');
    };
    expect((await new Browser().consent(`${url}/social`)).status).toBe(500);
    expect(outcomes).toMatchObject([{ state: 'connected' }]);
    expect(await status()).toMatchObject({ status: 'connected' });
    outcomes = [];
    expect((await new Browser().consent(`${url}/social`, { says: 'no' })).status).toBe(500);
    expect(outcomes).toMatchObject([{ state: 'not-connected', why: 'refused' }]);
  });

  it('is none of another tenant: nobody is sent to the third party for it', async () => {
    await new Browser().consent(`${url}/social`);
    who = { account: 'ann', tenant: 'rival' };
    const page = await new Browser().open(`${url}/social`, { until: (at) => at.startsWith(server.url) });
    expect(page).toMatchObject({ status: 403, url: `${url}/social` });
    expect(await status()).toMatchObject({ tenant: 'acme' });
  });

  it('leads nowhere but to the app, whatever the link says', async () => {
    for (const away of [
      '//evil.example',
      'https://evil.example',
      '/\\evil.example',
      '/a/..//evil.example',
      'settings',
    ]) {
      const page = await new Browser().open(`${url}/social?${new URLSearchParams({ returnTo: away }).toString()}`);
      expect(page).toMatchObject({ status: 404, url: expect.stringContaining(url) as string });
    }
    const { rows } = await world.db.pool.query('select 1 from sluice.login where return_to not like $1', ['/%']);
    expect(rows).toEqual([]);
  });
});

describe('a login whose account has settings', () => {
  const begin = async (browser: Browser): Promise<URL> => {
    const page = await browser.open(`${url}/crm`, { until: (at) => at.includes('crm.example') });
    return new URL(page.url);
  };
  const back = (asked: URL, answer: Record<string, string>): string => {
    const state = asked.searchParams.get('state') as string;
    return `${url}/crm/callback?${new URLSearchParams({ state, iss: 'https://crm.example', ...answer }).toString()}`;
  };
  let asked: unknown[] = [];
  let instance = 'eu7.crm.example';
  beforeAll(() =>
    api.route('POST', '/token', ({ body }) => {
      asked.push(body);
      const { code } = body as { code: string };
      if (code === 'bad-client') return { status: 401, body: { error: 'invalid_client' } };
      if (code === 'down') return { status: 503, body: 'down' };
      return { body: { access_token: `at-${code}-0123456789`, token_type: 'bearer', instance } };
    }),
  );
  beforeEach(() => {
    asked = [];
    instance = 'eu7.crm.example';
    who = { account: 'carl', settings: { region: 'eu' } };
  });
  const settings = async () => (await world.sluice.accounts.status({ provider: crm, account: 'carl' }))?.settings;

  it('goes to the page that they name, and what comes with the tokens is put over them', async () => {
    const browser = new Browser();
    const page = await begin(browser);
    expect(page.origin).toBe('https://eu.crm.example');
    expect(Object.fromEntries(page.searchParams)).toEqual({
      response_type: 'code',
      client_id: 'crm-app',
      redirect_uri: `${url}/crm/callback`,
      state: expect.stringMatching(/^[\w-]{43}$/) as string,
      code_challenge: expect.stringMatching(/^[\w-]{43}$/) as string,
      code_challenge_method: 'S256',
    });
    // They are changed while the user is away: the login is of those that it was begun with.
    who = { account: 'carl', settings: { region: 'us' } };
    await browser.open(back(page, { code: 'good' }));
    expect(outcomes).toMatchObject([{ state: 'connected', account: 'carl', tenant: null }]);
    expect(await settings()).toEqual({ region: 'eu', host: 'eu7.crm.example' });
    expect(asked).toMatchObject([{ grant_type: 'authorization_code', code: 'good', client_id: 'crm-app' }]);
    const { rows } = await world.db.pool.query<{ login: string }>('select l::text as login from sluice.login l');
    expect(JSON.stringify(rows)).not.toContain(page.searchParams.get('state'));
  });

  it('is not begun where they lead to a host that the provider does not allow', async () => {
    for (const region of ['evil.example/', 'a.b', 'evil.example#', 'x@evil.example/']) {
      who = { account: 'mal', settings: { region } };
      expect((await new Browser().open(`${url}/crm`)).status).toBe(400);
    }
    expect(outcomes).toMatchObject(Array.from({ length: 4 }, () => ({ state: 'not-connected', why: 'settings' })));
    who = { account: 'carl', settings: { region: 'eu' } };
    const browser = new Browser();
    instance = 'evil.example';
    const page = await browser.open(back(await begin(browser), { code: 'good' }));
    expect(page.status).toBe(400);
    expect(page.text).toContain('allows *.crm.example only');
    expect(await settings()).toEqual({ region: 'eu', host: 'eu7.crm.example' });
  });

  it('says plainly what the third party said, and blames the app where it is to blame', async () => {
    const end = async (answer: Record<string, string>) => {
      const browser = new Browser();
      return browser.open(back(await begin(browser), answer));
    };
    const refused = await end({ error: 'invalid_scope', error_description: 'no <b>scope</b> of this name' });
    expect(refused.text).toContain(
      'crm did not allow it and says “invalid_scope: no &lt;b&gt;scope&lt;/b&gt; of this name”.',
    );
    expect((await end({ code: 'good', iss: 'https://evil.example' })).status).toBe(400);
    expect((await end({})).text).toContain('crm sent no code back');
    expect(asked).toEqual([]);
    expect((await end({ code: 'down' })).status).toBe(502);
    expect(logged).toEqual([]);
    const app = await end({ code: 'bad-client' });
    expect(app).toMatchObject({ status: 500, text: expect.stringContaining('not set up right for crm') as string });
    expect(logged).toEqual([expect.stringMatching(/could not be changed for tokens .*invalid_client/)]);
    expect(reasons()).toEqual('refused unclear unclear third-party app');
  });

  it('takes a permit of its provider’s limits, and says so to the user where there is none', async () => {
    const keys = await world.sluice.limits.list({ prefix: 'crm/app' });
    expect(keys).toMatchObject([{ used: expect.any(Number) as number }]);
    expect(keys[0]?.used).toBeGreaterThan(0);
    await world.sluice.limits.pause(keys[0]?.key as string, 'for a test');
    const browser = new Browser();
    const page = await browser.open(back(await begin(browser), { code: 'good' }));
    expect(page).toMatchObject({ status: 503, text: expect.stringContaining('called too often') as string });
    expect(asked).toEqual([]);
  });
});
