import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { assert as assertAlways, property, string } from 'fast-check';
import { buildRequest } from '../../../activities/http/build-request.ts';
import { refusePrivateAddresses, privateHost } from '../../../activities/http/private-addresses.ts';
import { createHttpSender } from '../../../activities/http/send.ts';
import { bearer, defineProvider, get, noAuth, oauth2, path, segments } from '../../../providers/index.ts';
import { startFakeApi, type FakeApi } from '../../../testing/index.ts';
import { readWorkerSettings } from '../../../workers/index.ts';
import { startSlowProxy } from '../../setup/servers/slow-proxy.ts';
import { unsigned } from '../../setup/unsigned-request.ts';

const BASE = 'https://api.example/v2';
const urlOf = (where: string, base = BASE): string => buildRequest(get(where), base, {}, {}).url;

describe('a path with parts from data', () => {
  it('keeps each part one part, whatever is in it', () => {
    expect(path`/users/${'a/b?c=d#e'}/posts/${7}`).toBe('/users/a%2Fb%3Fc%3Dd%23e/posts/7');
    // As signatures have it: some third parties sign the path as it came, others what it means.
    expect(path`/users/${"it's (a) *!~"}`).toBe('/users/it%27s%20%28a%29%20%2A%21~');
    expect(path`/big/${12345678901234567890n}`).toBe('/big/12345678901234567890');
    assertAlways(
      property(string({ unit: 'binary', minLength: 1 }), (id) => {
        if (/^\.{1,2}$/.test(id)) return;
        const { pathname, search, hash } = new URL(urlOf(path`/users/${id}/posts`));
        expect(pathname.split('/')).toHaveLength(5);
        expect(decodeURIComponent(pathname.split('/')[3] as string)).toBe(id.toWellFormed());
        expect(search + hash).toBe('');
      }),
    );
  });

  it('has the slashes of a name where they are its own, and leads nowhere else', () => {
    expect(path`/${'bucket'}/${segments('photos/a b+c?/ü.jpg')}`).toBe('/bucket/photos/a%20b%2Bc%3F/%C3%BC.jpg');
    expect(path`/${'bucket'}/${segments('/a//b/')}`).toBe('/bucket//a//b/');
    for (const name of ['', '..', 'a/../b', './a']) expect(() => path`/files/${segments(name)}`).toThrow(TypeError);
    expect(() => urlOf(path`/${segments('/other.example/x')}`, 'https://api.example')).toThrow(TypeError);
  });

  it.each(['', '.', '..', undefined, null, {}, Number.NaN, 2 ** 53, true])(
    'takes no part that would lead elsewhere or nowhere: %o',
    (part) => {
      expect(() => path`/users/${part as never}/posts`).toThrow(TypeError);
    },
  );
});

describe('a path', () => {
  it.each([
    '/users/../../admin',
    '/users/..',
    '../../admin',
    '/users/./x',
    '/users/%2e%2E/admin',
    '/users/.%2e/admin',
    String.raw`/users/..\..\admin`,
    '/users/.\t./.\n./admin',
    '/users/..?x=1',
    '/users/..#x',
  ])('does not leave the base: %j', (where) => {
    expect(() => urlOf(where)).toThrow(/with the tag `path`/);
  });

  it.each(['/a..b', '/...', '/x/..y', '/files/a.b', '/search?q=../..', '/x#..', '/a%2Fb'])('may be %j', (where) => {
    const { pathname } = new URL(urlOf(where));
    expect(pathname.startsWith('/v2/')).toBe(true);
  });

  it('may be a whole address of the same origin, as next links are', () => {
    expect(urlOf('https://api.example/v1/next?c=1')).toBe('https://api.example/v1/next?c=1');
    expect(() => urlOf('https://api.example.evil/v2/x')).toThrow(
      /credentials are not sent to other origins\. If api\.example\.evil is the provider's own, name it in its `hosts`; .* `openHosts`/,
    );
  });
});

describe('an address in clear', () => {
  const limits: [] = [];
  const mistakesOf = (more: Partial<Parameters<typeof defineProvider>[0]>): readonly string[] =>
    defineProvider({ id: 'p', baseUrl: 'https://api.example', auth: noAuth(), limits, ...more }).mistakes();

  it('is a mistake of the definition off this machine, unless it is meant', () => {
    const tokenUrl = 'http://login.example/token';
    const inClear = expect.stringMatching(/goes to http:\/\/\S+ in clear: .*`allowPlainHttp: true`/);
    expect(mistakesOf({ baseUrl: 'http://api.example' })).toEqual([inClear]);
    expect(mistakesOf({ auth: oauth2({ tokenUrl, clientId: 'c' }) })).toEqual([inClear]);
    expect(mistakesOf({ baseUrl: 'http://api.example', allowPlainHttp: true })).toEqual([]);
    expect(mistakesOf({ auth: oauth2({ tokenUrl: '/token', clientId: 'c' }) })).toEqual([]);
    for (const host of ['localhost:1', 'api.localhost', '127.0.0.1:8080', '127.3.2.1', '[::1]:9'])
      expect(mistakesOf({ baseUrl: `http://${host}` })).toEqual([]);
    for (const host of ['localhost.evil.example', '127.0.0.1.evil.example', '10.0.0.1', '[::2]', '128.0.0.1'])
      expect(mistakesOf({ baseUrl: `http://${host}` })).toEqual([inClear]);
  });

  it('is refused at the call where only a function names it', () => {
    const auth = bearer().apply({ accessToken: 'secret' }, unsigned());
    const request = (allow: object) => buildRequest(get('/x'), 'http://api.example', auth, {}, allow);
    expect(() => request({})).toThrow(/in clear/);
    expect(request({ allowPlainHttp: true }).url).toBe('http://api.example/x');
    expect(() => urlOf('http://api.example/v2/next')).toThrow(/other origins/);
  });
});

describe('a private address', () => {
  it.each([
    '0.0.0.0',
    '10.1.2.3',
    '100.64.0.1',
    '127.0.0.1',
    '169.254.169.254',
    '172.16.0.1',
    '172.31.255.255',
    '192.168.1.1',
    '198.18.0.1',
    '255.255.255.255',
    '::',
    '::1',
    '::7f00:1',
    'fc00::1',
    'fd12::1',
    'fe80::1',
    'fe80::1%eth0',
    'ff02::1',
    '::ffff:10.0.0.1',
    '::ffff:a9fe:a9fe',
    '64:ff9b::a00:1',
    '2002:a00:1::', // prettier-ignore
  ])('is told from a public one: %s', (address) => {
    expect(refusePrivateAddresses('x.example', [{ address: '93.184.216.34' }, { address }])?.message).toContain(
      address,
    );
  });

  it.each(['93.184.216.34', '172.32.0.1', '100.128.0.1', '2606:2800:220:1::1', '64:ff9b::808:808', '::ffff:8.8.8.8'])(
    'is not %s',
    (address) => {
      expect(refusePrivateAddresses('x.example', [{ address }])).toBeUndefined();
    },
  );

  it('is one in every spelling that a URL has', () => {
    for (const host of ['2130706433', '0x7f.1', '127.1', '[::ffff:7f00:1]', '0177.0.0.1', '169.254.169.254.'])
      expect(privateHost(new URL(`http://${host}/`).hostname)).toBeDefined();
    expect(privateHost('api.example')).toBeUndefined();
  });

  describe('of a real server', () => {
    let api: FakeApi;
    const http = createHttpSender();
    const limits = { connectMs: 500, headersMs: 500, bodyMs: 500, totalMs: 2_000, maxBodyBytes: 1_000 };
    beforeAll(async () => {
      api = await startFakeApi();
      api.object('/thing', () => ({ ok: true }));
    });
    afterAll(async () => {
      await http.close();
      await api.stop();
    });

    it('is not called when it comes from an account or an answer, by address and by name', async () => {
      const { port } = new URL(api.url);
      for (const host of ['127.0.0.1', 'localhost']) {
        const outgoing = { method: 'POST', url: `http://${host}:${port}/thing`, headers: {}, body: '{}' };
        const answer = await http.send({ ...outgoing, isPublicOnly: true }, limits);
        expect(answer.error).toMatchObject({ code: 'private-address', isUnsent: true });
        expect(answer.error?.message).toContain('`allowPrivateAddresses: true`');
      }
      expect(api.report()).toMatchObject({ calls: 0, connections: 0 });
      expect((await http.send({ method: 'GET', url: `${api.url}/thing`, headers: {} }, limits)).status).toBe(200);
    });

    it('is called straight, and others by the proxy that the environment names', async () => {
      const proxy = await startSlowProxy(0);
      const { port } = new URL(api.url);
      const settings = readWorkerSettings({
        HTTP_PROXY: 'http://unused.example:1',
        http_proxy: proxy.url,
        NO_PROXY: 'straight.example',
      });
      expect(settings.proxy).toEqual({ httpProxy: proxy.url, noProxy: 'straight.example' });
      const through = createHttpSender({ proxy: settings.proxy as NonNullable<typeof settings.proxy> });
      const call = (host: string) =>
        through.send({ method: 'GET', url: `http://${host}:${port}/thing`, headers: {} }, limits);
      try {
        expect((await call('anything.example')).status).toBe(200);
        expect(proxy.tunnels).toEqual([`anything.example:${port}`]);
        expect((await call('127.0.0.1')).status).toBe(200);
        expect((await call('straight.example')).error?.code).toBe('dns');
        expect(proxy.tunnels).toHaveLength(1);
      } finally {
        await through.close();
        await proxy.stop();
      }
    });
  });

  it('of a proxy that can’t be meant is one of the mistakes of the settings, without its password', () => {
    const settings = () => readWorkerSettings({ HTTPS_PROXY: 'user:secret@proxy', SLUICE_CONCURRENCY: '0' });
    expect(settings).toThrow(/SLUICE_CONCURRENCY is "0".*\n.*HTTPS_PROXY is not understood/s);
    expect(settings).not.toThrow(/secret/);
    expect(readWorkerSettings({}).proxy).toBeUndefined();
  });
});
