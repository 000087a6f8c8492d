/**
 * Two faults of undici 7. Where a body is read slowly and its connection ends, an assertion fails in an event of the
 * socket, which ends the whole process (https://github.com/nodejs/undici/issues/5360). Its version 8, which needs a
 * newer Node, reads what is left instead, and so does this. And headers beyond the ceiling are read on, each with an
 * error of its own: 10,000 of them are 50 ms in one piece.
 * Used by: `agents.ts`.
 */
import { subscribe, unsubscribe } from 'node:diagnostics_channel';

/** What is used of undici's own parser. */
interface Parser {
  readonly headersSize: number;
  readonly headersMaxSize: number;
  onHeaderField(name: Buffer): number;
  onHeaderValue(value: Buffer): number;
  paused: boolean;
  readonly ptr: number;
  readonly llhttp: { llhttp_resume(ptr: number): void };
  readonly socket: { read(): Buffer | null };
  execute(chunk: Buffer): void;
  finish(): Error | null;
}

const CONNECTED = 'undici:client:connected';
const FAULT = 'assert(!this.paused)';
/** Any number but 0 ends the reading: `HPE_USER` of llhttp. */
const STOP = 24;

/** Mends the parsers of all connections of this process from now on. */
export function mendParsers(): void {
  unsubscribe(CONNECTED, onConnected);
  subscribe(CONNECTED, onConnected);
}

function onConnected(message: unknown): void {
  const { socket } = message as { socket: Readonly<Record<symbol, unknown>> };
  const name = Object.getOwnPropertySymbols(socket).find(({ description }) => description === 'parser');
  const parser = name && (socket[name] as Parser | undefined);
  const prototype = parser && (Object.getPrototypeOf(parser) as Partial<Parser>);
  // Node's own fetch says so of its connections too, and has another parser.
  if (prototype?.finish?.toString().includes(FAULT)) mend(prototype as Parser);
}

function mend(prototype: Parser): void {
  // eslint-disable-next-line @typescript-eslint/unbound-method -- called with its own `this`
  const finish = prototype.finish;
  prototype.finish = function (this: Parser) {
    if (this.paused) readRest(this);
    return finish.call(this);
  };
  for (const name of ['onHeaderField', 'onHeaderValue'] as const) {
    const take = prototype[name];
    prototype[name] = function (this: Parser, text) {
      const answer = take.call(this, text);
      return this.headersSize >= this.headersMaxSize ? STOP : answer;
    };
  }
}

/** What has come is few kilobytes: the body takes them although nobody has asked for them yet. */
function readRest(parser: Parser): void {
  let chunk: Buffer;
  do {
    parser.llhttp.llhttp_resume(parser.ptr);
    parser.paused = false;
    chunk = parser.socket.read() ?? Buffer.alloc(0);
    parser.execute(chunk);
  } while (parser.paused && chunk.length > 0);
  if (parser.paused) parser.llhttp.llhttp_resume(parser.ptr);
  parser.paused = false;
}
