/**
 * Sends one HTTP request and returns whatever came back as an `Answer`: it never throws for what a third party does.
 * Four clocks interrupt it: connect, headers, silence in the body, and the whole call, which always holds.
 * Next stop: `providers/rules/rules.ts` decides what the answer means.
 */
import { Agent, request as undiciRequest, type Dispatcher } from 'undici';
import { duration } from '../../contracts/duration.ts';
import type { Answer, TransportErrorCode } from '../../contracts/answer.ts';

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
  send(request: OutgoingRequest, limits: SendLimits, signal?: AbortSignal): Promise<Answer>;
  close(): Promise<void>;
}

const MAX_REDIRECTS = 5;
/** Node fires a longer timer at once. */
const LONGEST_TIMER_MS = 2 ** 31 - 1;

class BodyTooLarge extends Error {}

/** One sender a process: it keeps connections open. Undici's own retries stay off, retrying is the activity's. */
export function createHttpSender(): HttpSender {
  // The connect timeout belongs to the agent, all others to the request.
  const agents = new Map<number, Agent>();
  const agentFor = (connectMs: number): Agent => {
    const agent = agents.get(connectMs) ?? new Agent({ connect: { timeout: connectMs }, keepAliveTimeout: 10_000 });
    agents.set(connectMs, agent);
    return agent;
  };
  return {
    send: (request, limits, signal) => send(agentFor(limits.connectMs), request, limits, signal),
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
): Promise<Answer> {
  const startedAt = performance.now();
  const interrupt = interruptOf(limits.totalMs, cancelled);
  let status = 0;
  let headers: Record<string, string> = {};
  const chunks: Buffer[] = [];
  const elapsedMs = () => Math.round(performance.now() - startedAt);
  const textSoFar = () => Buffer.concat(chunks).toString('utf8');
  try {
    const response = await follow(outgoing, (url) =>
      undiciRequest(url, {
        dispatcher,
        method: outgoing.method,
        headers: outgoing.headers,
        ...(outgoing.body === undefined ? {} : { body: outgoing.body }),
        headersTimeout: limits.headersMs,
        bodyTimeout: limits.bodyMs,
        signal: interrupt.signal,
      }),
    );
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
        : errorCode(error, status > 0);
    const message =
      code === 'total-timeout' ? `no complete answer within ${duration(limits.totalMs)}` : messageOf(error);
    return { status, headers, text: textSoFar(), error: { code, message }, elapsedMs: elapsedMs() };
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
