/** Signatures, held against what their standards and inventors have published. */
import { createPublicKey, createVerify, generateKeyPairSync, verify } from 'node:crypto';
import { describe, expect, it } from 'vitest';
import { z } from 'zod';
import { withAuth } from '../../../activities/http/build-request.ts';
import type { Credentials } from '../../../contracts/secrets/credentials.ts';
import { baseString } from '../../../providers/auth/oauth1.ts';
import { jwsSignature } from '../../../providers/auth/sign-jwt.ts';
import {
  apiKey,
  awsSigV4,
  defineProvider,
  hmac,
  jwt,
  oauth1,
  oauth2,
  serviceAccount,
  type Auth,
  type UnsignedRequest,
} from '../../../providers/index.ts';
import { OF_REFRESH, ACCOUNT, unsigned } from '../../setup/unsigned-request.ts';

const headerOf = (auth: Auth, credentials: Credentials, request: Partial<UnsignedRequest>, name = 'authorization') =>
  auth.apply(credentials, unsigned(request)).headers?.[name] ?? '';

describe('a signature of OAuth 1', () => {
  const signatureOf = (header: string) => decodeURIComponent(/oauth_signature="([^"]+)"/.exec(header)?.[1] ?? '');
  const FORM = { 'content-type': 'application/x-www-form-urlencoded' };

  it('has the base string of RFC 5849 §3.4.1.1', () => {
    const text = baseString(
      {
        method: 'post',
        url: new URL('http://EXAMPLE.COM:80/request?b5=%3D%253D&a3=a&c%40=&a2=r%20b'),
        headers: FORM,
        body: 'c2&a3=2+q',
      },
      {
        oauth_consumer_key: '9djdj82h48djs9d2',
        oauth_token: 'kkk9d7dh3k39sjv7',
        oauth_signature_method: 'HMAC-SHA1',
        oauth_timestamp: '137131201',
        oauth_nonce: '7d8f3e4a',
      },
    );
    expect(text).toBe(
      'POST&http%3A%2F%2Fexample.com%2Frequest&a2%3Dr%2520b%26a3%3D2%2520q%26a3%3Da%26b5%3D%253D%25253D%26c%2540%3D%26c2%3D%26' +
        'oauth_consumer_key%3D9djdj82h48djs9d2%26oauth_nonce%3D7d8f3e4a%26oauth_signature_method%3DHMAC-SHA1%26' +
        'oauth_timestamp%3D137131201%26oauth_token%3Dkkk9d7dh3k39sjv7',
    );
  });

  it('is that of the documentation of Twitter (now X), “Creating a signature”', () => {
    const auth = oauth1({
      consumerKey: 'xvz1evFS4wEEPTGEFPHBog',
      consumerSecret: () => 'kAcSOqF21Fu85e7zjz7ZN2U4ZRhfV3WpwPAoE3Z7kBw',
    });
    const credentials = {
      accessToken: '370773112-GmHxMAgYyLbNEtIKZeRNFsMKPR9EyMZeS9weJAEb',
      extra: { tokenSecret: 'LswwdoUaIvS8ltyTt5jkRh4J50vUPVVHtR2YPi5kE' },
    };
    const header = headerOf(auth, credentials, {
      method: 'POST',
      url: new URL('https://api.twitter.com/1.1/statuses/update.json?include_entities=true'),
      headers: FORM,
      body: 'status=Hello%20Ladies%20%2b%20Gentlemen%2c%20a%20signed%20OAuth%20request%21',
      now: new Date(1318622958_000),
      nonce: 'kYjzVBB8Y0ZFabxSWbWovY3uYSQ2pTgmZeNu2VS4cg',
    });
    expect(signatureOf(header)).toBe('hCtSmYh+iHYCEqBWrE7C7hYmtUk=');
    expect(header).toMatch(/^OAuth oauth_consumer_key="xvz1evFS4wEEPTGEFPHBog", oauth_token="370773112-/);
  });

  it('is another one for another address, body, nonce or time', () => {
    const auth = oauth1({ consumerKey: 'k', consumerSecret: () => 's', realm: 'r' });
    const credentials = { accessToken: 't', extra: { tokenSecret: 'ts' } };
    const all = [
      {},
      { url: new URL('https://api.example/2') },
      { nonce: 'n' },
      { now: new Date(0) },
      { headers: FORM, body: 'a=1' },
    ].map((request) => signatureOf(headerOf(auth, credentials, request)));
    expect(new Set(all).size).toBe(all.length);
    expect(() => headerOf(auth, { accessToken: 't' }, {})).toThrow(/no `extra.tokenSecret`/);
  });
});

describe('OAuth 1 of accounts with a key and a realm of their own', () => {
  it('takes both from the account', () => {
    const auth = oauth1<{ company: string }>({
      consumerKey: ({ extra }) => extra?.['consumerKey'],
      consumerSecret: ({ extra }) => extra?.['consumerSecret'],
      realm: ({ settings }) => settings.company,
    });
    const of = (company: string, consumerKey: string) =>
      auth.apply(
        { extra: { consumerKey, consumerSecret: 's' } },
        {
          method: 'GET',
          url: new URL('https://api.example/1'),
          headers: {},
          body: undefined,
          now: new Date(0),
          nonce: 'n',
          account: 'a',
          tenant: '',
          settings: { company },
        },
      ).headers?.['authorization'];
    expect(of('c1', 'k1')).toMatch(/^OAuth realm="c1", oauth_consumer_key="k1", /);
    expect(of('c2', 'k2')).toMatch(/^OAuth realm="c2", oauth_consumer_key="k2", /);
    expect(of('a "b"', 'k')).toMatch(/^OAuth realm="a \\"b\\"", oauth_consumer_key="k", /);
    expect(() => of('c3', '')).toThrow('does the account lack it?');
    expect(auth.secrets?.()).toEqual([undefined]);
  });
});

describe('AWS Signature Version 4', () => {
  const KEYS = { accessKeyId: 'AKIDEXAMPLE', secretAccessKey: 'wJalrXUtnFEMI/K7MDENG+bPxRfiCYEXAMPLEKEY' };
  const ALL = '-._~0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz';
  const TOKEN = '6e86291e8372ff2a2260956d9b8aae1d763fbf315fa00fa31553b73ebf194267';
  const FORM = { 'content-type': 'application/x-www-form-urlencoded' };

  /** AWS's own test suite for signers: what is asked, and the signature. Those whose paths are not encoded on the wire are left out. */
  it.each([
    ['get-vanilla', {}, '5fa00fa31553b73ebf1942676e86291e8372ff2a2260956d9b8aae1d763fbf31'],
    ['get-unreserved', { path: `/${ALL}` }, '07ef7494c76fa4850883e2b006601f940f8a34d404d0cfa977f52a65bbf5f24f'],
    [
      'get-relative-normalized',
      { path: '/example/..' },
      '5fa00fa31553b73ebf1942676e86291e8372ff2a2260956d9b8aae1d763fbf31',
    ],
    [
      'get-vanilla-empty-query-key',
      { path: '/?Param1=value1' },
      'a67d582fa61cc504c4bae71f336f98b97f1ea3c7a6bfe1b6e45aec72011b9aeb',
    ],
    [
      'get-vanilla-query-order-encoded',
      { path: '/?Param-3=Value3&Param=Value2&%E1%88%B4=Value1' },
      '371d3713e185cc334048618a97f809c9ffe339c62934c032af5a0e595648fcac',
    ],
    [
      'get-vanilla-query-order-key-case',
      { path: '/?Param2=value2&Param1=value1' },
      'b97d918cfa904a5beff61c982a1b6f458b799221646efd99d3219ec94cdf2500',
    ],
    [
      'get-vanilla-query-unreserved',
      { path: `/?${ALL}=${ALL}` },
      '9c3e54bfcdf0b19771a7f523ee5669cdf59bc7cc0884027167c21bb143a40197',
    ],
    ['get-vanilla-utf8-query', { path: '/?ሴ=bar' }, '2cdec8eed098649ff3a119c94853b13c643bcf08f8b0a1d91e12c9027818dd04'],
    [
      'get-header-value-trim',
      { headers: { 'my-header1': ' value1', 'my-header2': ' "a   b   c"' } },
      'acc3ed3afb60bb290fc8d2dd0098b9911fcaa05412b367055dee359757a9c736',
    ],
    [
      'get-vanilla-with-session-token',
      { extra: { sessionToken: TOKEN } },
      '07ec1639c89043aa0e3e2de82b96708f198cceab042d4a97044c66dd9f74e7f8',
    ],
    ['post-vanilla', { method: 'POST' }, '5da7c1a2acd57cee7505fc6676e4e544621c30862966e37dddb68e92efbe5d6b'],
    [
      'post-vanilla-query',
      { method: 'POST', path: '/?Param1=value1' },
      '28038455d6de14eafc1f9222cf5aa6f1a96197d7deb8263271d420d138af7f11',
    ],
    [
      'post-header-value-case',
      { method: 'POST', headers: { 'my-header1': 'VALUE1' } },
      'cdbc9802e29d2942e5e10b5bccfdd67c5f22c7c4e8ae67b53629efa58b974b7d',
    ],
    [
      'post-x-www-form-urlencoded',
      { method: 'POST', headers: FORM, body: 'Param1=value1' },
      'ff11897932ad3f4e8b18135d722051e5ac45fc38421b1da7b9d196a0fe09473a',
    ],
  ] as const)('signs as the vector %s of the published suite', (_name, asked, signature) => {
    const {
      path = '/',
      extra = {},
      ...request
    } = asked as Partial<UnsignedRequest> & { path?: string; extra?: object };
    const auth = awsSigV4({ service: 'service', region: 'us-east-1' });
    const header = headerOf(
      auth,
      { extra: { ...KEYS, ...extra } },
      { ...request, url: new URL(path, 'https://example.amazonaws.com'), now: new Date('2015-08-30T12:36:00Z') },
    );
    expect(header).toContain('Credential=AKIDEXAMPLE/20150830/us-east-1/service/aws4_request, ');
    expect(/Signature=(\w+)/.exec(header)?.[1]).toBe(signature);
  });

  it('signs for S3 as its documentation’s “GET Object” example, with the hash of the body', () => {
    const keys = { accessKeyId: 'AKIAIOSFODNN7EXAMPLE', secretAccessKey: 'wJalrXUtnFEMI/K7MDENG/bPxRfiCYEXAMPLEKEY' };
    const auth = awsSigV4({ service: 's3', region: ({ account }) => (account === 'a' ? 'us-east-1' : '') });
    const header = headerOf(
      auth,
      { extra: keys },
      {
        url: new URL('https://examplebucket.s3.amazonaws.com/test.txt'),
        headers: { range: 'bytes=0-9' },
        now: new Date('2013-05-24T00:00:00Z'),
      },
    );
    expect(header).toContain('SignedHeaders=host;range;x-amz-content-sha256;x-amz-date, ');
    expect(header).toContain('Signature=f0e8bdb87c964420e857bd35b5d6ed310bd44f0170aba48dd91039c6036bdb41');
    expect(() => headerOf(auth, { accessToken: 'x' }, {})).toThrow(/no `extra.accessKeyId`/);
  });

  it('signs a slash in a key of S3 as the path’s own, however it is sent', () => {
    const auth = awsSigV4({ service: 's3', region: 'us-east-1' });
    const signatureOf = (path: string) => {
      const url = new URL(path, 'https://b.s3.amazonaws.com');
      const header = headerOf(auth, { extra: { accessKeyId: 'a', secretAccessKey: 'b' } }, { url, now: new Date(0) });
      return /Signature=(\w+)/.exec(header)?.[1];
    };
    expect(signatureOf('/dir%2Fa%20b')).toBe(signatureOf('/dir/a%20b'));
    expect(signatureOf('/dir%252Fa')).not.toBe(signatureOf('/dir/a'));
  });
});

describe('an HMAC', () => {
  it('signs what the definition says, by the vector of RFC 4231 §4.3', () => {
    const auth = hmac({
      secret: ({ password }) => password,
      message: () => 'what do ya want for nothing?',
      send: (signature, { now, nonce }, { username = '' }) => ({
        headers: { 'X-Signature': signature, 'x-time': String(now.getTime()) },
        query: { key: username, nonce },
      }),
    });
    const applied = auth.apply({ username: 'u', password: 'Jefe' }, unsigned({ now: new Date(7), nonce: 'n' }));
    expect(applied).toEqual({
      headers: {
        'X-Signature': '5bdcc146bf60754e6a042426089575c75a003f089d2739839dec58b964ec3843',
        'x-time': '7',
      },
      query: { key: 'u', nonce: 'n' },
    });
    expect(() => auth.apply({}, unsigned())).toThrow(/lack what `secret` of hmac\(\) auth reads/);
  });
});

describe('a signed token', () => {
  const rsa = generateKeyPairSync('rsa', { modulusLength: 2048, privateKeyEncoding: { type: 'pkcs8', format: 'pem' }, publicKeyEncoding: { type: 'spki', format: 'pem' } }); // prettier-ignore
  const ec = generateKeyPairSync('ec', { namedCurve: 'P-256', privateKeyEncoding: { type: 'pkcs8', format: 'pem' }, publicKeyEncoding: { type: 'spki', format: 'pem' } }); // prettier-ignore
  const claimsOf = (token: string) => JSON.parse(Buffer.from(token.split('.')[1]!, 'base64url').toString()) as object;

  it('has the signature of RFC 7515 appendix A.1', () => {
    const text =
      'eyJ0eXAiOiJKV1QiLA0KICJhbGciOiJIUzI1NiJ9.eyJpc3MiOiJqb2UiLA0KICJleHAiOjEzMDA4MTkzODAsDQogImh0dHA6Ly9leGFtcGxlLmNvbS9pc19yb290Ijp0cnVlfQ';
    const key = 'AyM1SysPpbyDfgZld3umj1qzKObwVMkoqQ-EstJQLr_T-1qS0gZH75aKtMN3Yj0iPS4hcgUuTwjAzZr1Z9CAow';
    expect(jwsSignature(text, 'HS256', Buffer.from(key, 'base64url'))).toBe(
      'dBjftJeZ4CVP-mB92K27uhbUJU1p1r_wW1gFWFOEjXk',
    );
  });

  it('is made for each call, and its key fits', () => {
    const auth = jwt({
      algorithm: 'ES256',
      key: ({ extra }) => extra?.['key'],
      keyId: () => 'k1',
      claims: ({ username }, { account }) => ({ iss: username, sub: account }),
    });
    const now = new Date('2026-11-01T00:00:00Z');
    const header = headerOf(auth, { username: 'u', extra: { key: ec.privateKey } }, { now });
    const token = header.slice('Bearer '.length);
    const seconds = now.getTime() / 1_000;
    expect(claimsOf(token)).toEqual({ iat: seconds - 30, exp: seconds + 300, iss: 'u', sub: 'a' });
    const at = token.lastIndexOf('.');
    const key = { key: createPublicKey(ec.publicKey), dsaEncoding: 'ieee-p1363' as const };
    const signature = Buffer.from(token.slice(at + 1), 'base64url');
    expect(verify('sha256', Buffer.from(token.slice(0, at)), key, signature)).toBe(true);
  });

  it('of a service account is changed for an access token', () => {
    const auth = serviceAccount({
      tokenUrl: 'https://auth.example/token',
      scope: 'a b',
      subject: () => 'ann@x.example',
    });
    const credentials = {
      extra: { clientEmail: 'robot@x.example', privateKey: rsa.privateKey.replaceAll('\n', String.raw`\n`) },
    };
    const request = auth.refresh!.request(credentials, ACCOUNT)!;
    expect(request).toMatchObject({
      path: 'https://auth.example/token',
      form: { grant_type: 'urn:ietf:params:oauth:grant-type:jwt-bearer' },
    });
    const assertion = String(request.form!['assertion']);
    expect(claimsOf(assertion)).toMatchObject({
      iss: 'robot@x.example',
      sub: 'ann@x.example',
      aud: 'https://auth.example/token',
      scope: 'a b',
    });
    const at = assertion.lastIndexOf('.');
    const isTrue = createVerify('sha256').update(assertion.slice(0, at)).verify(rsa.publicKey, assertion.slice(at + 1), 'base64url'); // prettier-ignore
    expect(isTrue).toBe(true);
    expect(() => auth.refresh!.request({}, ACCOUNT)).toThrow(/no `extra.privateKey`/);
  });
});

it('puts a key into the path where something stands for it, and nowhere else', () => {
  const applied = apiKey({ path: ':token' }).apply({ accessToken: '12:a/b' }, unsigned());
  const at = (url: string) => withAuth({ method: 'GET', url, headers: {} }, applied).url;
  expect(at('https://api.example/bot:token/me?x=:token')).toBe('https://api.example/bot12:a%2Fb/me?x=:token');
  // As a redirect or a next link of its own has it.
  expect(at('https://api.example/bot12:a%2Fb/me')).toBe('https://api.example/bot12:a%2Fb/me');
  expect(() => at('https://api.example/me')).toThrow(/puts a key in the place of ":token" in the path/);
  expect(() => at('https://api.example/users/%3Atoken')).toThrow(TypeError);
});

describe('a key in the body', () => {
  const { body } = apiKey({ body: 'api_key' }).apply({ accessToken: 'k&1' }, unsigned());
  const sent = (contentType: string, text?: string) => {
    const request = { method: 'POST', url: 'https://api.example/', headers: { 'content-type': contentType } };
    return withAuth({ ...request, ...(text === undefined ? {} : { body: text }) }, { body: body ?? {} }).body;
  };

  it('is a field of a form or of a JSON object, and a mistake where there is neither', () => {
    expect(sent('application/x-www-form-urlencoded', 'a=1')).toBe('a=1&api_key=k%261');
    expect(sent('application/json', '{"a":1}')).toBe('{"a":1,"api_key":"k&1"}');
    expect(() => sent('application/json', '[1]')).toThrow(/adds api_key to the body, and this request has no form and no JSON object/); // prettier-ignore
    expect(() => sent('application/json')).toThrow(/give it `form` or `json`/);
  });
});

describe('a refusal while the clocks differ', () => {
  const { privateKey } = generateKeyPairSync('rsa', { modulusLength: 2048 });
  const auth = serviceAccount({
    tokenUrl: 'https://x.example/token',
    key: () => privateKey.export({ type: 'pkcs8', format: 'pem' }).toString(),
  });
  const refusal = (aheadMs: number, more: Record<string, string> = {}) =>
    auth.refresh?.parse(
      {
        status: 400,
        headers: { date: new Date(Date.now() - aheadMs).toUTCString(), ...more },
        text: '{"error":"invalid_grant"}',
        elapsedMs: 50,
      },
      OF_REFRESH,
    );

  it('of a service account is the fault of this machine, not of the account', () => {
    expect(refusal(300_000)).toMatchObject({
      kind: 'config',
      reason: expect.stringMatching(
        /invalid_grant; this machine's clock is 30[01] s ahead of .* set it by NTP/,
      ) as string,
    });
    expect(refusal(-300_000)).toMatchObject({
      kind: 'config',
      reason: expect.stringContaining('s behind the') as string,
    });
    expect(refusal(2_000)?.kind).toBe('refused');
    expect(refusal(300_000, { age: '300' })?.kind).toBe('refused');
  });
});

it('wrong options of an auth are among the mistakes of its provider', () => {
  const PLACES =
    'write one of { header: "x-api-key" }, { header: "authorization", prefix: "Bot " }, { query: "key" }, { body: "key" }, { path: ":token" }';
  const auths = [
    oauth1({ consumerKey: 'k', consumerSecret: undefined as never, method: 'MD5' as never }),
    hmac({ algorithm: 'sha-256', encoding: 'hexx' as never } as never),
    awsSigV4({ service: '', region: '' }),
    jwt({ lifeMs: 0, algorithm: 'RS1' as never } as never),
    serviceAccount({} as never),
    oauth1({ consumerSecret: () => 's', token: 't' } as never),
    oauth1({ consumerKey: 'k', consumerSecret: () => 's', realm: 7 as never }),
    hmac({ secret: String, message: String, send: () => ({}), hash: 'sha1' } as never),
    awsSigV4({ service: 's3', region: 'eu', key: 'k' } as never),
    jwt({ claims: () => ({}), expiresIn: 5 } as never),
    serviceAccount({ tokenUrl: '/token', scopes: 'a' } as never),
    apiKey({ headr: 'x-api-key' } as never),
    apiKey({ header: 'a', query: 'b' }),
    apiKey({ query: 'a', prefix: 'b' }),
    apiKey({ path: 'token' }),
    oauth2({ tokenUrl: '/token', clientId: 'a', send: {} as never }),
  ];
  const mistakes = auths.flatMap((auth) =>
    defineProvider({ id: 'x', baseUrl: 'https://x.example', limits: [], auth }).mistakes(),
  );
  expect(mistakes.map((text) => text.replace('provider "x": ', ''))).toEqual([
    '`consumerSecret` is missing; it must be a function',
    'oauth1: method is "MD5"; it must be one of HMAC-SHA1, HMAC-SHA256',
    '`secret` is missing; it must be a function',
    '`message` is missing; it must be a function',
    '`send` is missing; it must be a function',
    'hmac: algorithm "sha-256" is not known here; write e.g. "sha256"',
    'hmac: encoding is "hexx"; it must be "hex", "base64" or "base64url"',
    'awsSigV4: `service` is missing, e.g. "execute-api"',
    'awsSigV4: `region` is missing, e.g. "eu-west-1"',
    'jwt: algorithm is "RS1"; it must be one of RS256, ES256, HS256',
    'jwt: `claims` is missing; it must be a function',
    'jwt: lifeMs is 0; it must be 1,000 or more',
    'serviceAccount: `tokenUrl` is missing, e.g. "https://auth.example/token"',
    'oauth1: `consumerKey` is missing; write the key of the app, or a function that reads it',
    'oauth1: unknown option `token`; known are consumerKey, consumerSecret, method, realm',
    'oauth1: `realm` must be a text, or a function that takes it from the account',
    'hmac: unknown option `hash`; known are secret, message, send, algorithm, encoding',
    'awsSigV4: unknown option `key`; known are service, region',
    'jwt: unknown option `expiresIn`; known are algorithm, key, keyId, claims, lifeMs',
    'serviceAccount: unknown option `scopes`; known are algorithm, key, keyId, tokenUrl, scope, audience, subject, claims, skewMs',
    'serviceAccount: `tokenUrl` is the path "/token"; write the whole address, or say `audience`',
    `apiKey: it has \`headr\`; ${PLACES}`,
    `apiKey: it has \`header\`, \`query\`; ${PLACES}`,
    `apiKey: it has \`query\`, \`prefix\`; ${PLACES}`,
    'apiKey: `path` is "token"; it must be a word behind a colon, e.g. ":token"',
    `oauth2: \`send\`: it has nothing; ${PLACES}`,
  ]);
  const settings = z.object({ region: z.string() });
  const good = defineProvider(settings, {
    id: 'x',
    baseUrl: 'https://x.example',
    limits: [],
    auth: awsSigV4({ service: 's3', region: ({ settings: { region } }) => region }),
  });
  expect(good.mistakes()).toEqual([]);
});
