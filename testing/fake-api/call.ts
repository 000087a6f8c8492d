/**
 * One call as the third party sees it. Made from the raw request by `server.ts`, read by routes, limits and reports.
 * Next: `limits/limits.ts` decides whether it is let in.
 */
import type { IncomingHttpHeaders, IncomingMessage } from 'node:http';

export interface FakeCall {
  /** 1 for the first call of this server, counting all of them. */
  readonly number: number;
  /** When it was counted: milliseconds since the server started, on the server's monotonic clock. */
  readonly at: number;
  readonly method: string;
  /** The path without the query, as it was sent. */
  readonly path: string;
  readonly query: URLSearchParams;
  readonly headers: IncomingHttpHeaders;
  /** The bearer token, if one was sent. */
  readonly token: string | undefined;
  /** First address of `X-Forwarded-For`, else the socket's: stands for the caller's egress address. */
  readonly ip: string;
  /** The account that the token was issued to, when the server has `oauth` and knows the token (expired ones too). */
  readonly account: string | undefined;
  /** The body as text; empty when there is none. */
  readonly text: string;
  /** The body parsed as JSON or as a form, by its content type; undefined when there is none or it is broken. */
  readonly body: unknown;
}

const maxRequestBytes = 16 * 1024 * 1024;

/** Reads a request's body; answers the empty string at once for calls that carry none. */
export async function readText(request: IncomingMessage): Promise<string> {
  const { headers } = request;
  if (headers['content-length'] === undefined && headers['transfer-encoding'] === undefined) return '';
  const chunks: Buffer[] = [];
  let bytes = 0;
  for await (const chunk of request as AsyncIterable<Buffer>) {
    bytes += chunk.length;
    if (bytes > maxRequestBytes) throw new RangeError(`request body: more than ${maxRequestBytes} bytes`);
    chunks.push(chunk);
  }
  return Buffer.concat(chunks).toString('utf8');
}

/** Parses a body by its content type: a form becomes an object of strings, anything else is tried as JSON. */
export function parseBody(text: string, contentType: string | undefined): unknown {
  if (text === '') return undefined;
  if (contentType?.includes('application/x-www-form-urlencoded') === true) {
    return Object.fromEntries(new URLSearchParams(text));
  }
  try {
    return JSON.parse(text) as unknown;
  } catch {
    return undefined; // `text` still has it; a route that needs JSON answers 400 by itself
  }
}

/** The token of an `Authorization: Bearer …` header. */
export function bearerToken(headers: IncomingHttpHeaders): string | undefined {
  const value = headers.authorization;
  return value !== undefined && /^bearer /i.test(value) ? value.slice(7).trim() : undefined;
}

/** The caller's address: the first of `X-Forwarded-For`, else the socket's. */
export function callerAddress(request: IncomingMessage): string {
  const forwarded = request.headers['x-forwarded-for'];
  if (typeof forwarded === 'string') return (forwarded.split(',', 1)[0] as string).trim();
  return request.socket.remoteAddress ?? 'unknown';
}
