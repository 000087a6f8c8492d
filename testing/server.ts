/**
 * The server of the fake third party: a real HTTP listener on loopback, and the way of one call through it:
 * pause and outage → limits → scripted or random failure → token → route → answer.
 * Next stop: `fake-api.ts` puts the public face on it; each step has a file of its own name.
 */
import { once } from 'node:events';
import type { IncomingMessage, ServerResponse } from 'node:http';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { performance } from 'node:perf_hooks';
import { setTimeout as delay } from 'node:timers/promises';
import type { FakeAnswer, WireAnswer } from './answer.ts';
import { sendWire, toWire } from './answer.ts';
import type { FakeCall } from './call.ts';
import { bearerToken, callerAddress, parseBody, readText } from './call.ts';
import { playHostile } from './hostile.ts';
import { createLimits } from './limits.ts';
import { createOutages } from './outages.ts';
import { drawMs, seededRandom } from './random.ts';
import type { Books, CallEntry } from './report.ts';
import { createBooks } from './report.ts';
import type { FoundRoute, Routes } from './routes.ts';
import { createRoutes } from './routes.ts';
import { createScripts } from './scripts.ts';

export interface FakeApiOptions {
  /** Of everything random in this server. Default 1. */
  readonly seed?: number;
  /**
   * Network time of a call in milliseconds, fixed or a range drawn evenly: one half passes before the call is counted,
   * one half before the answer leaves. Default 0.
   */
  readonly latencyMs?: number | readonly [min: number, max: number];
  /** Port on 127.0.0.1. Default 0: a free one. */
  readonly port?: number;
  /** The server's clock is ahead by this much in the `Date` header and in reset times. Default 0. */
  readonly clockSkewMs?: number;
  /** Pause between two pieces of slow hostile answers. Default 50. */
  readonly dripMs?: number;
  /** Size of `huge-body`. Default 256 MiB. */
  readonly hugeBytes?: number;
}

/** Decides whether a token lets the call pass; its answer is given when not. */
export interface TokenGuard {
  accountOf(token: string | undefined): string | undefined;
  refuse(call: FakeCall): FakeAnswer | undefined;
}

/** One running server, before the public face. */
export async function startServer(options: FakeApiOptions) {
  const startedAt = performance.now();
  const startedAtIso = new Date().toISOString();
  const now = () => performance.now() - startedAt;
  const wallClock = () => Date.now() + (options.clockSkewMs ?? 0);
  const random = seededRandom(options.seed ?? 1);
  const stopping = new AbortController();
  const books: Books = createBooks();
  const routes: Routes = createRoutes();
  const limits = createLimits(now, wallClock, (violation) => books.violated(violation));
  const scripts = createScripts(options.seed ?? 1);
  let tokens: TokenGuard | undefined;
  let calls = 0;
  let port = options.port ?? 0;
  const base = () => `http://127.0.0.1:${port}`;

  const latency = () => (options.latencyMs === undefined ? 0 : drawMs(random, options.latencyMs) / 2);
  const travel = (ms: number) => delay(ms, undefined, { ref: false });

  const readCall = (request: IncomingMessage, text: string): FakeCall => {
    const target = request.url ?? '/';
    const queryAt = target.indexOf('?');
    const token = bearerToken(request.headers);
    return {
      number: ++calls,
      at: now(),
      method: request.method ?? 'GET',
      path: queryAt < 0 ? target : target.slice(0, queryAt),
      query: new URLSearchParams(queryAt < 0 ? '' : target.slice(queryAt + 1)),
      headers: request.headers,
      token,
      ip: callerAddress(request),
      account: tokens?.accountOf(token),
      text,
      body: parseBody(text, request.headers['content-type']),
    };
  };

  const runRoute = (call: FakeCall, found: FoundRoute | undefined): FakeAnswer | Promise<FakeAnswer> => {
    if (found !== undefined) return found.route.answer(call, found.params);
    if (routes.knows(call.path)) return { status: 405, body: { error: 'method_not_allowed' } };
    return { status: 404, body: { error: 'no_such_route' } };
  };

  /** The way of one call. */
  const handle = async (request: IncomingMessage, response: ServerResponse): Promise<void> => {
    const gate = outages.gate();
    if (gate !== undefined) await gate;
    const wayMs = latency();
    if (wayMs > 0) await travel(wayMs);
    const text = await readText(request);
    if (response.destroyed) return; // hung up on the way: never arrived
    if (request.url?.startsWith('/.fake/') === true) return playRedirect(request, response);

    const call = readCall(request, text);
    const found = routes.find(call.method, call.path);
    const entry = books.arrived(call, found && `${call.method} ${found.route.pattern}`, positionOf(call, found));
    response.once('close', () => entry.left());
    const outage = outages.current();
    if (outage !== undefined) {
      books.played(outage);
      return finish(entry, await playHostile(outage, stageOf(request, response, {}, noAnswer)));
    }
    const verdict = limits.judge(call);
    response.once('close', () => verdict.release());
    await answerCall(request, response, { call, found, entry, verdict, wayMs });
  };

  interface Arrival {
    readonly call: FakeCall;
    readonly found: FoundRoute | undefined;
    readonly entry: CallEntry;
    readonly verdict: ReturnType<typeof limits.judge>;
    readonly wayMs: number;
  }

  const answerCall = async (request: IncomingMessage, response: ServerResponse, arrival: Arrival): Promise<void> => {
    const { call, found, entry, verdict, wayMs } = arrival;
    const extra = { ...verdict.headers, ...(options.clockSkewMs && { date: new Date(wallClock()).toUTCString() }) };
    const send = async (
      answer: FakeAnswer,
      end: { isRefused?: boolean; isUnauthorized?: boolean; isOwn?: boolean },
    ) => {
      const wire = toWire(answer, extra);
      if (wayMs > 0) await travel(wayMs);
      if (response.destroyed) return;
      const isGood = wire.status < 300 && end.isOwn === true;
      entry.ended({ ...end, label: String(wire.status), isOk: isGood });
      sendWire(response, wire);
    };

    if (verdict.refusal !== undefined) return send(verdict.refusal, { isRefused: true });
    const step = scripts.next(call);
    if (typeof step === 'object') {
      books.played(String(step.status ?? 200));
      if (step.delayMs !== undefined) await travel(step.delayMs);
      return send(step, {});
    }
    const denied = found?.route.isPublic === true ? undefined : tokens?.refuse(call);
    if (step !== 'ok') {
      const real = async () => toWire(denied ?? (await runRoute(call, found)), extra);
      if (wayMs > 0) await travel(wayMs);
      books.played(step);
      return finish(entry, await playHostile(step, stageOf(request, response, extra, real)));
    }
    if (denied !== undefined) return send(denied, { isUnauthorized: true });
    const answer = runRoute(call, found);
    return send(answer instanceof Promise ? await answer : answer, { isOwn: found !== undefined });
  };

  const stageOf = (
    request: IncomingMessage,
    response: ServerResponse,
    extra: Readonly<Record<string, string>>,
    real: () => Promise<WireAnswer>,
  ) => {
    const { dripMs = 50, hugeBytes = 256 * 1024 * 1024 } = options;
    return { request, response, base: base(), dripMs, hugeBytes, extra, real };
  };

  const playRedirect = (request: IncomingMessage, response: ServerResponse): void => {
    const step = /^\/\.fake\/loop\/(\d+)/.exec(request.url ?? '')?.[1];
    if (step !== undefined) {
      response.writeHead(302, { location: `${base()}/.fake/loop/${Number(step) + 1}` }).end();
      return;
    }
    if (request.headers.authorization !== undefined) books.strayAuthorization();
    sendWire(response, toWire({ body: { elsewhere: true } }));
  };

  const server = createServer({ keepAlive: true, noDelay: true }, (request, response) => {
    handle(request, response).catch((error: unknown) => {
      // A callback of the test threw, or the caller hung up while sending: the caller sees a 500 that says so.
      if (response.headersSent || response.destroyed) {
        response.destroy();
        return;
      }
      const message = error instanceof Error ? (error.stack ?? error.message) : String(error);
      sendWire(response, toWire({ status: 500, body: { error: 'fake_api_failed', message } }));
    });
  });
  // Nothing here gives up by itself: a caller that is slow or silent is the caller's business.
  Object.assign(server, { keepAliveTimeout: 0, requestTimeout: 0, headersTimeout: 0, timeout: 0 });
  server.on('connection', books.connected);

  const listen = async () => {
    server.listen(port, '127.0.0.1');
    await once(server, 'listening');
    port = (server.address() as AddressInfo).port;
  };
  const close = async () => {
    if (!server.listening) return;
    const closed = once(server, 'close');
    server.close();
    server.closeAllConnections();
    await closed;
  };
  const outages = createOutages({ close, reopen: listen }, stopping.signal);
  await listen();

  return {
    base,
    now,
    startedAtIso,
    books,
    routes,
    limits,
    scripts,
    outages,
    guardTokens(guard: TokenGuard): void {
      tokens = guard;
    },
    /** Closes everything; settles when no socket is left. */
    async stop(): Promise<void> {
      stopping.abort();
      outages.resume();
      await close();
    },
  };
}

function finish(entry: CallEntry, label: string): void {
  entry.ended({ label });
}

function positionOf(call: FakeCall, found: FoundRoute | undefined): string {
  return found?.route.position?.(call) ?? call.query.toString();
}

function noAnswer(): Promise<WireAnswer> {
  return Promise.reject(new TypeError('an outage has no answer of a route'));
}
