import { subscribe, unsubscribe } from 'node:diagnostics_channel';
import { createServer, type AddressInfo } from 'node:net';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { createHttpSender } from '../../../activities/http/send.ts';
import { buildRequest } from '../../../activities/http/build-request.ts';
import { redirectTarget } from '../../../activities/http/redirect.ts';
import { defaultOutcome } from '../../../providers/rules/default-rules.ts';
import { startFakeApi, type FakeApi, type HostileKind } from '../../../testing/index.ts';

// Undici's clocks tick once a second, so a timeout of 400 ms may come after 1.4 s.
const limits = { connectMs: 500, headersMs: 400, bodyMs: 400, totalMs: 2_500, maxBodyBytes: 200_000 };

describe('one call over HTTP', () => {
  let api: FakeApi;
  const http = createHttpSender();

  beforeAll(async () => {
    api = await startFakeApi({ dripMs: 100, hugeBytes: 1_000_000 });
    api.object('/thing', () => ({ ok: true, padding: 'x'.repeat(400) }));
  });
  afterAll(async () => {
    await http.close();
    await api.stop();
  });

  const send = (overrides: Partial<typeof limits> = {}) =>
    http.send({ method: 'GET', url: `${api.url}/thing`, headers: {} }, { ...limits, ...overrides });

  it.each([
    ['silent', 'headers-timeout', 'retry'],
    ['slow-drip', 'total-timeout', 'retry'],
    ['half-body', 'truncated-body', 'retry'],
    ['reset', 'connection-reset', 'retry'],
    ['huge-body', 'body-too-large', 'shrink-page'],
    ['html-200', undefined, 'retry'],
    ['html-429', undefined, 'limited'],
  ] as const)(
    'a third party that plays %s is interrupted as %s and means %s',
    async (kind: HostileKind, code, outcome) => {
      api.script('/thing', [kind]);
      const startedAt = performance.now();
      const answer = await send();
      expect(answer.error?.code).toBe(code);
      expect(defaultOutcome(answer).kind).toBe(outcome);
      // The ceiling really interrupts: nothing outlasts it, whatever the socket does.
      expect(performance.now() - startedAt).toBeLessThan(limits.totalMs + 1_000);
      expect(JSON.parse((await send()).text)).toMatchObject({ ok: true });
    },
  );

  it('brings all of a body that is larger than those that are read at once, in order', async () => {
    const lines = Array.from({ length: 60_000 }, (_, line) => `line ${line}`);
    api.object('/long', () => ({ lines }));
    const answer = await http.send(
      { method: 'GET', url: `${api.url}/long`, headers: {} },
      { ...limits, maxBodyBytes: 2_000_000 },
    );
    expect(answer.error).toBeUndefined();
    expect(JSON.parse(answer.text)).toEqual({ lines });
  });

  it('says so when nobody listens and when the name is not known', async () => {
    const refused = await http.send({ method: 'GET', url: 'http://127.0.0.1:1/', headers: {} }, limits);
    expect(refused).toMatchObject({ status: 0, error: { code: 'connection-refused' } });
    expect(defaultOutcome(refused).kind).toBe('retry');
    const unknown = await http.send({ method: 'GET', url: 'http://no-such-host.invalid/', headers: {} }, limits);
    expect(unknown).toMatchObject({ status: 0, error: { code: 'dns' } });
  });

  it('ends at once when the activity is cancelled', async () => {
    const before = api.report().calls;
    api.script('/thing', ['silent']);
    const cancel = new AbortController();
    const answer = http.send(
      { method: 'GET', url: `${api.url}/thing`, headers: {} },
      { ...limits, headersMs: 60_000, totalMs: 60_000 },
      { signal: cancel.signal },
    );
    await expect.poll(() => api.report().calls, { interval: 5 }).toBeGreaterThan(before);
    cancel.abort();
    expect((await answer).error?.code).toBe('cancelled');
  });

  it('never sends credentials to another origin, not by a next link and not by a redirect', async () => {
    const auth = { headers: { authorization: 'Bearer secret' } };
    expect(() => buildRequest({ method: 'GET', path: 'https://evil.example/next?c=1' }, api.url, auth, {})).toThrow(
      /credentials are not sent to other origins/,
    );
    api.route('GET', '/moved', () => ({
      status: 302,
      headers: { location: 'http://127.0.0.1:1/elsewhere' },
      body: '',
    }));
    const answer = await http.send({ method: 'GET', url: `${api.url}/moved`, headers: auth.headers }, limits);
    expect(answer.status).toBe(302);
    expect(defaultOutcome(answer)).toMatchObject({ kind: 'permanent', cause: 'config' });
  });

  it('takes a redirect as the answer: whoever follows it needs a permit', async () => {
    api.route('GET', '/old', () => ({ status: 301, headers: { location: '/thing' }, body: '' }));
    const before = api.report().calls;
    const outgoing = { method: 'GET', url: `${api.url}/old`, headers: {} };
    const answer = await http.send(outgoing, limits);
    expect(answer).toMatchObject({ status: 301, headers: { location: '/thing' } });
    expect(api.report().calls - before).toBe(1);
    expect(redirectTarget(outgoing, answer)).toBe(`${api.url}/thing`);
    expect(redirectTarget({ ...outgoing, method: 'POST' }, answer)).toBeUndefined();
    for (const location of ['http://127.0.0.1:1/thing', 'http://[nowhere', ''])
      expect(redirectTarget(outgoing, { ...answer, headers: { location } }) ?? '').not.toContain('nowhere');
    expect(redirectTarget(outgoing, { ...answer, headers: { location: 'http://127.0.0.1:1/thing' } })).toBeUndefined();
  });

  it('is not written when its permit has ended by then, and leaves the connection open for the next one', async () => {
    const fresh = createHttpSender();
    const { calls: before, connections } = api.report();
    const outgoing = { method: 'POST', url: `${api.url}/thing`, headers: {}, body: '{}' };
    try {
      const answer = await fresh.send(outgoing, limits, { mayWrite: () => false });
      expect(answer).toMatchObject({ status: 0, error: { code: 'permit-over', isUnsent: true } });
      let asked = 0;
      const written = await fresh.send(outgoing, limits, { mayWrite: () => ++asked === 1 });
      expect(written.status).toBeGreaterThanOrEqual(200);
      expect(asked).toBe(1);
      expect(api.report().calls - before).toBe(1);
      expect(api.report().connections - connections).toBe(1);
    } finally {
      await fresh.close();
    }
  });

  it('says whether a byte of the request was written', async () => {
    const outgoing = { method: 'POST', url: 'http://127.0.0.1:1/', headers: {}, body: '{}' };
    expect((await http.send(outgoing, limits)).error).toMatchObject({ isUnsent: true });
    api.script('/thing', ['reset']);
    const lost = await http.send({ ...outgoing, url: `${api.url}/thing` }, limits);
    expect(lost.error).toMatchObject({ code: 'connection-reset' });
    expect(lost.error?.isUnsent).toBeUndefined();
  });

  it('says in words that a port speaks no TLS', async () => {
    const url = api.url.replace('http:', 'https:');
    const { error } = await http.send({ method: 'GET', url: `${url}/thing`, headers: {} }, limits);
    expect(error).toMatchObject({ code: 'tls', message: 'wrong version number: no TLS is spoken at that port' });
  });

  it('reads no more headers than may be', async () => {
    const many = Array.from({ length: 10_000 }, (_, n) => `x-${n}: ${n}`).join('\r\n');
    const server = createServer((socket) => {
      socket.on('error', () => {}); // the caller hangs up
      socket.once('data', () => socket.end(`HTTP/1.1 200 OK\r\n${many}\r\ncontent-length: 0\r\n\r\n`));
    });
    await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
    let read = 0;
    const count = (message: unknown): void => {
      const { socket } = message as { socket: Record<symbol, { trackHeader?: (bytes: number) => void }> };
      const parser = Object.getOwnPropertySymbols(socket).find(({ description }) => description === 'parser');
      const { trackHeader: track } = (parser && socket[parser]) ?? {};
      if (!parser || !track) throw new Error('undici has another parser');
      (socket[parser] as object as { trackHeader: unknown }).trackHeader = function (this: unknown, bytes: number) {
        read += bytes;
        track.call(this, bytes);
      };
    };
    subscribe('undici:client:connected', count);
    try {
      const { port } = server.address() as AddressInfo;
      const answer = await http.send({ method: 'GET', url: `http://127.0.0.1:${port}/`, headers: {} }, limits);
      expect(answer.error).toMatchObject({ message: 'Headers Overflow Error' });
      expect(read).toBeGreaterThan(16_000);
      expect(read).toBeLessThan(17_000);
    } finally {
      unsubscribe('undici:client:connected', count);
      server.close();
    }
  });
});

describe('a request', () => {
  it('is below the base URL’s own path, without empty parameters, with auth last', () => {
    const built = buildRequest(
      { method: 'GET', path: '/users', query: { a: 1, b: undefined, c: null, d: 'x y' }, headers: { 'X-One': '1' } },
      'https://api.example.com/v2/',
      { headers: { authorization: 'Bearer t' }, query: { key: 'k' } },
      { 'X-Version': '7' },
    );
    expect(built.url).toBe('https://api.example.com/v2/users?a=1&d=x%20y&key=k');
    expect(built.headers).toEqual({
      accept: 'application/json',
      'x-version': '7',
      'x-one': '1',
      authorization: 'Bearer t',
    });
  });
});
