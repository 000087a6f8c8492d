import * as standard from 'oauth4webapi';
import { describe, expect, it } from 'vitest';
import { z } from 'zod';
import type { Sluice } from '../../../client/index.ts';
import { createConnecting, type ConnectingOptions } from '../../../connecting/index.ts';
import { challengeOf, loginCookie, newSecret, verifierOf } from '../../../connecting/login-secrets.ts';
import { pathOf } from '../../../connecting/return-path.ts';
import { bearer, defineProvider, oauth2, type AuthorizeOptions } from '../../../providers/index.ts';

const authorize = { url: 'https://social.example/oauth/authorize' };
const social = (more: Partial<AuthorizeOptions> = {}, grant?: 'client_credentials') =>
  defineProvider({
    id: 'social',
    baseUrl: 'https://api.social.example',
    auth: oauth2({
      tokenUrl: 'https://social.example/token',
      clientId: 'app',
      authorize: { ...authorize, ...more },
      ...(grant ? { grant } : {}),
    }),
    limits: [],
  });
const said = (options: object): string[] => {
  try {
    createConnecting({} as Sluice, options as ConnectingOptions);
    return [];
  } catch (error) {
    expect(error).toBeInstanceOf(TypeError);
    return (error as Error).message.split('\n');
  }
};

describe('the handlers for connecting through a browser', () => {
  it('say all that is wrong with their options at once, and what to write', () => {
    const plain = defineProvider({ id: 'plain', baseUrl: 'https://plain.example', auth: bearer(), limits: [] });
    expect(said({ url: 'app.example', providers: [plain, plain], lifeMs: 5, redirect: true })).toEqual([
      expect.stringMatching(/unknown option `redirect`; known are url, providers, who/),
      expect.stringMatching(/`url` is "app.example"; write .*"https:\/\/app.example\/connect"/),
      expect.stringMatching(/`who` is missing; write \(request\) => \(\{ account \}\)/),
      expect.stringMatching(/`lifeMs` is 5; it must be 60,000 to 3,600,000/),
      expect.stringMatching(/"plain" does not say how .*oauth2\(\{ …, authorize: \{ url:/),
      expect.stringMatching(/provider "plain" is given twice/),
      expect.stringMatching(/"plain" does not say how/),
    ]);
    const good = { url: 'https://app.example/connect', providers: [social()], who: () => undefined };
    expect(said({ ...good, url: 'http://app.example/connect' })).toEqual([
      expect.stringMatching(/in clear; use https/),
    ]);
    expect(said({ ...good, returnTo: '//evil.example' })).toEqual([
      expect.stringMatching(/must be a path of your app/),
    ]);
    expect(said({ ...good, providers: [] })).toEqual([expect.stringMatching(/name what accounts are connected to/)]);
    expect(said(good)).toEqual([expect.stringMatching(/`sluice` is no client/)]);
  });

  it('say what is wrong with what a provider tells of its page', () => {
    const wrong = { scope: ' ', params: { state: 'x', scope: 'read' }, issuer: 'social', settings: 1, pkce: false };
    const mistakes = social({ ...wrong, url: 'social.example' } as never, 'client_credentials').mistakes();
    expect(mistakes.map((text) => text.replace('provider "social": oauth2: authorize: ', ''))).toEqual([
      expect.stringMatching(/^unknown option `pkce`/),
      expect.stringMatching(/^is given with grant "client_credentials"/),
      expect.stringMatching(/^`url` is "social.example"; write e.g. "https:/),
      expect.stringMatching(/^`scope` is " "; write the names/),
      expect.stringMatching(/^`params` has "state", which is sent by itself$/),
      expect.stringMatching(/^`params` has "scope", which is sent by itself; write `scope`$/),
      expect.stringMatching(/^`issuer` is "social"/),
      expect.stringMatching(/^`settings` must be a function/),
    ]);
    expect(social({ url: 'http://social.example/auth' }).mistakes()).toEqual([expect.stringMatching(/in clear/)]);
    const shop = defineProvider(z.object({ shop: z.string() }), {
      id: 'shop',
      baseUrl: 'https://shop.example',
      auth: oauth2({
        tokenUrl: '/token',
        clientId: 'app',
        authorize: { url: ({ settings }) => `https://${settings.shop}.shop.example/auth` },
      }),
      limits: [],
    });
    expect(shop.mistakes()).toEqual([expect.stringMatching(/page where users consent .* `hosts`/)]);
    expect(social().mistakes()).toEqual([]);
  });

  it('say what is wrong with the rest of oauth2()', () => {
    const auth = oauth2({ clientAuth: 'header', grant: 'password', clientSecret: 's', scope: 'a' } as never);
    expect(auth.mistakes).toEqual([
      expect.stringMatching(/unknown option `scope`/),
      expect.stringMatching(/`tokenUrl` is missing; write/),
      expect.stringMatching(/`clientId` is missing; write/),
      expect.stringMatching(/`clientSecret` must be a function/),
      expect.stringMatching(/`clientAuth` is "header"; it must be/),
      expect.stringMatching(/`grant` is "password"; it must be/),
    ]);
  });
});

describe('the secrets of a login', () => {
  it('are verifiers and challenges as the standard has them, others for each login and each browser', async () => {
    const [session, state] = [newSecret(), newSecret()];
    const verifier = verifierOf(session, state);
    expect(verifier).toMatch(/^[\w-]{43}$/);
    expect(challengeOf(verifier)).toBe(await standard.calculatePKCECodeChallenge(verifier));
    expect(challengeOf('dBjftJeZ4CVP-mB92K27uhbUJU1p1r_wW1gFWFOEjXk')).toBe(
      'E9Melhoa2OwvFrEMTJguCHaoeK1t8URWbuGJSstw-cM',
    ); // RFC 7636 appendix B
    expect(verifierOf(session, state)).toBe(verifier);
    expect(new Set([verifier, verifierOf(session, newSecret()), verifierOf(newSecret(), state)]).size).toBe(3);
  });

  it('stand in a cookie that no other host can set, where the app is reached by https', () => {
    const cookie = loginCookie(new URL('https://app.example/connect'));
    const line = cookie.write('s'.repeat(43), 600_000);
    expect(line).toBe(`__Host-sluice-login=${'s'.repeat(43)}; Path=/; Max-Age=600; HttpOnly; SameSite=Lax; Secure`);
    const sent = (header: string) => cookie.read(new Request('https://app.example', { headers: { cookie: header } }));
    expect(sent(`a=b; ${line.split(';')[0]}`)).toBe('s'.repeat(43));
    expect(sent(`sluice-login=${'s'.repeat(43)}`)).toBeUndefined();
    expect(sent('__Host-sluice-login=short')).toBeUndefined();
  });
});

describe('the path at the end of a login', () => {
  const at = new URL('https://app.example/connect');
  it.each(['/', '/settings?tab=2#x', '/a/../b', '/%2e%2e/x', '/@evil.example'])('may be %s', (path) => {
    const read = pathOf(path, at);
    expect(new URL(read as string, at).host).toBe('app.example');
  });
  it.each([
    '',
    'x',
    '//evil.example',
    '///evil',
    '/\\evil',
    '\\\\evil',
    '/\t/evil',
    '/a/..//evil',
    'https://evil.example',
    'javascript:alert(1)',
  ])('may not be %j', (path) => expect(pathOf(path, at)).toBeUndefined());
});
