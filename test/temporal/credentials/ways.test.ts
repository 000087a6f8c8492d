/**
 * Every way to authenticate, on the wire: a sync and a write each, with what is odd in addresses and bodies, against a third party that
 * checks them by other people's code (`aws4`, `oauth-1.0a`, `jose`). The first call of each is answered 500, so each is made twice.
 */
import { createHmac, createPublicKey, generateKeyPairSync } from 'node:crypto';
import { createServer, type IncomingHttpHeaders, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import aws4 from 'aws4';
import { jwtVerify } from 'jose';
import OAuth from 'oauth-1.0a';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { z } from 'zod';
import type { NewCredentials } from '../../../client/index.ts';
import * as sluice from '../../../providers/index.ts';
import { TEST_KEYS } from '../../setup/programs/credential-worker.ts';
import { createWorld, type World } from '../../setup/world.ts';

interface Got {
  readonly method: string;
  /** As it came. */
  readonly path: string;
  readonly headers: IncomingHttpHeaders;
  readonly body: string;
}

interface Way {
  readonly auth: sluice.Auth;
  readonly credentials: NewCredentials;
  /** Behind the base URL. */
  readonly base?: string;
  readonly isRight: (got: Got) => boolean | Promise<boolean>;
  /** The body of the write that it is tried with. */
  readonly write: Partial<sluice.RequestSpec>;
  /** What differs from try to try. */
  readonly mark?: (got: Got) => unknown;
}

const rsa = generateKeyPairSync('rsa', {
  modulusLength: 2048,
  privateKeyEncoding: { type: 'pkcs8', format: 'pem' },
  publicKeyEncoding: { type: 'spki', format: 'pem' },
});
const publicKey = createPublicKey(rsa.publicKey);
const ODD = "a b+c&d=e~*'()!ü/%2F";
const form = { form: { text: ODD, 'k y': '1' } };
const json = { json: { text: ODD } };
const KEY = 'key-0123456789abcdef';
const header = (name: string, of: Got) => String(of.headers[name] ?? '');
const bearerIs = (token: string) => (got: Got) => header('authorization', got) === `Bearer ${token}`;
const query = ({ path }: Got) => new URL(path, 'http://x').searchParams;

/** @see RFC 5849 §3.4.1.3: parameters of the address, of the form and of the header. */
function isRightOAuth1(got: Got): boolean {
  const stated = [...header('authorization', got).matchAll(/(oauth_\w+)="([^"]*)"/g)];
  const { oauth_signature, ...parameters } = Object.fromEntries(
    stated.map(([, name, value]) => [name as string, decodeURIComponent(value as string)]),
  );
  const app = new OAuth({
    consumer: { key: 'app-key', secret: 'app-secret' },
    signature_method: 'HMAC-SHA1',
    hash_function: (text, key) => createHmac('sha1', key).update(text).digest('base64'),
  });
  // `oauth-1.0a` does not decode the names of an address, which RFC 5849 §3.4.1.3.1 wants: it is given them decoded.
  const [path] = got.path.split('?', 1);
  const data = Object.fromEntries([...query(got), ...new URLSearchParams(got.body)]);
  const request = { url: `${url}${path}`, method: got.method, data };
  return oauth_signature === app.getSignature(request, 'token-secret', parameters as never);
}

function isRightSigV4(got: Got): boolean {
  const given = header('authorization', got);
  const names = (/SignedHeaders=([^,]+)/.exec(given)?.[1] ?? '').split(';');
  const headers = Object.fromEntries(names.map((name) => [name, header(name, got)]));
  const { method, path, body } = got;
  const request = { method, path, body, headers, service: 'execute-api', region: 'eu-west-1' };
  const ignored = { extraHeadersToIgnore: { 'content-length': true } };
  const signed = aws4.sign({ ...request, ...ignored }, { accessKeyId: 'AKID', secretAccessKey: KEY });
  return (signed.headers as Record<string, string>)['Authorization'] === given && names.includes('host');
}

const WAYS: Record<string, Way> = {
  bearer: { auth: sluice.bearer(), credentials: { accessToken: KEY }, isRight: bearerIs(KEY), write: json },
  'key-in-header': {
    auth: sluice.apiKey({ header: 'X-Api-Key' }),
    credentials: { accessToken: KEY },
    isRight: (got) => header('x-api-key', got) === KEY && !got.path.includes(KEY),
    write: json,
  },
  'key-in-query': {
    auth: sluice.apiKey({ query: 'api key' }),
    credentials: { accessToken: ODD + KEY },
    isRight: (got) => query(got).get('api key') === ODD + KEY && query(got).getAll('api key').length === 1,
    write: json,
  },
  'key-behind-a-word': {
    auth: sluice.apiKey({ header: 'Authorization', prefix: 'Bot ' }),
    credentials: { accessToken: KEY },
    isRight: (got) => header('authorization', got) === `Bot ${KEY}`,
    write: json,
  },
  'key-in-path': {
    auth: sluice.apiKey({ path: ':token' }),
    credentials: { accessToken: `123:${KEY}/ü` },
    base: '/bot:token',
    isRight: (got) => got.path.startsWith(`/key-in-path/bot123:${KEY}%2F%C3%BC/`),
    write: json,
  },
  'sent-elsewhere': {
    auth: sluice.oauth2({
      tokenUrl: '/token',
      grant: 'client_credentials',
      clientId: 'cl:ient',
      clientSecret: () => ODD,
      send: { header: 'x-access-token' },
    }),
    credentials: {}, // the app's own client is all that it takes
    isRight: (got) => header('x-access-token', got) === 'at-of-client_credentials' && !got.headers.authorization,
    write: json,
  },
  basic: {
    auth: sluice.basic(),
    credentials: { username: 'ü:', password: ODD },
    isRight: (got) => header('authorization', got) === `Basic ${Buffer.from(`ü::${ODD}`).toString('base64')}`,
    write: form,
  },
  oauth1: {
    auth: sluice.oauth1({ consumerKey: 'app-key', consumerSecret: () => 'app-secret' }),
    credentials: { accessToken: 'a-token', extra: { tokenSecret: 'token-secret' } },
    isRight: isRightOAuth1,
    write: form,
    mark: (got) => /oauth_nonce="([^"]+)"/.exec(header('authorization', got))?.[1],
  },
  'sig-v4': {
    auth: sluice.awsSigV4({ service: 'execute-api', region: 'eu-west-1' }),
    credentials: { extra: { accessKeyId: 'AKID', secretAccessKey: KEY } },
    isRight: isRightSigV4,
    write: json,
  },
  hmac: {
    auth: sluice.hmac({
      secret: ({ password }) => password,
      message: ({ method, url: at, body = '', nonce }) => [method, at.pathname + at.search, body, nonce].join('\n'),
      send: (signature, { nonce }) => ({ headers: { 'x-sign': signature, 'x-nonce': nonce } }),
      algorithm: 'sha512',
      encoding: 'base64',
    }),
    credentials: { password: KEY },
    isRight: (got) => {
      const text = [got.method, got.path, got.body, header('x-nonce', got)].join('\n');
      return header('x-sign', got) === createHmac('sha512', KEY).update(text).digest('base64');
    },
    write: { multipart: { text: ODD } },
    mark: (got) => got.headers['x-nonce'],
  },
  'jwt-by-call': {
    auth: sluice.jwt({ claims: ({ username }) => ({ iss: username, aud: 'third party' }) }),
    credentials: { username: 'me', extra: { privateKey: rsa.privateKey } },
    isRight: async (got) => {
      const token = header('authorization', got).replace('Bearer ', '');
      const { payload } = await jwtVerify(token, publicKey, { issuer: 'me', audience: 'third party' });
      return payload.exp !== undefined && payload.iat !== undefined;
    },
    write: json,
  },
  'client-credentials': {
    auth: sluice.oauth2({
      tokenUrl: '/token',
      grant: 'client_credentials',
      clientId: ({ username }) => username,
      clientSecret: ({ password }) => password,
    }),
    credentials: { username: 'cl:ient', password: ODD },
    isRight: bearerIs('at-of-client_credentials'),
    write: json,
  },
  'service-account': {
    auth: sluice.serviceAccount({ tokenUrl: () => `${url}/service-account/token`, scope: 'read' }),
    credentials: { extra: { clientEmail: 'robot@x.example', privateKey: rsa.privateKey, privateKeyId: 'k1' } },
    isRight: bearerIs('at-of-jwt-bearer'),
    write: json,
  },
  password: {
    auth: sluice.refreshable(sluice.bearer(), {
      request: ({ username, password }) => sluice.post('/login', { username, password }),
      parse: ({ status, text }) =>
        status === 200
          ? { kind: 'refreshed', credentials: { accessToken: (JSON.parse(text) as { t: string }).t } }
          : undefined,
    }),
    credentials: { username: 'me', password: ODD },
    isRight: bearerIs('at-of-login'),
    write: json,
  },
};

let world: World;
let server: Server;
let url = '';
const seen: Record<string, { readonly got: Got; readonly isRight: boolean }[]> = {};

const defined = Object.entries(WAYS).map(([id, { auth, write, base = '' }]) => {
  const provider = sluice.defineProvider({ id, baseUrl: () => `${url}/${id}${base}`, auth, limits: [] });
  const rows = provider.endpoint('rows', {
    input: z.object({}),
    response: z.object({ rows: z.array(z.object({ id: z.string() })) }),
    request: () => sluice.get(sluice.path`/rows/${'a b/ü*'}/x`, { q: ODD, ä: 'ö', empty: '', b: 2, B: 1 }),
    paginate: { kind: 'single', items: (answer) => answer.rows },
  });
  const written = provider.action('write', {
    input: z.object({}),
    output: z.object({ ok: z.boolean() }),
    request: () => ({ method: 'POST', path: '/things', query: { q: ODD }, ...write }),
  });
  const sync = sluice.defineSync(`way-${id}`, { provider, input: z.object({}) }, (s) => ({
    rows: s.one(rows, { input: () => ({}), key: (row) => row.id }),
  }));
  return { id, provider, sync, action: written };
});

/** @returns the token of a grant whose client, assertion or password is right. */
async function tokenFor(got: Got): Promise<object | undefined> {
  const fields = new URLSearchParams(got.body);
  if (got.path.endsWith('/login')) {
    const { username, password } = JSON.parse(got.body) as Record<string, string>;
    return username === 'me' && password === ODD ? { t: 'at-of-login' } : undefined;
  }
  const more = { token_type: 'bearer', expires_in: 3_600 };
  if (fields.get('grant_type') === 'client_credentials') {
    const [id, secret] = Buffer.from(header('authorization', got).slice('Basic '.length), 'base64')
      .toString()
      .split(':');
    const decode = (text = '') => decodeURIComponent(text.replaceAll('+', ' '));
    return decode(id) === 'cl:ient' && decode(secret) === ODD
      ? { access_token: 'at-of-client_credentials', ...more }
      : undefined;
  }
  const audience = `${url}/service-account/token`;
  const options = { issuer: 'robot@x.example', audience, maxTokenAge: '5 minutes' };
  const { payload, protectedHeader } = await jwtVerify(fields.get('assertion') ?? '', publicKey, options);
  const isRight = payload['scope'] === 'read' && protectedHeader.kid === 'k1';
  return isRight ? { access_token: 'at-of-jwt-bearer', ...more } : undefined;
}

beforeAll(async () => {
  server = createServer((request, response) => {
    const chunks: Buffer[] = [];
    request.on('data', (chunk: Buffer) => chunks.push(chunk));
    request.on('end', () => {
      const { method = '', url: path = '', headers } = request;
      const got = { method, path, headers, body: Buffer.concat(chunks).toString('utf8') };
      const answer = (status: number, body: object): void => {
        response.writeHead(status, { 'content-type': 'application/json' }).end(JSON.stringify(body));
      };
      const id = path.split('/', 2)[1] as string;
      const decide = async (): Promise<void> => {
        if (/\/(token|login)$/.test(path)) {
          const token = await tokenFor(got);
          return token ? answer(200, token) : answer(401, { error: 'invalid_client' });
        }
        const isRight = await WAYS[id]?.isRight(got);
        const calls = (seen[id] ??= []);
        calls.push({ got, isRight: isRight === true });
        if (!isRight) return answer(403, { error: 'not signed as it should be' });
        if (calls.length === 1) return answer(500, { error: 'try again' });
        return answer(200, method === 'POST' ? { ok: true } : { rows: [{ id: '1' }] });
      };
      decide().catch((error: unknown) => answer(403, { error: String(error) }));
    });
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  url = `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
  const syncs = defined.map(({ sync }) => sync);
  world = await createWorld(syncs, { actions: defined.map(({ action }) => action), encryptionKeys: TEST_KEYS });
});
afterAll(async () => {
  await world?.end();
  server?.closeAllConnections();
  await new Promise((resolve) => server.close(resolve));
});

describe('a third party that checks every call', () => {
  it.each(defined)(
    'takes those of $id: a read that is tried again, and a write',
    async ({ id, provider, sync, action }) => {
      const { credentials, mark } = WAYS[id] as Way;
      await world.sluice.accounts.connect({ provider, account: 'a', credentials });
      const run = await world.sluice.start(sync, { account: 'a', input: {} });
      expect(await run.result()).toMatchObject({ complete: true, rows: 1 });
      const acted = await world.sluice.act(action, { account: 'a', input: {} });
      expect(await acted.result()).toEqual({ ok: true });
      const calls = seen[id] ?? [];
      expect(calls.map(({ got, isRight }) => [got.method, isRight])).toEqual([
        ['GET', true],
        ['GET', true],
        ['POST', true],
      ]);
      if (mark) expect(new Set(calls.map(({ got }) => mark(got))).size).toBe(3);
      // Nothing of it is in a row, a report or a reason.
      const { rows } = await world.db.pool.query<{ text: string }>(
        'select r::text as text from sluice.report r union all select u::text from sluice.unit u union all select c::text from sluice.record c',
      );
      const secrets = [...Object.values(credentials.extra ?? {}), credentials.accessToken, credentials.password];
      for (const secret of secrets)
        if (typeof secret === 'string' && secret.length > 8) expect(JSON.stringify(rows)).not.toContain(secret);
    },
  );
});
