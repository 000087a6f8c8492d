import { afterEach, describe, expect, it } from 'vitest';
import type { FakeApi, IssuedTokens, OAuthHandle, OAuthOptions, TokenErrorName } from '../../../testing/index.ts';
import { startFakeApi, tokenErrors } from '../../../testing/index.ts';

let api: FakeApi;
let oauth: OAuthHandle;
afterEach(() => api.stop());

const start = async (options: OAuthOptions = {}) => {
  api = await startFakeApi();
  oauth = api.oauth(options);
  api.route('GET', '/me', ({ account }) => ({ body: { account } }));
};
const me = (token?: string) =>
  fetch(`${api.url}/me`, {
    redirect: 'manual',
    ...(token !== undefined && { headers: { authorization: `Bearer ${token}` } }),
  });
const refresh = async (refreshToken: string, extra: Record<string, string> = {}) => {
  const body = new URLSearchParams({ grant_type: 'refresh_token', refresh_token: refreshToken, ...extra });
  const answer = await fetch(`${api.url}/oauth/token`, { method: 'POST', body });
  const told = (await answer.json()) as {
    access_token: string;
    refresh_token: string;
    expires_in: number;
    error: string;
  };
  return { status: answer.status, ...told };
};
const statusWith = async ({ accessToken }: Pick<IssuedTokens, 'accessToken'>) => (await me(accessToken)).status;

describe('tokens of a fake third party', () => {
  it('lets calls pass with a live token, knows its account, and refuses calls without one', async () => {
    await start();
    const tokens = oauth.issue('ann');
    expect(await (await me(tokens.accessToken)).json()).toEqual({ account: 'ann' });
    const refused = await me();
    expect(refused.status).toBe(401);
    expect(refused.headers.get('www-authenticate')).toContain('error="invalid_token"');
    expect((await me('made-up')).status).toBe(401);
    expect(api.report()).toMatchObject({ ok: 1, unauthorized: 2 });
  });

  it('ends access tokens by time, and refreshing gives new ones of the stated life', async () => {
    await start({ accessLifeMs: 400 });
    const old = oauth.issue('ann');
    expect(await statusWith(old)).toBe(200);
    await expect.poll(() => statusWith(old), { interval: 10 }).toBe(401);
    const fresh = await refresh(old.refreshToken);
    expect(fresh).toMatchObject({ status: 200, expires_in: 0.4 });
    expect(await statusWith({ accessToken: fresh.access_token })).toBe(200);
    expect(api.report().refreshes).toEqual({ ann: 1 });
  });

  it('gives another refresh token each time, and the chain of them works', async () => {
    await start();
    let token = oauth.issue('ann').refreshToken;
    const seen = new Set([token]);
    for (let i = 0; i < 5; i++) seen.add((token = (await refresh(token)).refresh_token));
    expect(seen.size).toBe(6);
    expect(oauth.account('ann')).toMatchObject({ refreshes: 5, refusedRefreshes: 0, reuses: 0, isLost: false });
  });

  it('revokes all tokens of the login when a refresh token is used twice, and the account is lost until connected anew', async () => {
    await start();
    const tokens = oauth.issue('ann');
    const other = oauth.issue('bob');
    const [one, two] = await Promise.all([refresh(tokens.refreshToken), refresh(tokens.refreshToken)]);
    const winner = one.status === 200 ? one : two;
    expect(new Set([one.status, two.status])).toEqual(new Set([200, 400]));
    expect(await statusWith({ accessToken: winner.access_token })).toBe(401);
    expect(await refresh(winner.refresh_token)).toMatchObject({ status: 400, error: 'invalid_grant' });
    expect(oauth.account('ann')).toMatchObject({ refreshes: 1, refusedRefreshes: 2, reuses: 1, isLost: true });
    expect(api.report().lostAccounts).toEqual(['ann']);
    expect(await statusWith(other)).toBe(200);
    expect(await statusWith(oauth.issue('ann'))).toBe(200);
    expect(oauth.lost()).toEqual([]);
  });

  it('only refuses the second use when it does not detect reuse', async () => {
    await start({ detectsReuse: false });
    const tokens = oauth.issue('ann');
    const fresh = await refresh(tokens.refreshToken);
    expect((await refresh(tokens.refreshToken)).status).toBe(400);
    expect(await statusWith({ accessToken: fresh.access_token })).toBe(200);
    expect(oauth.account('ann')).toMatchObject({ reuses: 1, isLost: false });
  });

  it('gives the same tokens again to a second use within the grace', async () => {
    await start({ graceMs: 5_000 });
    const { refreshToken } = oauth.issue('ann');
    const first = await refresh(refreshToken);
    expect(await refresh(refreshToken)).toEqual(first);
    expect(oauth.account('ann')).toMatchObject({ refreshes: 1, reuses: 0 });
  });

  it('keeps one refresh token when it does not rotate', async () => {
    await start({ rotatesRefresh: false });
    const { refreshToken } = oauth.issue('ann');
    const fresh = await refresh(refreshToken);
    expect(fresh.refresh_token).toBeUndefined();
    expect((await refresh(refreshToken)).status).toBe(200);
  });

  it('refuses calls and refreshes of a revoked account, and only calls of an expired one', async () => {
    await start();
    const ann = oauth.issue('ann');
    const bob = oauth.issue('bob');
    oauth.revoke('ann');
    oauth.expire('bob');
    expect([await statusWith(ann), await statusWith(bob)]).toEqual([401, 401]);
    expect((await refresh(ann.refreshToken)).error).toBe('invalid_grant');
    expect((await refresh(bob.refreshToken)).status).toBe(200);
  });

  it('has rotated already when the answer to a refresh is lost', async () => {
    await start();
    const { refreshToken } = oauth.issue('ann');
    api.script('POST /oauth/token', ['reset-after']);
    await expect(refresh(refreshToken)).rejects.toThrow('fetch failed');
    expect((await refresh(refreshToken)).status).toBe(400);
    expect(api.report().lostAccounts).toEqual(['ann']);
  });

  it('wants client credentials when it has some, in the body or as Basic', async () => {
    await start({ client: { id: 'app', secret: 's3' } });
    const { refreshToken } = oauth.issue('ann');
    expect(await refresh(refreshToken)).toMatchObject({ status: 401, error: 'invalid_client' });
    const fresh = await refresh(refreshToken, { client_id: 'app', client_secret: 's3' });
    expect(fresh.status).toBe(200);
    const basic = await fetch(`${api.url}/oauth/token`, {
      method: 'POST',
      headers: {
        authorization: `Basic ${Buffer.from('app:s3').toString('base64')}`,
        'content-type': 'application/json',
      },
      body: JSON.stringify({ grant_type: 'refresh_token', refresh_token: fresh.refresh_token }),
    });
    expect(basic.status).toBe(200);
  });

  it('lets a limit count by account, whatever token the account has by now', async () => {
    await start();
    api.limit({ name: 'per-account', by: 'account', on: '/me', max: 1, perMs: 60_000 });
    const tokens = oauth.issue('ann');
    expect(await statusWith(tokens)).toBe(200);
    const fresh = await refresh(tokens.refreshToken);
    expect(await statusWith({ accessToken: fresh.access_token })).toBe(429);
    expect(await statusWith(oauth.issue('bob'))).toBe(200);
    expect(api.report().violations.map(({ key }) => key)).toEqual(['ann']);
  });

  it('protects only the paths it is told to', async () => {
    await start({ protects: '/private/*' });
    expect((await me()).status).toBe(200);
    expect((await fetch(`${api.url}/private/x`)).status).toBe(401);
  });

  it('answers a bad token in each of its ways, in turn or by problem', async () => {
    const names = Object.keys(tokenErrors) as TokenErrorName[];
    expect(names.length).toBeGreaterThanOrEqual(10);
    await start({ tokenErrors: names });
    for (const name of names) {
      const wanted: { status: number; body: unknown } = tokenErrors[name];
      const answer = await me('bad');
      expect(answer.status).toBe(wanted.status);
      const text = await answer.text();
      expect(text).toBe(typeof wanted.body === 'string' ? wanted.body : JSON.stringify(wanted.body));
    }
    expect(new Set(names.map((name) => tokenErrors[name].status))).toEqual(new Set([200, 302, 400, 401, 403, 498]));
    expect(api.report()).toMatchObject({ unauthorized: names.length, ok: 0 });
    await api.stop();

    await start({ tokenErrors: { expired: 'xrpc-400-expired', revoked: ['code-403', 'text-403'] } });
    const ann = oauth.issue('ann');
    const bob = oauth.issue('bob');
    oauth.expire('ann');
    oauth.revoke('bob');
    const seen = [await statusWith(ann), await statusWith(bob), await statusWith(bob), (await me()).status];
    expect(seen).toEqual([400, 403, 403, 401]);
  });
});
