import { once } from 'node:events';
import { connect } from 'node:net';
import { afterEach, describe, expect, it } from 'vitest';
import type { FakeApi, HostileKind } from '../../../testing/index.ts';
import { hostileKinds, runsRoute, startFakeApi } from '../../../testing/index.ts';

let api: FakeApi;
afterEach(() => api.stop());

const body = JSON.stringify({ id: 'u1', name: 'Ünal', tags: ['a', 'b', 'c'] });

/** What a raw socket sees of one call, and how the socket ended: `fin`, `rst`, or still `open` after `waitMs`. */
interface Seen {
  readonly text: string;
  readonly bytes: Buffer;
  readonly end: 'fin' | 'rst' | 'open';
  readonly tookMs: number;
}

function raw(path: string, waitMs = 120): Promise<Seen> {
  const { port } = new URL(api.url);
  const startedAt = performance.now();
  return new Promise((resolve) => {
    const pieces: Buffer[] = [];
    const socket = connect(Number(port), '127.0.0.1');
    const seen = (end: Seen['end']) => {
      clearTimeout(timer);
      const bytes = Buffer.concat(pieces);
      resolve({ text: bytes.toString(), bytes, end, tookMs: performance.now() - startedAt });
      socket.destroy();
    };
    const timer = setTimeout(() => seen('open'), waitMs);
    socket.on('data', (piece) => pieces.push(piece));
    socket.on('error', () => seen('rst'));
    socket.on('end', () => seen('fin'));
    socket.write(`GET ${path} HTTP/1.1\r\nhost: x\r\nauthorization: Bearer t\r\n\r\n`);
  });
}

const headOf = ({ text }: Seen) => text.slice(0, text.indexOf('\r\n\r\n'));
const bodyOf = ({ text }: Seen) => text.slice(text.indexOf('\r\n\r\n') + 4);
const lengthOf = (seen: Seen) => Number(/content-length: (\d+)/i.exec(headOf(seen))?.[1]);

/** What a raw socket must see of the kinds that break HTTP. */
const onTheWire: Partial<Record<HostileKind, (seen: Seen) => void>> = {
  reset: ({ text, end }) => expect({ text, end }).toEqual({ text: '', end: 'rst' }),
  close: ({ text, end }) => expect({ text, end }).toEqual({ text: '', end: 'fin' }),
  silent: ({ text, end }) => expect({ text, end }).toEqual({ text: '', end: 'open' }),
  'timeout-headers': ({ text, end }) => expect({ text, end }).toEqual({ text: 'HTTP/1.1 200 OK\r\n', end: 'open' }),
  'drip-headers': ({ text, end }) => {
    expect(text).toMatch(/^HTTP\/1\.1 200 OK\r\nx-drip-0: 1\r\nx-drip-1: 1\r\n/);
    expect(text).not.toContain('\r\n\r\n');
    expect(end).toBe('open');
  },
  garbage: ({ text }) => expect(text).toMatch(/^SSH-/),
  'huge-body': (seen) => {
    expect(seen.end).toBe('open'); // keep-alive: chunked body is over, connection stays
    expect(seen.bytes.length).toBeGreaterThan(1024 * 1024);
    expect(seen.text.endsWith('0\r\n\r\n')).toBe(true);
  },
  'endless-body': ({ bytes, text, end }) => {
    expect(end).toBe('open');
    expect(bytes.length).toBeGreaterThan(1024 * 1024);
    expect(text.endsWith('0\r\n\r\n')).toBe(false);
  },
  'endless-processing': ({ text, end }) => {
    expect(text.match(/HTTP\/1\.1 102/g)?.length).toBeGreaterThan(2);
    expect(end).toBe('open');
  },
  'redirect-loop': ({ text }) => expect(text).toMatch(/^HTTP\/1\.1 302 [^]*location: http:\/\/127[^]*\.fake\/loop\/1/),
  'redirect-elsewhere': ({ text }) => expect(text).toMatch(/^HTTP\/1\.1 302 [^]*location: http:\/\/localhost/),
  'reset-after': ({ text, end }) => expect({ text, end }).toEqual({ text: '', end: 'rst' }),
  'close-after': ({ text, end }) => expect({ text, end }).toEqual({ text: '', end: 'fin' }),
  'silent-after': ({ text, end }) => expect({ text, end }).toEqual({ text: '', end: 'open' }),
  'half-body': (seen) => {
    expect(lengthOf(seen)).toBe(Buffer.byteLength(body));
    expect(Buffer.byteLength(bodyOf(seen))).toBeLessThan(lengthOf(seen) / 2 + 2);
    expect(seen.end).not.toBe('open');
  },
  'half-chunked': (seen) => {
    expect(headOf(seen)).toMatch(/transfer-encoding: chunked/i);
    expect(bodyOf(seen)).not.toContain('0\r\n\r\n');
    expect(seen.end).not.toBe('open');
  },
  'stalled-body': (seen) => {
    expect(bodyOf(seen).length).toBeGreaterThan(0);
    expect(Buffer.byteLength(bodyOf(seen))).toBeLessThan(lengthOf(seen));
    expect(seen.end).toBe('open');
  },
  'slow-drip': (seen) => {
    expect(bodyOf(seen).length).toBeGreaterThan(2);
    expect(bodyOf(seen).length).toBeLessThan(lengthOf(seen));
    expect(seen.end).toBe('open');
  },
  'extra-bytes': (seen) => expect(Buffer.byteLength(bodyOf(seen))).toBeGreaterThan(lengthOf(seen)),
};

/** What the kinds that arrive whole must look like to a well-made client. */
const asFetched: Partial<Record<HostileKind, (answer: Response, text: string) => void>> = {
  'html-as-json': ({ headers }, text) => {
    expect(headers.get('content-type')).toBe('application/json');
    expect(text).toMatch(/^<!DOCTYPE html>/);
  },
  'empty-200': (_answer, text) => expect(text).toBe(''),
  'null-json': (_answer, text) => expect(JSON.parse(text)).toBeNull(),
  'error-200': (_answer, text) => expect(JSON.parse(text)).toMatchObject({ ok: false }),
  'no-content': (_answer, text) => expect(text).toBe(''),
  'deep-json': (_answer, text) => expect(text).toHaveLength(40_000),
  'bad-json': ({ headers }, text) => {
    expect(Number(headers.get('content-length'))).toBe(Buffer.byteLength(text));
    expect(body.startsWith(text.slice(0, 20))).toBe(true);
    expect(() => JSON.parse(text) as unknown).toThrow(SyntaxError);
  },
  'wrong-content-type': ({ headers }, text) => {
    expect(headers.get('content-type')).toBe('text/html');
    expect(text).toBe(body);
  },
  'no-content-type': ({ headers }) => expect(headers.get('content-type')).toBeNull(),
  bom: (_answer, text) => expect(text).toBe(body), // fetch takes the mark away; the raw test sees it
  'bad-utf8': (_answer, text) => expect(text).toContain('\ufffd'),
  gzip: (_answer, text) => expect(text).toBe(body),
  'gzip-bomb': (_answer, text) => expect(text).toHaveLength(64 * 1024 * 1024),
  '500-after': ({ status }) => expect(status).toBe(500),
  '504-after': ({ status }) => expect(status).toBe(504),
  'redirect-without-location': ({ status }) => expect(status).toBe(302),
  'unknown-status': ({ status }) => expect(status).toBe(799),
};

/** Kinds that a well-made client must refuse. */
const refusedByFetch: readonly HostileKind[] = ['bad-gzip', 'huge-header'];

describe('hostile answers', () => {
  const start = async () => {
    let runs = 0;
    api = await startFakeApi({ dripMs: 10, hugeBytes: 2 * 1024 * 1024 });
    api.route('GET', '/me', () => {
      runs++;
      return { body };
    });
    return () => runs;
  };

  for (const kind of hostileKinds) {
    it(`plays ${kind} on the wire as it is described, then the path is normal again`, async () => {
      const runs = await start();
      api.script('/me', [kind]);
      const onWire = onTheWire[kind];
      if (onWire !== undefined) onWire(await raw('/me'));
      else if (refusedByFetch.includes(kind)) {
        await expect(fetch(`${api.url}/me`).then((answer) => answer.text())).rejects.toThrow();
      } else {
        const answer = await fetch(`${api.url}/me`, { redirect: 'manual' });
        const text = await answer.text();
        const status = /\d{3}$/.exec(kind)?.[0];
        if (status !== undefined) expect(String(answer.status)).toBe(status);
        if (kind.startsWith('html-') && kind !== 'html-as-json') {
          expect(answer.headers.get('content-type')).toMatch(/^text\/html/);
          expect(text).toMatch(/^<!DOCTYPE html>/);
        }
        asFetched[kind]?.(answer, text);
      }
      expect(runs()).toBe(runsRoute(kind) ? 1 : 0);
      expect(await (await fetch(`${api.url}/me`)).text()).toBe(body);
      expect(api.report()).toMatchObject({ calls: 2, ok: 1, hostile: { [kind]: 1 } });
    });
  }

  it('sends the byte order mark that text readers hide', async () => {
    await start();
    api.script('/me', ['bom']);
    expect([...new Uint8Array(await (await fetch(`${api.url}/me`)).arrayBuffer()).slice(0, 4)]).toEqual([
      239, 187, 191, 123,
    ]);
  });

  it('redirects for ever, and counts the redirects in no call', async () => {
    await start();
    api.script('/me', ['redirect-loop']);
    await expect(fetch(`${api.url}/me`)).rejects.toMatchObject({ cause: { message: 'redirect count exceeded' } });
    expect(api.report().calls).toBe(1);
  });

  it('notices a token that follows a redirect to another host', async () => {
    await start();
    api.script('/me', ['redirect-elsewhere', 'redirect-elsewhere']);
    const headers = { authorization: 'Bearer secret' };
    await (await fetch(`${api.url}/me`, { headers })).text(); // drops it, as the fetch standard says
    expect(api.report().strayAuthorizations).toBe(0);
    const { headers: told } = await fetch(`${api.url}/me`, { headers, redirect: 'manual' });
    await (await fetch(told.get('location') as string, { headers })).text();
    expect(api.report().strayAuthorizations).toBe(1);
  });
});

describe('scripts and chaos', () => {
  const get = (path: string, method = 'GET') => fetch(`${api.url}${path}`, { method }).then(({ status }) => status);

  it('plays the steps of a path in order, on that path and method only, and answers of its own', async () => {
    api = await startFakeApi();
    api.object('/users/:id', () => ({})).object('/other', () => ({}));
    api.route('POST', '/users/:id', () => ({ status: 201 }));
    const script = api.script('GET /users/:id', ['503', { status: 418, body: 'tea' }, 'ok', '429']);
    expect(await get('/users/1', 'POST')).toBe(201);
    expect(await get('/other')).toBe(200);
    expect([await get('/users/1'), await get('/users/2'), await get('/users/3')]).toEqual([503, 418, 200]);
    expect(script.remaining()).toBe(1);
    script.stop();
    expect(await get('/users/1')).toBe(200);
  });

  it('begins again after the last step when it repeats', async () => {
    api = await startFakeApi();
    api.object('/me', () => ({}));
    api.script('/me', ['500', 'ok'], { repeats: true });
    const seen = [await get('/me'), await get('/me'), await get('/me'), await get('/me'), await get('/me')];
    expect(seen).toEqual([500, 200, 500, 200, 500]);
  });

  it('does not use up a step for a call that a limit refused', async () => {
    api = await startFakeApi();
    api.object('/me', () => ({}));
    const limit = api.limit({ name: 'closed', max: 0 });
    const script = api.script('/me', ['500']);
    expect(await get('/me')).toBe(429);
    limit.remove();
    expect(script.remaining()).toBe(1);
    expect(await get('/me')).toBe(500);
  });

  it('fails about the share of calls that was asked for, and the same ones for the same seed', async () => {
    const run = async (seed: number) => {
      api = await startFakeApi();
      api.object('/me', () => ({}));
      const storm = api.chaos({ rate: 0.3, kinds: ['500', '503'], seed });
      const seen: number[] = [];
      for (let i = 0; i < 200; i++) seen.push(await get('/me'));
      storm.stop();
      expect(await get('/me')).toBe(200);
      await api.stop();
      return seen.join(' ');
    };
    const first = await run(7);
    expect(await run(7)).toBe(first);
    expect(await run(8)).not.toBe(first);
    const failed = first.split(' ').filter((status) => status !== '200').length;
    expect(failed).toBeGreaterThan(40);
    expect(failed).toBeLessThan(80);
  });
});

describe('outages', () => {
  const get = () => fetch(`${api.url}/me`, { signal: AbortSignal.timeout(300) }).then(({ status }) => status);

  it('refuses connections during an outage, and listens on the same port afterwards', async () => {
    api = await startFakeApi();
    api.object('/me', () => ({}));
    expect(await get()).toBe(200);
    const outage = api.outage({ kind: 'refuse' });
    await outage.begun;
    const { port } = new URL(api.url);
    const socket = connect(Number(port), '127.0.0.1'); // a fresh one: the pool of fetch may still hold a dead one
    expect(await once(socket, 'connect').catch((error: unknown) => error)).toMatchObject({ code: 'ECONNREFUSED' });
    await outage.end();
    await expect.poll(() => get().catch(() => 0)).toBe(200);
  });

  it('answers 503 to everything during an outage, and ends by itself', async () => {
    api = await startFakeApi();
    api.object('/me', () => ({}));
    const outage = api.outage({ kind: '503', durationMs: 300 });
    expect(await get()).toBe(503);
    await outage.over;
    expect(await get()).toBe(200);
    expect(api.report().hostile).toEqual({ '503': 1 });
  });

  it('begins an outage later when told so', async () => {
    api = await startFakeApi();
    api.object('/me', () => ({}));
    const outage = api.outage({ kind: 'reset', afterMs: 300 });
    expect(await get()).toBe(200);
    await outage.begun;
    await expect(get()).rejects.toThrow('fetch failed');
    await outage.end();
    expect(await get()).toBe(200);
  });

  it('holds all calls while it is paused and answers those that waited when it goes on', async () => {
    api = await startFakeApi();
    api.object('/me', () => ({}));
    api.pause();
    expect(await raw('/me')).toMatchObject({ text: '', end: 'open' });
    await expect.poll(() => api.report().openConnections).toBe(0);
    const waiting = get();
    await expect.poll(() => api.report().openConnections).toBe(1);
    expect(api.report().calls).toBe(0);
    api.resume();
    expect(await waiting).toBe(200);
    expect(api.report().calls).toBe(1); // the caller that hung up was never served
  });
});
