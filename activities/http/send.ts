/**
 * Sends one HTTP request and returns whatever came back as an `Answer`: it never throws for what a third party does.
 * Four clocks interrupt it: connect, headers, silence in the body, and the whole call, which always holds.
 * Next: `activities/bodies/read-body.ts`, then `activities/call/understand.ts` has the rules say what the answer means.
 */
import { request as undiciRequest, type Dispatcher } from 'undici';
import type { ClientCertificate } from '../../contracts/secrets/client-certificate.ts';
import { createBodyBudget, type BodyBudget, type BodyHold } from '../bodies/body-budget.ts';
import { createCallClock } from './call-clock.ts';
import { readBody, type PartialBody } from '../bodies/read-body.ts';
import { createPieceReader, type PieceOptions } from '../bodies/read-pieces.ts';
import { restOfBody, type SentAnswer } from '../bodies/rest-of-body.ts';
import { whyNoFile } from '../files/file-facts.ts';
import { receiveFile, type FileToReceive } from '../files/receive-file.ts';
import { errorOf } from './send-errors.ts';
import { createAgents, type ProxySettings } from './agents.ts';
import { privateHost } from './private-addresses.ts';
import { createHopMemory, type HopMemory } from './redirect.ts';
import { WriteWatch } from './write-watch.ts';

export interface OutgoingRequest {
  readonly method: string;
  readonly url: string;
  readonly headers: Readonly<Record<string, string>>;
  readonly body?: string;
  /** Shown in the handshake; connections with it are of no other one. */
  readonly certificate?: ClientCertificate;
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
   * Asked when there is a connection and the request is about to be written to it. False: it is not, and the answer has
   * the error `permit-over`.
   */
  readonly mayWrite?: () => boolean;
  /** A good answer is read piece by piece; each takes the ceiling of the whole call for itself. */
  readonly pieces?: PieceOptions | undefined;
  /** A good answer is a file, and goes to its sink. */
  readonly file?: FileToReceive | undefined;
}

export interface HttpSender {
  send(request: OutgoingRequest, limits: SendLimits, options?: SendOptions): Promise<SentAnswer>;
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
        const agent = agents.agentFor(limits.connectMs, request.isPublicOnly === true, request.certificate);
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
  { signal: cancelled, hold, mayWrite = () => true, pieces, file }: SendOptions & { readonly hold: BodyHold },
): Promise<SentAnswer> {
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
    if (pieces && status >= 200 && status < 300) {
      const reader = createPieceReader(response.body, headers, { maxBodyBytes, hold, signal }, pieces);
      // Nobody reads on after an error; what the connection says then is not heard.
      const { soFar, ...piece } = await reader.next().catch((error: unknown) => {
        response.body.on('error', () => {}).destroy();
        throw error;
      });
      const answer = { status, headers, ...piece, elapsedMs: elapsedMs() };
      if (!soFar) return answer;
      const rest = restOfBody(
        { status, headers, body: response.body, reader, totalMs: limits.totalMs, cancelled },
        soFar,
      );
      return { ...answer, rest };
    }
    if (file && status >= 200 && status < 300 && whyNoFile(status, headers, file.format.types) === undefined) {
      const row = await receiveFile(response.body, { headers, url: outgoing.url }, file, clock);
      return { status, headers, ...row, isFile: true, elapsedMs: elapsedMs() };
    }
    const body = await readBody(response.body, headers, { maxBodyBytes, hold, signal, clock }, so);
    return { status, headers, ...body, elapsedMs: elapsedMs() };
  } catch (error) {
    const thrown = errorOf(error, {
      isCancelled: cancelled?.aborted === true,
      isTimeOver: clock.isTimeOver(),
      totalMs: limits.totalMs,
      hadHeaders: status > 0,
      isWritten: watch.isWritten,
      hasCertificate: outgoing.certificate !== undefined,
    });
    // Half of a packed body is no text.
    const text = headers['content-encoding'] === undefined ? Buffer.concat(so.chunks).toString('utf8') : '';
    return { status, headers, text, error: thrown, elapsedMs: elapsedMs() };
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
