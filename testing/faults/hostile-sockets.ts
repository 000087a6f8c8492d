/**
 * Answers that break HTTP itself: resets, silence, half bodies, drips, floods, garbage. All of them on real sockets.
 * A connection that is kept open on purpose ends when the caller hangs up or the server stops.
 * Next: `hostile.ts` chooses among these and the whole answers.
 */
import type { IncomingMessage, ServerResponse } from 'node:http';
import type { Socket } from 'node:net';
import { setTimeout as delay } from 'node:timers/promises';
import type { WireAnswer } from '../fake-api/answer.ts';

export interface SocketStage {
  readonly request: IncomingMessage;
  readonly response: ServerResponse;
  /** The server's address. */
  readonly base: string;
  /** Pause between two pieces of a slow answer, in milliseconds. */
  readonly dripMs: number;
  /** Size of `huge-body`. */
  readonly hugeBytes: number;
}

/** Played instead of the route, which is not run: nothing has happened at the third party. */
export const socketsBefore = {
  /** RST without an answer. */
  reset: ({ request }) => void request.socket.resetAndDestroy(),
  /** FIN without an answer. */
  close: ({ request }) => void request.socket.end(),
  /** The request is read, the socket stays open, nothing is ever written. */
  silent: () => undefined,
  /** A status line, then nothing. */
  'timeout-headers': ({ request }) => void request.socket.write('HTTP/1.1 200 OK\r\n'),
  /** A header line at each drip, without end. */
  'drip-headers': (stage) => drip(stage, 'HTTP/1.1 200 OK\r\n', (n) => `x-drip-${n}: 1\r\n`),
  /** Not HTTP. */
  garbage: ({ request }) => void request.socket.end('SSH-2.0-OpenSSH_9.6\r\n'),
  /** A JSON body of `hugeBytes`, as fast as the caller reads. */
  'huge-body': (stage) => flood(stage, stage.hugeBytes),
  /** A JSON body that never ends. */
  'endless-body': (stage) => flood(stage, Number.POSITIVE_INFINITY),
  /** Status 102 for ever and no final answer. */
  'endless-processing': (stage) => drip(stage, '', () => 'HTTP/1.1 102 Processing\r\n\r\n'),
  /** Each redirect leads to another. */
  'redirect-loop': ({ response, base }) => void response.writeHead(302, { location: `${base}/.fake/loop/1` }).end(),
  /** To another host name of this same server, where `Authorization` must not follow. */
  'redirect-elsewhere': ({ response, base }) =>
    void response.writeHead(302, { location: `${base.replace('127.0.0.1', 'localhost')}/.fake/elsewhere` }).end(),
} as const satisfies Readonly<Record<string, (stage: SocketStage) => void | Promise<void>>>;

export type SocketBeforeKind = keyof typeof socketsBefore;

/** Played with the route's real answer: the work is done, but the caller does not get to know it. */
export const socketsAfter = {
  'reset-after': ({ request }) => void request.socket.resetAndDestroy(),
  'close-after': ({ request }) => void request.socket.end(),
  'silent-after': () => undefined,
  /** Half of the promised bytes, then the connection is gone. */
  'half-body': (stage, real) => writeHalf(stage, real, (socket) => socket.destroy()),
  /** Half of a chunked body, without the last chunk. */
  'half-chunked': (stage, real) => {
    const headers = { ...real.headers };
    delete headers['content-length'];
    stage.response.writeHead(real.status, headers);
    stage.response.write(half(real), () => stage.request.socket.destroy());
  },
  /** Half of the promised bytes, then silence on an open socket. */
  'stalled-body': (stage, real) => writeHalf(stage, real, () => undefined),
  /** All of it, one byte at each drip. */
  'slow-drip': async ({ response, dripMs }, real) => {
    response.writeHead(real.status, real.headers);
    for (const byte of real.bytes) {
      if (response.destroyed) return;
      response.write(Buffer.of(byte));
      await delay(dripMs, undefined, { ref: false });
    }
    response.end();
  },
  /** `Content-Length` says less than is sent. */
  'extra-bytes': ({ request }, real) => {
    const head = `HTTP/1.1 ${real.status} OK\r\ncontent-type: application/json\r\ncontent-length: ${real.bytes.length}\r\n\r\n`;
    request.socket.end(
      Buffer.concat([Buffer.from(head), real.bytes, Buffer.from('trailing bytes that nobody asked for')]),
    );
  },
} as const satisfies Readonly<Record<string, (stage: SocketStage, real: WireAnswer) => void | Promise<void>>>;

export type SocketAfterKind = keyof typeof socketsAfter;

function half({ bytes }: WireAnswer): Buffer {
  return bytes.subarray(0, Math.floor(bytes.length / 2));
}

function writeHalf({ request, response }: SocketStage, real: WireAnswer, then: (socket: Socket) => void): void {
  response.writeHead(real.status, real.headers);
  response.write(half(real), () => then(request.socket));
}

async function drip({ request, dripMs }: SocketStage, first: string, piece: (n: number) => string): Promise<void> {
  const { socket } = request;
  if (first !== '') socket.write(first);
  for (let n = 0; !socket.destroyed; n++) {
    socket.write(piece(n));
    await delay(dripMs, undefined, { ref: false });
  }
}

const floodPiece = Buffer.from(`"${'x'.repeat(64 * 1024 - 4)}",\n`);

async function flood({ response }: SocketStage, bytes: number): Promise<void> {
  response.writeHead(200, { 'content-type': 'application/json' });
  response.write('{"items":[');
  for (let sent = 0; sent < bytes && !response.destroyed; sent += floodPiece.length) {
    if (!response.write(floodPiece)) await drained(response);
  }
  response.end('"end"],"next":null}');
}

/** Settles when more may be written, or nobody listens any more. */
function drained(response: ServerResponse): Promise<void> {
  return new Promise((resolve) => {
    const done = () => {
      response.off('drain', done).off('close', done);
      resolve();
    };
    response.on('drain', done).on('close', done);
  });
}
