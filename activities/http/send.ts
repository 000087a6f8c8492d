/**
 * Sends one HTTP request and returns whatever came back as an `Answer`: it never throws for what a third party does.
 * Four clocks interrupt it: connect, headers, silence in the body, and the whole call, which always holds.
 * Next: `read-body.ts`, then `providers/rules/rules.ts` decides what the answer means.
 */
import { request as undiciRequest, type Dispatcher } from 'undici';
import { duration } from '../../contracts/values/duration.ts';
import type { Answer, TransportErrorCode } from '../../contracts/answers/answer.ts';
import { createBodyBudget, type BodyBudget, type BodyHold } from './body-budget.ts';
import { createCallClock } from './call-clock.ts';
import { BodyTooLarge, BodyUnreadable, readBody, type PartialBody } from './read-body.ts';
import { createAgents, type ProxySettings } from './agents.ts';
import { PRIVATE_ADDRESS, privateHost } from './private-addresses.ts';
import { createHopMemory, type HopMemory } from './redirect.ts';
import { NotWritten, WriteWatch } from './write-watch.ts';

export interface OutgoingRequest {
  readonly method: string;
  readonly url: string;
  readonly headers: Readonly<Record<string, string>>;
  readonly body?: string;
  /** Its address comes from an account or an answer: it must not lead into our own network. */
  readonly isPublicOnly?: boolean;
}

export interface SendLimits {
  readonly connectMs: number;
  readonly headersMs: number;
  readonly bodyMs: number;
  readonly totalMs: number;
  readonly maxBodyBytes: number;
}

/** What one call may bring along. */
export interface SendOptions {
  /** Ends the call. */
  readonly signal?: AbortSignal | undefined;
  /** Keeps what the body takes of the memory for bodies until it is released. Default: until the answer is there. */
  readonly hold?: BodyHold | undefined;
  /**
   * Asked when there is a connection and the request is about to be written to it; false: it is not, and the answer has the error
   * `permit-over`.
   */
  readonly mayWrite?: () => boolean;
}

export interface HttpSender {
  send(request: OutgoingRequest, limits: SendLimits, options?: SendOptions): Promise<Answer>;
  /** Memory that the bodies of all calls share. */
  readonly bodies: BodyBudget;
  /** Where calls go on that were redirected and have to wait for a permit. */
  readonly hops: HopMemory;
  close(): Promise<void>;
}

export interface SenderOptions {
  /** Memory for bodies of more than 256 KiB, of all calls together, in bytes. Default 128 MiB. */
  readonly bodyBudgetBytes?: number;
  /** Default: no proxy. */
  readonly proxy?: ProxySettings;
}

/** One sender a process: it keeps connections open. Undici's own retries stay off, retrying is the activity's. */
export function createHttpSender({ bodyBudgetBytes, proxy }: SenderOptions = {}): HttpSender {
  const bodies = createBodyBudget(bodyBudgetBytes);
  const agents = createAgents(proxy);
  return {
    bodies,
    hops: createHopMemory(),
    send: async (request, limits, options = {}) => {
      const hold = options.hold ?? bodies.hold();
      try {
        const agent = agents.agentFor(limits.connectMs, request.isPublicOnly === true);
        return await send(agent, request, limits, { ...options, hold });
      } finally {
        if (!options.hold) hold.release();
      }
    },
    close: () => agents.close(),
  };
}

async function send(
  dispatcher: Dispatcher,
  outgoing: OutgoingRequest,
  limits: SendLimits,
  { signal: cancelled, hold, mayWrite = () => true }: SendOptions & { readonly hold: BodyHold },
): Promise<Answer> {
  const startedAt = performance.now();
  const clock = createCallClock(limits.totalMs, cancelled);
  const { signal } = clock;
  const watch = new WriteWatch(mayWrite);
  let status = 0;
  let headers: Record<string, string> = {};
  const so: PartialBody = { chunks: [] };
  const elapsedMs = () => Math.round(performance.now() - startedAt);
  try {
    if (outgoing.isPublicOnly) refusePrivate(outgoing.url);
    const response = await undiciRequest(outgoing.url, {
      dispatcher,
      method: outgoing.method,
      headers: outgoing.headers,
      ...(outgoing.body === undefined ? {} : { body: outgoing.body }),
      headersTimeout: limits.headersMs,
      bodyTimeout: limits.bodyMs,
      signal,
      opaque: watch,
    });
    status = response.statusCode;
    headers = flatten(response.headers);
    const { maxBodyBytes } = limits;
    const body = await readBody(response.body, headers, { maxBodyBytes, hold, signal, clock }, so);
    return { status, headers, ...body, elapsedMs: elapsedMs() };
  } catch (error) {
    const code = cancelled?.aborted
      ? 'cancelled'
      : clock.isTimeOver()
        ? 'total-timeout'
        : errorCode(error, status > 0, watch.isWritten);
    const message =
      code === 'total-timeout' ? `no complete answer within ${duration(limits.totalMs)}` : messageOf(error);
    // Half of a packed body is no text.
    const text = headers['content-encoding'] === undefined ? Buffer.concat(so.chunks).toString('utf8') : '';
    const unsent = watch.isWritten ? {} : { isUnsent: true };
    return { status, headers, text, error: { code, message, ...unsent }, elapsedMs: elapsedMs() };
  } finally {
    clock.done();
  }
}

function refusePrivate(url: string): void {
  const refused = privateHost(new URL(url).hostname);
  if (refused !== undefined) throw refused;
}

function flatten(headers: Record<string, string | string[] | undefined>): Record<string, string> {
  const flat: Record<string, string> = {};
  for (const [name, value] of Object.entries(headers)) {
    if (value !== undefined) flat[name.toLowerCase()] = Array.isArray(value) ? value.join(', ') : value;
  }
  return flat;
}

function errorCode(error: unknown, hadHeaders: boolean, isWritten: boolean): TransportErrorCode {
  if (error instanceof BodyTooLarge) return 'body-too-large';
  if (error instanceof BodyUnreadable) return 'unreadable-body';
  if (error instanceof NotWritten) return 'permit-over';
  const code = codeOf(error);
  if (code === 'UND_ERR_CONNECT_TIMEOUT') return 'connect-timeout';
  if (code === 'UND_ERR_HEADERS_TIMEOUT') return 'headers-timeout';
  if (code === 'UND_ERR_BODY_TIMEOUT') return 'body-timeout';
  if (code === 'ENOTFOUND' || code === 'EAI_AGAIN') return 'dns';
  if (code === 'ECONNREFUSED') return 'connection-refused';
  // Later than in the handshake it is a connection that broke.
  if (/^(ERR_TLS|CERT_|DEPTH_ZERO|SELF_SIGNED|UNABLE_TO_|ERR_SSL|EPROTO)/.test(code) && !isWritten) return 'tls';
  if (code === PRIVATE_ADDRESS) return 'private-address';
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
