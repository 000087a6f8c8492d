import * as fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { secretsOfCall } from '../../../activities/credentials/known-secrets.ts';
import { buildRequest } from '../../../activities/http/build-request.ts';
import { hideInValue, hideSecrets } from '../../../activities/http/hide-secrets.ts';
import type { Answer } from '../../../contracts/answers/answer.ts';
import type { Credentials } from '../../../contracts/secrets/credentials.ts';
import { createSecretFinder } from '../../../contracts/secrets/secret-finder.ts';
import { apiKey, basic, bearer, oauth2, type Auth } from '../../../providers/index.ts';
import { characters } from '../../setup/escapings.ts';
import { unsigned } from '../../setup/unsigned-request.ts';

const answer = (text: string, headers: Record<string, string> = {}): Answer => ({
  status: 200,
  headers,
  text,
  elapsedMs: 1,
});
const provider = (auth: Auth, headers = {}) => ({ auth, headers });
const hidden = async (text: string, credentials: Credentials, auth: Auth = bearer(), headers = {}): Promise<string> => {
  let applied = {};
  try {
    applied = auth.apply(credentials, unsigned());
  } catch {
    // what it lacks is no matter here
  }
  return (await hideSecrets(answer(text), secretsOfCall(provider(auth, headers), credentials, applied))).text;
};

const escaped = (text: string): string =>
  Array.from(text, (letter) => String.raw`\u${letter.charCodeAt(0).toString(16).padStart(4, '0')}`).join('');

describe('secrets in what a third party sends back', () => {
  it('are gone from bodies, headers and errors, and all else is as it was', async () => {
    const finder = createSecretFinder(['id|secret/with+signs==0123', 'rt_0123456789abcdef']);
    const next = `https://api.example/me?access_token=${encodeURIComponent('id|secret/with+signs==0123')}&after=7`;
    const clean = await hideSecrets(
      {
        ...answer(
          JSON.stringify({ next, error: 'bad token id|secret/with+signs==0123', big: '12345678901234567890' }),
          {
            link: `<${next}>; rel="next"`,
            etag: 'same',
          },
        ),
        error: { code: 'other', message: 'reset by rt_0123456789abcdef' },
      },
      finder,
    );
    expect(JSON.parse(clean.text)).toEqual({
      next: 'https://api.example/me?access_token=[removed]&after=7',
      error: 'bad token [removed]',
      big: '12345678901234567890',
    });
    expect(clean.headers).toEqual({
      link: '<https://api.example/me?access_token=[removed]&after=7>; rel="next"',
      etag: 'same',
    });
    expect(clean.error?.message).toBe('reset by [removed]');
    const same = answer('{"a":"nothing"}');
    expect(await hideSecrets(same, finder)).toBe(same);
  });

  it('never break JSON: the parsed values are the old ones without the secret', async () => {
    const strings = fc.string({ unit: fc.constantFrom(...characters('ab"\\/\n\té😀 n&%=+')), maxLength: 8 });
    const secrets = fc.constantFrom('n0k-/+="secret"\\9x', 'newkey-12345678', '/path/to/token==', '123456789012345678');
    const writers = [
      (text: string) => JSON.stringify(text),
      (text: string) => JSON.stringify(text).replaceAll('/', String.raw`\/`),
      (text: string) =>
        `"${[...Array(text.length).keys()].map((at) => String.raw`\u${text.charCodeAt(at).toString(16).padStart(4, '0')}`).join('')}"`,
    ];
    await fc.assert(
      fc.asyncProperty(
        fc.array(fc.tuple(strings, strings), { minLength: 1, maxLength: 5 }),
        secrets,
        fc.constantFrom(...writers),
        async (rows, secret, write) => {
          const text = `{"rows":[${rows.map(([before, after]) => write(`${before} ${secret}, ${after}`)).join(',')}],"count":123456789012345678}`;
          const { text: clean } = await hideSecrets(answer(text), createSecretFinder([secret]));
          const parsed = JSON.parse(clean) as { rows: string[]; count: number };
          expect(parsed.rows).toEqual(rows.map(([before, after]) => `${before} [removed], ${after}`));
          expect(clean).toMatch(/"count":123456789012345678\}$/);
          expect(parsed.count).toBeGreaterThan(0);
        },
      ),
      { numRuns: 1_000 },
    );
  });

  it('are found wherever they stand in a long body, which is read in parts', async () => {
    const secret = 'at/0123456789+abcdef==';
    const spelled = [secret, JSON.stringify(secret), encodeURIComponent(encodeURIComponent(secret)), escaped(secret)];
    const finder = createSecretFinder([secret]);
    // Around each place where a part begins or ends, at each distance.
    for (const spelling of spelled)
      for (let distance = 0; distance <= spelling.length; distance += 5)
        for (const border of [32_768, 65_536, 98_304, 131_072]) {
          const before = '\\u0078'.repeat(Math.ceil(border / 6)).slice(-(border - distance));
          const { text } = await hideSecrets(answer(`${before} ${spelling} ${'z'.repeat(100_000)}`), finder);
          expect(text.slice(before.length).replaceAll('"', ''), `${spelling} at ${distance} before ${border}`).toMatch(
            /^ \[removed\] z{100000}$/,
          );
        }
  });

  it.each<[string, Credentials, Auth, string[]]>([
    [
      'tokens',
      { accessToken: 'at-0123456789', refreshToken: 'rt-0123456789' },
      bearer(),
      ['at-0123456789', 'rt-0123456789'],
    ],
    ['short keys', { accessToken: 'k3y-4242' }, apiKey({ query: 'key' }), ['k3y-4242']],
    ['passwords', { username: 'ann', password: 'hunter2' }, basic(), ['hunter2']],
    [
      'the value of a Basic header',
      { username: 'ann', password: 'pw' },
      basic(),
      [Buffer.from('ann:pw').toString('base64')],
    ],
    ['a key as the name of a Basic pair', { username: 'key-0123456789' }, basic(), ['key-0123456789']],
    ['what else a provider needs', { accessToken: 'at-0123456789', extra: { pin: '4711-ab' } }, bearer(), ['4711-ab']],
    [
      'the app’s own secret',
      { accessToken: 'at-0123456789' },
      oauth2({ tokenUrl: '/t', clientId: 'my-app', clientSecret: () => 's3cr3t-of-app' }),
      ['s3cr3t-of-app', Buffer.from('my-app:s3cr3t-of-app').toString('base64')],
    ],
    [
      'what a header was made of',
      { accessToken: 'at-0123456789' },
      { kind: 'own', required: true, apply: () => ({ headers: { 'x-signature': 'sig-99887766' } }) },
      ['sig-99887766'],
    ],
  ])('may be %s', async (_, credentials, auth, secrets) => {
    for (const secret of secrets)
      expect(await hidden(JSON.stringify({ echo: `you sent ${secret} here` }), credentials, auth)).toBe(
        '{"echo":"you sent [removed] here"}',
      );
  });

  it('may not be who an account is: rows have that too', async () => {
    const extra = { clientEmail: 'robot@shop.example.com', tenant_id: 'tenant-0123456789' };
    const text = JSON.stringify({ creator: extra.clientEmail, guest: 'ann@shop.example.com', of: extra.tenant_id });
    expect(await hidden(text, { extra }, bearer())).toBe(text);
    for (const name of ['privateKey', 'sessionId', 'sid', 'accessKeyId', 'pin'])
      expect(await hidden('{"is":"secret-0123456789"}', { extra: { [name]: 'secret-0123456789' } }, bearer())).toBe(
        '{"is":"[removed]"}',
      );
  });

  it('do not include names', async () => {
    const credentials = { accessToken: 'at-0123456789', username: 'ann' };
    const text = '{"by":"ann","url":"https://social.example/1","region":"eu-west-1"}';
    expect(await hidden(text, credentials)).toBe(text);
    expect(await hidden('{"version":"2026-11"}', credentials, bearer(), { 'x-api-version': '2026-11' })).toBe(
      '{"version":"2026-11"}',
    );
  });

  it('are taken out of values that were never text, too', () => {
    const finder = createSecretFinder(['at-0123456789']);
    const at = new Date(0);
    const value = { id: 1, at, list: ['at-0123456789', { 'at-0123456789': null }] };
    expect(hideInValue(value, finder)).toEqual({ id: 1, at, list: ['[removed]', { '[removed]': null }] });
    const same = { id: 1, list: ['a'] };
    expect(hideInValue(same, finder)).toBe(same);
  });
});

describe('a next link that had a secret in it', () => {
  const build = (path: string, auth: Auth = bearer()) =>
    buildRequest({ method: 'GET', path }, 'https://api.example/v1', auth.apply({ accessToken: 'new' }, unsigned()), {})
      .url;

  it('is asked for with the current one, or with none where it is sent elsewhere', () => {
    const path = 'https://api.example/v1/me?access_token=[removed]&after=7';
    expect(build(path, apiKey({ query: 'access_token' }))).toBe('https://api.example/v1/me?after=7&access_token=new');
    expect(build(path)).toBe('https://api.example/v1/me?after=7');
  });

  it('where it can’t be put back is a mistake, and not another page', () => {
    expect(() => build('https://api.example/v1/me?cursor=abc[removed]def')).toThrow(
      /a secret of the account inside its parameter "cursor"/,
    );
    expect(() => build('https://api.example/v1/bot[removed]/me')).toThrow(/a secret of the account inside its path/);
  });
});
