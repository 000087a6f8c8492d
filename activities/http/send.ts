/**
 * Sends one HTTP request and returns whatever came back as an `Answer`: it never throws for what a third party does.
 * Four clocks interrupt it: connect, headers, silence in the body, and the whole call, which always holds.
 * Next stop: `read-body.ts`, then `providers/rules/rules.ts` decides what the answer means.
 */
import { Agent, request as undiciRequest, type Dispatcher } from 'undici';
import { duration } from '../../contracts/duration.ts';
import type { Answer, TransportErrorCode } from '../../contracts/answer.ts';
import { createBodyBudget, type BodyBudget, type BodyHold } from './body-budget.ts';
import { createCallClock } from './call-clock.ts';
import { BodyTooLarge, BodyUnreadable, readBody, type PartialBody } from './read-body.ts';

export interface OutgoingRequest {
  readonly method: string;
  readonly url: string;
  readonly headers: Readonly<Record<string, string>>;
  readonly body?: string;
}

export interface SendLimits {
  readonly connectMs: number;
  readonly headersMs: number;
  readonly bodyMs: number;
  readonly totalMs: number;
  readonly maxBodyBytes: number;
}

export interface HttpSender {
  /**
   * @param hold keeps what the body takes of the memory for bodies until it is released. Default: until the answer is there.
   */
  send(request: OutgoingRequest, limits: SendLimits, signal?: AbortSignal, hold?: BodyHold): Promise<Answer>;
  /** Memory that the bodies of all calls share. */
  readonly bodies: BodyBudget;
  close(): Promise<void>;
}

export interface SenderOptions {
  /** Memory for bodies of more than 256 KiB, of all calls together, in bytes. Default 128 MiB. */
  readonly bodyBudgetBytes?: number;
}

const MAX_REDIRECTS = 5;

/** One sender a process: it keeps connections open. Undici's own retries stay off, retrying is the activity's. */
export function createHttpSender({ bodyBudgetBytes }: SenderOptions = {}): HttpSender {
  const bodies = createBodyBudget(bodyBudgetBytes);
  // The connect timeout belongs to the agent, all others to the request.
  const agents = new Map<number, Agent>();
  const agentFor = (connectMs: number): Agent => {
    const agent = agents.get(connectMs) ?? new Agent({ connect: { timeout: connectMs }, keepAliveTimeout: 10_000 });
    agents.set(connectMs, agent);
    return agent;
  };
  return {
    bodies,
    send: async (request, limits, signal, kept) => {
      const hold = kept ?? bodies.hold();
      try {
        return await send(agentFor(limits.connectMs), request, limits, signal, hold);
      } finally {
        if (!kept) hold.release();
      }
    },
    close: async () => {
      await Promise.all([...agents.values()].map((agent) => agent.destroy()));
    },
  };
}

async function send(
  dispatcher: Dispatcher,
  outgoing: OutgoingRequest,
  limits: SendLimits,
  cancelled: AbortSignal | undefined,
  hold: BodyHold,
): Promise<Answer> {
  const startedAt = performance.now();
  const clock = createCallClock(limits.totalMs, cancelled);
  const { signal } = clock;
  let status = 0;
  let headers: Record<string, string> = {};
  const so: PartialBody = { chunks: [] };
  const elapsedMs = () => Math.round(performance.now() - startedAt);
  try {
    const response = await follow(outgoing, (url) =>
      undiciRequest(url, {
        dispatcher,
        method: outgoing.method,
        headers: outgoing.headers,
        ...(outgoing.body === undefined ? {} : { body: outgoing.body }),
        headersTimeout: limits.headersMs,
        bodyTimeout: limits.bodyMs,
        signal,
      }),
    );
    status = response.statusCode;
    headers = flatten(response.headers);
    const { maxBodyBytes } = limits;
    const body = await readBody(response.body, headers, { maxBodyBytes, hold, signal, clock }, so);
    return { status, headers, ...body, elapsedMs: elapsedMs() };
  } catch (error) {
    const code = cancelled?.aborted ? 'cancelled' : clock.isTimeOver() ? 'total-timeout' : errorCode(error, status > 0);
    const message =
      code === 'total-timeout' ? `no complete answer within ${duration(limits.totalMs)}` : messageOf(error);
    // Half of a packed body is no text.
    const text = headers['content-encoding'] === undefined ? Buffer.concat(so.chunks).toString('utf8') : '';
    return { status, headers, text, error: { code, message }, elapsedMs: elapsedMs() };
  } finally {
    clock.done();
  }
}

/** Follows redirects of reads inside one origin; any other redirect is the answer, so that no secret leaves the origin. */
async function follow(
  outgoing: OutgoingRequest,
  go: (url: string) => Promise<Dispatcher.ResponseData>,
): Promise<Dispatcher.ResponseData> {
  let url = outgoing.url;
  for (let hop = 0; ; hop++) {
    const response = await go(url);
    const { location } = response.headers;
    const isRedirect = response.statusCode >= 300 && response.statusCode < 400 && typeof location === 'string';
    if (!isRedirect || outgoing.method !== 'GET' || hop >= MAX_REDIRECTS) return response;
    // An address that can't be read is no place to go to: the redirect is the answer.
    if (!URL.canParse(location, url)) return response;
    const target = new URL(location, url);
    if (target.origin !== new URL(outgoing.url).origin) return response;
    await response.body.dump();
    url = target.href;
  }
}

function flatten(headers: Record<string, string | string[] | undefined>): Record<string, string> {
  const flat: Record<string, string> = {};
  for (const [name, value] of Object.entries(headers)) {
    if (value !== undefined) flat[name.toLowerCase()] = Array.isArray(value) ? value.join(', ') : value;
  }
  return flat;
}

function errorCode(error: unknown, hadHeaders: boolean): TransportErrorCode {
  if (error instanceof BodyTooLarge) return 'body-too-large';
  if (error instanceof BodyUnreadable) return 'unreadable-body';
  const code = codeOf(error);
  if (code === 'UND_ERR_CONNECT_TIMEOUT') return 'connect-timeout';
  if (code === 'UND_ERR_HEADERS_TIMEOUT') return 'headers-timeout';
  if (code === 'UND_ERR_BODY_TIMEOUT') return 'body-timeout';
  if (code === 'ENOTFOUND' || code === 'EAI_AGAIN') return 'dns';
  if (code === 'ECONNREFUSED') return 'connection-refused';
  if (/^(ERR_TLS|CERT_|DEPTH_ZERO|SELF_SIGNED|UNABLE_TO_|ERR_SSL|EPROTO)/.test(code)) return 'tls';
  if (hadHeaders) return 'truncated-body';
  if (code === 'ECONNRESET' || code === 'UND_ERR_SOCKET' || code === 'EPIPE') return 'connection-reset';
  return 'other';
}

function codeOf(error: unknown): string {
  for (let current: unknown = error; current instanceof Error; current = current.cause) {
    const code = (current as NodeJS.ErrnoException).code;
    if (typeof code === 'string') return code;
  }
  return '';
}

function messageOf(error: unknown): string {
  return error instanceof Error ? error.message : String(error);
}
