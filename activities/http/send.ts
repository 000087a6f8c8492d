/**
 * Sends one HTTP request and returns whatever came back as an `Answer`: it never throws for what a third party does.
 * Four clocks interrupt it: connect, headers, silence in the body, and the whole call, which always holds.
 * Next stop: `providers/rules/rules.ts` decides what the answer means.
 */
import { request as undiciRequest, type Dispatcher } from 'undici';
import type { Answer, TransportErrorCode } from '../../contracts/answer.ts';
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

export interface HttpSender {
  /**
   * @param signal ends the call.
   * @param mayWrite asked when there is a connection and the request is about to be written to it; false: it is not, and the answer
   *   has the error `permit-over`.
   */
  send(request: OutgoingRequest, limits: SendLimits, signal?: AbortSignal, mayWrite?: () => boolean): Promise<Answer>;
  /** Where calls go on that were redirected and have to wait for a permit. */
  readonly hops: HopMemory;
  close(): Promise<void>;
}

export interface SenderOptions {
  /** Default: no proxy. */
  readonly proxy?: ProxySettings;
}

/** Node fires a longer timer at once. */
const LONGEST_TIMER_MS = 2 ** 31 - 1;

class BodyTooLarge extends Error {}

/** One sender a process: it keeps connections open. Undici's own retries stay off, retrying is the activity's. */
export function createHttpSender({ proxy }: SenderOptions = {}): HttpSender {
  const agents = createAgents(proxy);
  return {
    send: (request, limits, signal, mayWrite) =>
      send(agents.agentFor(limits.connectMs, request.isPublicOnly === true), request, limits, signal, mayWrite),
    hops: createHopMemory(),
    close: () => agents.close(),
  };
}

async function send(
  dispatcher: Dispatcher,
  outgoing: OutgoingRequest,
  limits: SendLimits,
  cancelled: AbortSignal | undefined,
  mayWrite: () => boolean = () => true,
): Promise<Answer> {
  const startedAt = performance.now();
  const interrupt = interruptOf(limits.totalMs, cancelled);
  const watch = new WriteWatch(mayWrite);
  let status = 0;
  let headers: Record<string, string> = {};
  const chunks: Buffer[] = [];
  const elapsedMs = () => Math.round(performance.now() - startedAt);
  const textSoFar = () => Buffer.concat(chunks).toString('utf8');
  try {
    if (outgoing.isPublicOnly) refusePrivate(outgoing.url);
    const response = await undiciRequest(outgoing.url, {
      dispatcher,
      method: outgoing.method,
      headers: outgoing.headers,
      ...(outgoing.body === undefined ? {} : { body: outgoing.body }),
      headersTimeout: limits.headersMs,
      bodyTimeout: limits.bodyMs,
      signal: interrupt.signal,
      opaque: watch,
    });
    status = response.statusCode;
    headers = flatten(response.headers);
    let bytes = 0;
    for await (const chunk of response.body) {
      bytes += chunk.length;
      if (bytes > limits.maxBodyBytes) throw new BodyTooLarge(`more than ${limits.maxBodyBytes} bytes`);
      chunks.push(chunk);
    }
    return { status, headers, text: textSoFar(), elapsedMs: elapsedMs() };
  } catch (error) {
    const code = cancelled?.aborted
      ? 'cancelled'
      : interrupt.isTimeOver()
        ? 'total-timeout'
        : errorCode(error, status > 0, watch.isWritten);
    const message = code === 'total-timeout' ? `no complete answer within ${limits.totalMs} ms` : messageOf(error);
    const unsent = watch.isWritten ? {} : { isUnsent: true };
    return { status, headers, text: textSoFar(), error: { code, message, ...unsent }, elapsedMs: elapsedMs() };
  } finally {
    interrupt.done();
  }
}

/** Interrupts a call when its time is over or it is cancelled. (A third of the cost of `AbortSignal.any`, at every call.) */
function interruptOf(totalMs: number, cancelled: AbortSignal | undefined) {
  const controller = new AbortController();
  let isTimeOver = false;
  const cancel = (): void => controller.abort(cancelled?.reason);
  const timer = setTimeout(
    () => {
      isTimeOver = true;
      controller.abort(new DOMException('The call took too long.', 'TimeoutError'));
    },
    Math.min(totalMs, LONGEST_TIMER_MS),
  );
  if (cancelled?.aborted) cancel();
  else cancelled?.addEventListener('abort', cancel, { once: true });
  return {
    signal: controller.signal,
    isTimeOver: () => isTimeOver,
    done: () => {
      clearTimeout(timer);
      cancelled?.removeEventListener('abort', cancel);
    },
  };
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
