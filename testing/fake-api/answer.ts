/**
 * One answer as a route gives it, and how it is put on the wire when nothing is hostile.
 * Next: `testing/faults/hostile.ts` breaks it on purpose; `report.ts` has already counted it.
 */
import type { ServerResponse } from 'node:http';
import { pipeline } from 'node:stream/promises';

export interface FakeAnswer {
  /** Default 200. */
  readonly status?: number;
  /** Lower-case names. `content-type` is JSON unless given; `content-length` is computed. */
  readonly headers?: Readonly<Record<string, string | readonly string[]>>;
  /** Text and bytes are sent as they are; anything else as JSON; undefined is an empty body. */
  readonly body?: unknown;
  /** Sent instead of `body`, as it comes; when it throws, the connection breaks there. Scripts and chaos that need a body see none. */
  readonly stream?: AsyncIterable<Buffer>;
  /**
   * Of a stream: its length as it is told, true or not; `untold`: the connection ends where it ends. Default `chunked`.
   */
  readonly framing?: number | 'chunked' | 'untold';
}

/** An answer ready for the wire. */
export interface WireAnswer {
  readonly status: number;
  readonly headers: Record<string, string | string[]>;
  readonly bytes: Buffer;
}

/** Turns an answer into bytes and headers; `extra` headers (limits, date) are added. */
export function toWire(answer: FakeAnswer, extra?: Readonly<Record<string, string>>): WireAnswer {
  const bytes = toBytes(answer.body);
  const headers: Record<string, string | string[]> = { 'content-type': 'application/json', ...extra };
  for (const [name, value] of Object.entries(answer.headers ?? {})) {
    headers[name] = typeof value === 'string' ? value : [...value];
  }
  headers['content-length'] = String(bytes.length);
  return { status: answer.status ?? 200, headers, bytes };
}

/** Sends an answer whole. */
export function sendWire(response: ServerResponse, wire: WireAnswer): void {
  response.writeHead(wire.status, wire.headers);
  response.end(wire.status === 204 || wire.status === 304 ? undefined : wire.bytes);
}

/** Sends an answer as its body comes. */
export async function sendStream(
  response: ServerResponse,
  { status, headers }: WireAnswer,
  { stream, framing = 'chunked' }: { readonly stream: AsyncIterable<Buffer>; readonly framing?: FakeAnswer['framing'] },
): Promise<void> {
  delete headers['content-length'];
  if (typeof framing === 'number') headers['content-length'] = String(framing);
  if (framing !== 'chunked') headers['connection'] = 'close';
  if (framing === 'untold') response.removeHeader('transfer-encoding');
  response.writeHead(status, headers);
  // It ends the connection when the stream breaks, and the stream when the caller hangs up.
  await pipeline(stream, response).catch(() => {});
}

function toBytes(body: unknown): Buffer {
  if (body === undefined) return Buffer.alloc(0);
  if (Buffer.isBuffer(body)) return body;
  return Buffer.from(typeof body === 'string' ? body : JSON.stringify(body), 'utf8');
}
