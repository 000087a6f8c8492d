/**
 * The way of one call through the fake third party:
 * pause → count → outage → limits → scripted or random failure → token → route → answer.
 * Next: each step has a file of its own name; `report.ts` has counted the call when it ends.
 */
import type { IncomingMessage, ServerResponse } from 'node:http';
import { setTimeout as delay } from 'node:timers/promises';
import type { FakeAnswer, WireAnswer } from './answer.ts';
import { sendStream, sendWire, toWire } from './answer.ts';
import type { FakeCall } from './call.ts';
import { bearerToken, callerAddress, parseBody, readText } from './call.ts';
import { playHostile } from '../faults/hostile.ts';
import type { Limits, LimitVerdict } from './limits/limits.ts';
import type { Outages } from '../faults/outages.ts';
import type { Random } from './random.ts';
import { drawMs } from './random.ts';
import type { Books, CallEntry, CallEnd } from './report.ts';
import type { FoundRoute, Routes } from './routes.ts';
import type { Scripts } from '../faults/scripts.ts';
import type { FakeApiOptions } from './server.ts';

/** Decides whether a token lets a call pass. */
export interface TokenGuard {
  accountOf(token: string | undefined): string | undefined;
  /** The answer for a call that may not pass. */
  refuse(call: FakeCall): FakeAnswer | undefined;
}

/** What a call meets on its way. */
export interface CallParts {
  readonly options: FakeApiOptions;
  readonly base: () => string;
  readonly now: () => number;
  /** The time of day as this server believes it, in milliseconds. */
  readonly wallClock: () => number;
  readonly random: Random;
  readonly books: Books;
  readonly routes: Routes;
  readonly limits: Limits;
  readonly scripts: Scripts;
  readonly outages: Outages;
  readonly tokens: () => TokenGuard | undefined;
}

/** One call that was let in or refused by the limits, and what is needed to answer it. */
interface Arrival {
  readonly request: IncomingMessage;
  readonly response: ServerResponse;
  readonly call: FakeCall;
  readonly found: FoundRoute | undefined;
  readonly entry: CallEntry;
  readonly verdict: LimitVerdict;
  /** Network time back to the caller. */
  readonly wayMs: number;
}

/** Handles requests one by one. Never rejects: what a callback of the test throws becomes a 500 that says so. */
export function createCallHandler(parts: CallParts) {
  const { options, books, routes, limits, scripts, outages } = parts;
  let calls = 0;

  const readCall = (request: IncomingMessage, text: string): FakeCall => {
    const target = request.url ?? '/';
    const queryAt = target.indexOf('?');
    const token = bearerToken(request.headers);
    return {
      number: ++calls,
      at: parts.now(),
      method: request.method ?? 'GET',
      path: queryAt < 0 ? target : target.slice(0, queryAt),
      query: new URLSearchParams(queryAt < 0 ? '' : target.slice(queryAt + 1)),
      headers: request.headers,
      token,
      ip: callerAddress(request),
      account: parts.tokens()?.accountOf(token),
      text,
      body: parseBody(text, request.headers['content-type']),
    };
  };

  const handle = async (request: IncomingMessage, response: ServerResponse): Promise<void> => {
    const gate = outages.gate();
    if (gate !== undefined) await gate;
    const wayMs = options.latencyMs === undefined ? 0 : drawMs(parts.random, options.latencyMs) / 2;
    if (wayMs > 0) await travel(wayMs);
    const text = await readText(request);
    if (response.destroyed) return; // hung up on the way: never arrived
    if (request.url?.startsWith('/.fake/') === true) return playRedirect(request, response);

    const call = readCall(request, text);
    const found = routes.find(call.method, call.path);
    const route = found && `${call.method} ${found.route.pattern}`;
    const entry = books.arrived(call, route, found?.route.position?.(call) ?? call.query.toString());
    response.once('close', () => entry.left());
    const outage = outages.current();
    if (outage !== undefined) {
      books.played(outage);
      const label = await playHostile(outage, { ...stageOf(request, response), extra: {}, real: noAnswer });
      return entry.ended({ label });
    }
    const verdict = limits.judge(call);
    response.once('close', () => verdict.release(response.statusCode));
    await answer({ request, response, call, found, entry, verdict, wayMs });
  };

  /** The route's answer, or whatever comes in its place. */
  const answer = async (arrival: Arrival): Promise<void> => {
    const { request, response, call, found, entry, verdict, wayMs } = arrival;
    if (verdict.refusal !== undefined) return send(arrival, verdict.refusal, { isRefused: true });
    const step = scripts.next(call);
    if (typeof step === 'object') {
      books.played(String(step.status ?? 200));
      if (step.delayMs !== undefined) await travel(step.delayMs);
      return send(arrival, step, {});
    }
    const denied = found?.route.isPublic === true ? undefined : parts.tokens()?.refuse(call);
    if (step !== 'ok') {
      const real = async () => toWire(denied ?? (await runRoute(call, found)), verdict.headers);
      if (wayMs > 0) await travel(wayMs);
      books.played(step);
      const label = await playHostile(step, { ...stageOf(request, response), extra: verdict.headers, real });
      return entry.ended({ label });
    }
    if (denied !== undefined) return send(arrival, denied, { isUnauthorized: true });
    const given = runRoute(call, found);
    return send(arrival, given instanceof Promise ? await given : given, { isOk: found !== undefined });
  };

  const send = async (arrival: Arrival, given: FakeAnswer, end: Omit<CallEnd, 'label'>): Promise<void> => {
    const { response, entry, verdict, wayMs } = arrival;
    const date = options.clockSkewMs && { date: new Date(parts.wallClock()).toUTCString() };
    const wire = toWire(given, { ...verdict.headers, ...date });
    if (wayMs > 0) await travel(wayMs);
    if (response.destroyed) return; // hung up meanwhile: the books say so
    entry.ended({ ...end, label: String(wire.status), isOk: end.isOk === true && wire.status < 300 });
    if (given.stream) await sendStream(response, wire, { stream: given.stream, framing: given.framing });
    else sendWire(response, wire);
  };

  const runRoute = (call: FakeCall, found: FoundRoute | undefined): FakeAnswer | Promise<FakeAnswer> => {
    if (found !== undefined) return found.route.answer(call, found.params);
    if (routes.knows(call.path)) return { status: 405, body: { error: 'method_not_allowed' } };
    return { status: 404, body: { error: 'no_such_route' } };
  };

  const stageOf = (request: IncomingMessage, response: ServerResponse) => {
    const { dripMs = 50, hugeBytes = 256 * 1024 * 1024 } = options;
    return { request, response, base: parts.base(), dripMs, hugeBytes };
  };

  /** Where the redirects of hostile answers lead; not a call of the API, so in no count. */
  const playRedirect = (request: IncomingMessage, response: ServerResponse): void => {
    const step = /^\/\.fake\/loop\/(\d+)/.exec(request.url ?? '')?.[1];
    if (step !== undefined) {
      response.writeHead(302, { location: `${parts.base()}/.fake/loop/${Number(step) + 1}` }).end();
      return;
    }
    if (request.headers.authorization !== undefined) books.strayAuthorization();
    sendWire(response, toWire({ body: { elsewhere: true } }));
  };

  return (request: IncomingMessage, response: ServerResponse): void => {
    handle(request, response).catch((error: unknown) => {
      if (response.headersSent || response.destroyed) {
        response.destroy(); // most often the caller hung up while its body was read
        return;
      }
      const message = error instanceof Error ? (error.stack ?? error.message) : String(error);
      sendWire(response, toWire({ status: 500, body: { error: 'fake_api_failed', message } }));
    });
  };
}

function travel(ms: number): Promise<void> {
  return delay(ms, undefined, { ref: false });
}

function noAnswer(): Promise<WireAnswer> {
  return Promise.reject(new TypeError('an outage has no answer of a route'));
}
