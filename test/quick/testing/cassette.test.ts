import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { gzipSync } from 'node:zlib';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import type { CassetteRecorder, FakeApi, RecordOptions } from '../../../testing/index.ts';
import {
  playCassette,
  readCassette,
  recordCassette,
  startFakeApi,
  thinCassette,
  writeCassette,
} from '../../../testing/index.ts';

let folder: string;
let file: string;
let real: FakeApi;
let recorder: CassetteRecorder;
let played: FakeApi;

beforeEach(async () => {
  folder = mkdtempSync(join(tmpdir(), 'cassette-'));
  file = join(folder, 'social.json');
  [real, played] = await Promise.all([startFakeApi(), startFakeApi()]);
});
afterEach(async () => {
  await Promise.all([real.stop(), played.stop()]);
  rmSync(folder, { recursive: true });
});

const record = async (options: Partial<RecordOptions> = {}) => {
  recorder = await recordCassette({ target: real.url, file, ...options });
};
const written = () => readFileSync(file, 'utf8');
const json = async (answer: Response) => (await answer.json()) as Record<string, string> & { items: { id: string }[] };

/** Logs in with a refresh token and reads a list to its end; knows no address but its base. */
const useApi = async (base: string, refreshToken: string) => {
  const body = new URLSearchParams({ grant_type: 'refresh_token', refresh_token: refreshToken });
  const tokens = await json(await fetch(`${base}/oauth/token`, { method: 'POST', body }));
  const seen: string[] = [];
  for (let next: string | null = `${base}/users/u1/posts?limit=20`; next !== null;) {
    expect(next.startsWith(base)).toBe(true);
    const page: { items: { id: string }[]; next: string | null } = (await (
      await fetch(next, { headers: { authorization: `Bearer ${tokens['access_token']}` } })
    ).json()) as never;
    seen.push(...page.items.map(({ id }) => id));
    next = page.next;
  }
  return seen;
};

describe('cassettes', () => {
  it('plays what was recorded, next links included, and keeps no token', async () => {
    const oauth = real.oauth();
    real.list('/users/:id/posts', { count: 45, pagination: 'next-url' });
    const { refreshToken } = oauth.issue('ann');
    await record();
    const first = await useApi(recorder.url, refreshToken);
    expect(first).toHaveLength(45);
    await recorder.stop();
    await real.stop();

    const cassette = playCassette(played, file);
    expect(await useApi(played.url, 'quite another token')).toEqual(first);
    expect({ misses: cassette.misses(), unused: cassette.unused() }).toEqual({ misses: [], unused: [] });
    expect(written()).not.toMatch(/[ar]t_[0-9a-f]{8}/);
    expect(written()).toContain('{{base}}/users/u1/posts');
    expect(written()).not.toContain('127.0.0.1:' + new URL(recorder.url).port);
  });

  it('removes every secret, wherever and however it is written', async () => {
    const secrets = {
      header: 'hdr-8f7a6b5c4d',
      apiKey: 'key with space/and+slash',
      cookie: 'cookie-a1b2c3d4',
      setCookie: 'setcookie-99887766',
      basicPassword: 'pässwörd-1234',
      query: 'query-token-5566',
      form: 'form-secret-7788',
      code: 'code-4/0AX4XfWh',
      json: 'json-access-3344',
      nested: 'nested-private-2211',
      listed: 'listed-token-0099',
      backend: 'backend-token-4242',
      jwt: 'eyJhbGciOiJIUzI1NiJ9.eyJzdWIiOiIxMjM0NTY3ODkwIn0.dozjgNryP4J3jVmNHl0w5N_XgL0n3I9PlFUP0THsR8U',
      later: 'learned-only-later-1',
      mail: 'ann@example.org',
    };
    const echo = Object.values(secrets).filter((secret) => secret !== secrets.later);
    real.route('GET', '/echo', ({ query }) => ({
      headers: { 'set-cookie': [`sid=${secrets.setCookie}; Path=/; HttpOnly`], 'x-csrf-token': secrets.header },
      body: {
        access_token: secrets.json,
        backend_token: secrets.backend,
        credentials: { a: [{ b: secrets.nested }] },
        refreshTokens: [secrets.listed],
        nextPageToken: 'page-two-of-five',
        token_type: 'Bearer',
        code: 190,
        message: `you sent ${echo.join(' , ')} ${secrets.later}`,
        url: `https://x.example/?a=${encodeURIComponent(secrets.apiKey)}&b=${new URLSearchParams({ x: secrets.apiKey }).toString()}&t=${query.get('access_token')}`,
        packed: Buffer.from(secrets.json).toString('base64'),
        [secrets.query]: 'as a name',
      },
    }));
    real.route('POST', '/form', () => ({
      headers: { 'content-type': 'text/html' },
      body: `<p>${echo.join('</p><p>')}</p>`,
    }));
    real.route('GET', '/later', () => ({ body: { session: secrets.later } }));
    await record({ alsoRemove: [/[\w.]+@[\w.]+/], secretNames: /^x-shop-pass$/i });
    await fetch(`${recorder.url}/echo?access_token=${secrets.query}&page=2`, {
      headers: {
        authorization: `Bearer ${secrets.header}`,
        'x-api-key': secrets.apiKey,
        cookie: `a=1; session=${secrets.cookie}`,
      },
    });
    await fetch(`${recorder.url}/form`, {
      method: 'POST',
      headers: { authorization: `Basic ${Buffer.from(`ann:${secrets.basicPassword}`).toString('base64')}` },
      body: new URLSearchParams({ client_secret: secrets.form, code: secrets.code, grant_type: 'authorization_code' }),
    });
    await fetch(`${recorder.url}/later`);
    await recorder.stop();

    const text = written();
    for (const [name, secret] of Object.entries(secrets)) {
      const forms = [
        secret,
        encodeURIComponent(secret),
        new URLSearchParams({ x: secret }).toString().slice(2),
        Buffer.from(secret).toString('base64'),
        Buffer.from(secret).toString('base64url'),
        JSON.stringify(secret).slice(1, -1),
      ];
      for (const form of forms) expect(text.includes(form), `${name} as ${form}`).toBe(false);
    }
    expect(text).not.toMatch(/key.removed-/); // nor a part of one
    // What is no secret is still there.
    const { exchanges } = JSON.parse(text) as {
      exchanges: { request: { query: string[][] }; response: { body: { json: Record<string, unknown> } } }[];
    };
    const body = exchanges[0]?.response.body.json;
    expect(body).toMatchObject({ nextPageToken: 'page-two-of-five', token_type: 'Bearer', code: 190 });
    expect(exchanges[0]?.request.query).toEqual([
      ['access_token', expect.stringMatching(/^removed-\d+$/)],
      ['page', '2'],
    ]);
    // One secret, one placeholder.
    expect(body?.['url']).toContain(`&t=${exchanges[0]?.request.query[0]?.[1]}`);
  });

  it('plays the answers of repeated calls in order, then the last one', async () => {
    let n = 0;
    real.route('GET', '/count', () => ({ status: n === 1 ? 503 : 200, body: { n: n++ } }));
    await record();
    for (let i = 0; i < 3; i++) await fetch(`${recorder.url}/count`);
    await recorder.stop();
    playCassette(played, file);
    const seen: unknown[] = [];
    for (let i = 0; i < 5; i++) {
      const answer = await fetch(`${played.url}/count`);
      seen.push([answer.status, (await json(answer))['n']]);
    }
    expect(seen).toEqual([
      [200, 0],
      [503, 1],
      [200, 2],
      [200, 2],
      [200, 2],
    ]);
  });

  it('tells calls apart by body, whatever the order of fields, and lists misses and unused answers', async () => {
    real.route('POST', '/search', ({ body }) => ({ body: { asked: body } }));
    await record();
    const post = (base: string, body: unknown) =>
      fetch(`${base}/search`, {
        method: 'POST',
        headers: { 'content-type': 'application/json' },
        body: JSON.stringify(body),
      });
    await post(recorder.url, { q: 'a', from: 1, api_token: 'x' });
    await post(recorder.url, { q: 'b' });
    await recorder.stop();
    const cassette = playCassette(played, file);
    expect(await json(await post(played.url, { from: 1, api_token: 'another', q: 'a' }))).toMatchObject({
      asked: { q: 'a' },
    });
    const missed = await post(played.url, { q: 'c' });
    expect(missed.status).toBe(501);
    expect(cassette.misses()).toEqual(['POST /search {"q":"c"}']);
    expect(cassette.unused()).toEqual(['POST /search {"q":"b"}']);
  });

  it('keeps answers that are compressed, empty, redirecting or broken JSON, and leaves binary bodies out', async () => {
    real.route('GET', '/packed', () => ({ headers: { 'content-encoding': 'gzip' }, body: gzipSync('{"a":1}') }));
    real.route('GET', '/empty', () => ({ status: 204 }));
    real.route('GET', '/moved', () => ({ status: 302, headers: { location: `${real.url}/there` } }));
    real.route('GET', '/broken', () => ({ body: '{"a":' }));
    real.route('GET', '/image', () => ({
      headers: { 'content-type': 'image/png' },
      body: Buffer.from([0x89, 0x50, 0xff, 0xfe]),
    }));
    await record();
    const get = (base: string, path: string) => fetch(`${base}${path}`, { redirect: 'manual' });
    for (const path of ['/packed', '/empty', '/moved', '/broken', '/image']) await get(recorder.url, path);
    await recorder.stop();
    playCassette(played, file);
    expect(await json(await get(played.url, '/packed'))).toEqual({ a: 1 });
    expect((await get(played.url, '/empty')).status).toBe(204);
    expect((await get(played.url, '/moved')).headers.get('location')).toBe(`${played.url}/there`);
    expect(await (await get(played.url, '/broken')).text()).toBe('{"a":');
    expect((await (await get(played.url, '/image')).arrayBuffer()).byteLength).toBe(4);
    expect(written()).toContain('"omittedBytes": 4');
  });

  it('answers 502 and records nothing when the third party does not answer', async () => {
    await record();
    await real.stop();
    expect((await fetch(`${recorder.url}/me`)).status).toBe(502);
    expect(recorder.failures()).toEqual([expect.stringMatching(/^GET \/me: .*ECONNREFUSED/)]);
    expect((await recorder.stop()).exchanges).toEqual([]);
  });

  it('is played under the limits and scripts of the server', async () => {
    real.object('/me', () => ({ id: 'me' }));
    await record();
    await fetch(`${recorder.url}/me`);
    await recorder.stop();
    playCassette(played, file);
    played.limit({ name: 'app', max: 1, perMs: 60_000 });
    expect([(await fetch(`${played.url}/me`)).status, (await fetch(`${played.url}/me`)).status]).toEqual([200, 429]);
  });

  it('can be thinned: few rows of few pages, and the list still ends', async () => {
    real.list('/users/:id/posts', { count: 400, pageSize: { default: 20 }, total: 'exact' });
    await record({ thin: { items: 2, pages: 3 } });
    const read = async (base: string) => {
      const ids: string[] = [];
      for (let next: string | null = ''; next !== null;) {
        const query: string = next === '' ? '' : `?cursor=${next}`;
        const page = await json(await fetch(`${base}/users/u1/posts${query}`));
        ids.push(...page.items.map(({ id }) => id));
        next = page['next'] as string | null;
      }
      return ids;
    };
    const all = await read(recorder.url);
    expect(all).toHaveLength(400);
    const cassette = await recorder.stop();
    expect(cassette.exchanges).toHaveLength(3);
    expect(written().length).toBeLessThan(5_000);
    const thin = playCassette(played, file);
    expect(await read(played.url)).toEqual([...all.slice(0, 2), ...all.slice(20, 22), ...all.slice(380, 382)]);
    expect({ misses: thin.misses(), unused: thin.unused() }).toEqual({ misses: [], unused: [] });
  });

  it('can be thinned to what a test has asked for, and to what a function keeps', async () => {
    real.list('/users/:id/posts', { count: 3 });
    await record();
    for (const user of ['a', 'b', 'b', 'c']) await fetch(`${recorder.url}/users/${user}/posts`);
    await recorder.stop();
    const cassette = readCassette(file);
    const thin = thinCassette(cassette, { keep: ({ request }) => !request.path.includes('/c/') });
    expect(thin.exchanges.map(({ request }) => request.path)).toEqual(['/users/a/posts', '/users/b/posts']);
    // Sent a second later, it is the same answer.
    const sentAt = (date: string) =>
      cassette.exchanges.slice(0, 1).map((each) => ({
        ...each,
        response: { ...each.response, headers: { ...each.response.headers, date } },
      }));
    const twice = { ...cassette, exchanges: [...sentAt('now'), ...sentAt('later')] };
    expect(thinCassette(twice).exchanges).toHaveLength(1);
    const replay = playCassette(played, cassette);
    await fetch(`${played.url}/users/b/posts`);
    writeCassette(file, replay.used());
    expect(readCassette(file).exchanges.map(({ request }) => request.path)).toEqual(['/users/b/posts']);
    expect(() => thinCassette(cassette, { pages: 0 })).toThrow('`pages` is 0; it must be 1 or more.');
    expect(() => thinCassette(cassette, { items: -1 })).toThrow('`items` is -1');
  });
});

it('is written into a folder that is not there yet: what was recorded is not lost at its end', async () => {
  real.object('/me', () => ({ id: 'me' }));
  const into = join(folder, 'new', 'deep.json');
  const recording = await recordCassette({ target: real.url, file: into });
  await fetch(`${recording.url}/me`);
  await recording.stop();
  expect(readCassette(into).exchanges).toHaveLength(1);
});
