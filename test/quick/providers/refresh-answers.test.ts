import { describe, expect, it } from 'vitest';
import type { Answer } from '../../../contracts/answers/answer.ts';
import { basic, bearer, defineProvider, jwtLifeMs, oauth2, refreshable, window } from '../../../providers/index.ts';
import { defaultRefreshAnswer } from '../../../providers/auth/refresh.ts';
import { blueskyAuth } from '../../../providers/bluesky/auth.ts';
import { ACCOUNT, OF_REFRESH } from '../../setup/unsigned-request.ts';

const answer = (status: number, body: unknown, more: Partial<Answer> = {}): Answer => ({
  status,
  headers: {},
  text: typeof body === 'string' ? body : JSON.stringify(body),
  elapsedMs: 1,
  ...more,
});
const lost = { error: { code: 'connection-reset', message: 'reset' } } as const;
const tokens = { accessToken: 'at', refreshToken: 'rt' };

describe('a login of the third party’s own', () => {
  const natural = [
    ({ text }: Answer) => ({ kind: 'refreshed', credentials: { accessToken: JSON.parse(text).token } }) as const,
    ({ text }: Answer) =>
      ({ kind: 'refreshed', credentials: { accessToken: JSON.parse(text).data.token.trim() } }) as const,
  ];
  it.each([
    [{ ok: false, error: 'invalid_credentials', message: 'Wrong password' }, 'refused'],
    [{ success: false, message: 'Invalid credentials' }, 'refused'],
    [{ ok: false, error: 'rate_limited' }, 'retry'],
  ])('that is refused under 200 is no mistake of the app: %j', (body, kind) => {
    for (const parse of natural) {
      const { refresh } = refreshable(bearer(), { request: () => undefined, parse });
      const meant = refresh!.parse(answer(200, body), OF_REFRESH);
      expect(meant).toMatchObject({ kind, reason: expect.stringContaining('HTTP 200 and an error') as string });
      if ('error' in body) expect(meant).toMatchObject({ reason: expect.stringContaining(body.error) as string });
    }
  });

  it('that leads into a private network was not sent, and says what to write', () => {
    const { refresh } = refreshable(bearer(), { request: () => undefined, parse: () => undefined });
    const message = 'localhost (127.0.0.1) is an address of a private network. Say so in `hosts`.';
    const error = { code: 'private-address', message, isUnsent: true } as const;
    expect(
      refresh!.parse(answer(0, '', { error }), OF_REFRESH) ?? defaultRefreshAnswer(answer(0, '', { error })),
    ).toEqual({
      kind: 'config',
      reason: `the refresh was not sent: ${message}`,
    });
    expect(defaultRefreshAnswer(answer(0, '', lost))).toEqual({
      kind: 'retry',
      reason: 'no answer to the refresh (connection-reset)',
    });
  });

  it('without a token and without a word of why is one', () => {
    const [first, second] = natural.map((parse) => refreshable(bearer(), { request: () => undefined, parse }).refresh!);
    expect(first!.parse(answer(200, { tocken: 'x' }), OF_REFRESH).kind).toBe('refreshed');
    expect(() => second!.parse(answer(200, { tocken: 'x' }), OF_REFRESH)).toThrow();
  });
});

describe('an OAuth 2 refresh', () => {
  const auth = oauth2({ tokenUrl: 'https://id.example/token', clientId: 'my app', clientSecret: () => 's:e/c' });
  const refresh = auth.refresh!;

  it('may have a grant of the third party’s own, without any login of a user', () => {
    const params = { grant_type: 'account_credentials', account_id: 'a' };
    const own = oauth2({ grant: 'client_credentials', tokenUrl: '/token', clientId: 'app', params });
    expect(own.refresh?.request({}, ACCOUNT)).toMatchObject({ form: { ...params, client_id: 'app' } });
  });

  it('is a form with the client in the Authorization header, encoded as the standard wants it', () => {
    expect(refresh.request(tokens, ACCOUNT)).toEqual({
      method: 'POST',
      path: 'https://id.example/token',
      form: { grant_type: 'refresh_token', refresh_token: 'rt' },
      headers: { authorization: `Basic ${Buffer.from('my+app:s%3Ae%2Fc').toString('base64')}` },
    });
    expect(refresh.request({ accessToken: 'at' }, ACCOUNT)).toBeUndefined();
  });

  it('carries the client in its body where that is wanted, and no secret for public clients', () => {
    const inBody = oauth2({
      tokenUrl: '/t',
      clientId: 'c',
      clientSecret: () => 's',
      clientAuth: 'body',
      params: { audience: 'x' },
    });
    expect(inBody.refresh!.request(tokens, ACCOUNT)?.form).toMatchObject({
      client_id: 'c',
      client_secret: 's',
      audience: 'x',
    });
    const open = oauth2({ tokenUrl: () => '/t', clientId: () => 'c' });
    expect(open.refresh!.request(tokens, ACCOUNT)).toEqual({
      method: 'POST',
      path: '/t',
      form: { grant_type: 'refresh_token', refresh_token: 'rt', client_id: 'c' },
    });
  });

  it.each([
    [400, { error: 'rate_limited', error_description: 'Too many requests' }],
    [400, { error: 'too_many_requests' }],
    [403, { error: 'access_denied', error_description: 'API rate limit exceeded' }],
    [429, { error: 'access_denied' }],
  ])('that a limit refuses costs no account its login: %i %j', (status, body) => {
    expect(refresh.parse(answer(status, body), OF_REFRESH).kind).toBe('retry');
  });

  it('says which setting is missing', () => {
    const unset = oauth2({ tokenUrl: '/t', clientId: 'c', clientSecret: () => undefined });
    expect(() => unset.refresh!.request(tokens, ACCOUNT)).toThrow('oauth2: `clientSecret` gave nothing');
  });

  it.each<[string, Answer, object]>([
    [
      'new tokens',
      answer(200, { access_token: 'a', refresh_token: 'r', expires_in: 3600 }),
      { kind: 'refreshed', credentials: { accessToken: 'a', refreshToken: 'r' }, lifeMs: 3_600_000 },
    ],
    [
      'a life in a string',
      answer(200, { access_token: 'a', expires_in: '60' }),
      { kind: 'refreshed', credentials: { accessToken: 'a' }, lifeMs: 60_000 },
    ],
    ['no life', answer(200, { access_token: 'a' }), { kind: 'refreshed', credentials: { accessToken: 'a' } }],
    ['invalid_grant', answer(400, { error: 'invalid_grant', error_description: 'rt' }), { kind: 'refused' }],
    ['invalid_grant with status 200', answer(200, { error: 'invalid_grant' }), { kind: 'refused' }],
    ['an error of its own', answer(401, { error: 'token_revoked' }), { kind: 'refused' }],
    ['invalid_client', answer(401, { error: 'invalid_client' }), { kind: 'config' }],
    ['a request it does not know', answer(400, { error: 'unsupported_grant_type' }), { kind: 'config' }],
    ['an address that is not there', answer(404, 'nothing here'), { kind: 'config' }],
    ['a bare 401', answer(401, ''), { kind: 'refused' }],
    ['a proxy page', answer(403, '<html>blocked</html>'), { kind: 'retry' }],
    ['a limit', answer(429, '', { headers: { 'retry-after': '7' } }), { kind: 'retry', afterMs: 7_000 }],
    [
      'a limit with a date',
      answer(429, '', {
        headers: { date: 'Sun, 06 Nov 1994 08:49:37 GMT', 'retry-after': 'Sun, 06 Nov 1994 08:49:47 GMT' },
      }),
      { kind: 'retry', afterMs: 10_000 },
    ],
    ['a server that is down', answer(503, ''), { kind: 'retry' }],
    ['an error that will pass', answer(400, { error: 'temporarily_unavailable' }), { kind: 'retry' }],
    ['no answer', answer(0, '', lost), { kind: 'retry' }],
    ['half an answer', answer(200, '{"access_token":"a', lost), { kind: 'retry' }],
    ['success without a token', answer(200, { ok: true }), { kind: 'retry' }],
  ])('understands %s', (_, given, meaning) => {
    const result = refresh.parse(given, OF_REFRESH);
    expect(result).toMatchObject(meaning);
    if ('reason' in result) expect(result.reason).not.toContain('access_token":"a');
  });

  it('repeats no word of an answer that could be a token', () => {
    const result = refresh.parse(
      answer(400, { error: 'rt_0123456789', error_description: 'rt_0123456789' }),
      OF_REFRESH,
    );
    expect(JSON.stringify(result)).not.toContain('rt_0123456789');
  });
});

describe('a session of the AT Protocol', () => {
  const { refresh } = blueskyAuth();
  const jwt = (claims: object) => `h.${Buffer.from(JSON.stringify(claims)).toString('base64url')}.s`;

  it('is refreshed with the refresh token as Bearer and no body', () => {
    expect(refresh!.request(tokens, ACCOUNT)).toEqual({
      method: 'POST',
      path: 'com.atproto.server.refreshSession',
      headers: { authorization: 'Bearer rt' },
    });
  });

  it('has its life in the token, ends for good with its names, and waits out everything else', () => {
    const accessJwt = jwt({ iat: 1_000, exp: 8_200 });
    expect(refresh!.parse(answer(200, { accessJwt, refreshJwt: 'r' }), OF_REFRESH)).toEqual({
      kind: 'refreshed',
      credentials: { accessToken: accessJwt, refreshToken: 'r' },
      lifeMs: 7_200_000,
    });
    expect(
      refresh!.parse(answer(400, { error: 'ExpiredToken', message: 'Token has been revoked' }), OF_REFRESH),
    ).toEqual({
      kind: 'refused',
      reason: 'the refresh was answered with HTTP 400 ExpiredToken',
    });
    expect(refresh!.parse(answer(502, 'bad gateway'), OF_REFRESH)).toMatchObject({ kind: 'retry' });
  });

  it('has no life when its token is none', () => {
    for (const text of ['', 'a.b.c', jwt({ exp: 5 }), jwt({ exp: 1, iat: 2 })]) expect(jwtLifeMs(text)).toBeUndefined();
  });
});

describe("the refresh among a provider's limits", () => {
  const provider = (except: string[]) =>
    defineProvider({
      id: 'p',
      baseUrl: 'https://p.example',
      auth: refreshable(basic(), { request: () => undefined, parse: () => undefined }),
      limits: [
        window('all', { by: ['app'], max: 5, perMs: 1_000 }),
        window('data', { by: ['account'], max: 5, perMs: 1_000, except }),
      ],
    });

  it('is charged as a call of its own, and can be left out by its name', () => {
    const call = { account: 'a', tenant: 't', settings: undefined, ip: 'i' };
    expect(
      provider(['refresh'])
        .authCharges('refresh', call)
        .map(({ key }) => key),
    ).toEqual(['p/all/app']);
    expect(provider([]).authCharges('refresh', call)).toHaveLength(2);
    expect(provider(['refresh']).mistakes()).toEqual([]);
  });

  it('is not known where nothing is refreshed', () => {
    const plain = defineProvider({
      id: 'p',
      baseUrl: 'https://p.example',
      auth: bearer(),
      limits: [window('all', { by: ['app'], max: 5, perMs: 1_000, except: ['refresh'] })],
    });
    expect(plain.mistakes().join()).toContain('no endpoint "refresh"');
  });
});
