/**
 * The server of the fake third party: a real HTTP listener on loopback with its clock, and everything a call meets.
 * Next: `handle-call.ts` has the way of one call; `fake-api.ts` puts the public face on it.
 */
import { once } from 'node:events';
import type { Server } from 'node:http';
import { createServer } from 'node:http';
import type { AddressInfo, Socket } from 'node:net';
import { performance } from 'node:perf_hooks';
import type { TokenGuard } from './handle-call.ts';
import { createCallHandler } from './handle-call.ts';
import { createLimits } from './limits/limits.ts';
import { createOutages } from '../faults/outages.ts';
import { seededRandom } from './random.ts';
import { createBooks } from './report.ts';
import { createRoutes } from './routes.ts';
import { createScripts } from '../faults/scripts.ts';

export interface FakeApiOptions {
  /** Of everything random in this server. Default 1. */
  readonly seed?: number;
  /**
   * Network time of a call in milliseconds, fixed or a range drawn evenly. One half passes before the call is counted,
   * one half before the answer leaves. Default 0.
   */
  readonly latencyMs?: number | readonly [min: number, max: number];
  /** Port on 127.0.0.1. Default 0: a free one. */
  readonly port?: number;
  /** The server's clock is ahead by this much in the `Date` header and in reset times. Default 0. */
  readonly clockSkewMs?: number;
  /** Pause between two pieces of slow hostile answers. Default 50. */
  readonly dripMs?: number;
  /** Size of `huge-body`. Default 256 MiB. */
  readonly hugeBytes?: number;
}

/** One running server, before the public face. */
export async function startServer(options: FakeApiOptions) {
  const startedAt = performance.now();
  const startedAtIso = new Date().toISOString();
  const now = () => performance.now() - startedAt;
  const wallClock = () => Date.now() + (options.clockSkewMs ?? 0);
  const seed = options.seed ?? 1;
  const stopping = new AbortController();
  let port = options.port ?? 0;
  let tokens: TokenGuard | undefined;
  const base = () => `http://127.0.0.1:${port}`;

  const sockets = new Set<Socket>();
  const server = createServer({ keepAlive: true, noDelay: true });
  const listen = async () => {
    server.listen(port, '127.0.0.1');
    await once(server, 'listening');
    port = (server.address() as AddressInfo).port;
  };
  const close = async () => {
    if (!server.listening) return;
    const closed = Promise.all([server, ...sockets].map(closing));
    server.close();
    server.closeAllConnections();
    await closed;
  };

  const books = createBooks();
  const routes = createRoutes();
  const limits = createLimits(now, wallClock, (violation) => books.violated(violation));
  const scripts = createScripts(seed);
  const outages = createOutages({ close, reopen: listen }, stopping.signal);
  const parts = { options, base, now, wallClock, books, routes, limits, scripts, outages };
  server.on('request', createCallHandler({ ...parts, random: seededRandom(seed), tokens: () => tokens }));
  server.on('connection', (socket) => {
    books.connected();
    sockets.add(socket);
    socket.once('close', () => {
      books.disconnected();
      sockets.delete(socket);
    });
  });
  // Nothing here gives up by itself: a caller that is slow or silent is the caller's business.
  Object.assign(server, { keepAliveTimeout: 0, requestTimeout: 0, headersTimeout: 0, timeout: 0 });
  await listen();

  return {
    ...parts,
    startedAtIso,
    seed,
    guardTokens(guard: TokenGuard): void {
      tokens = guard;
    },
    /** Closes everything; settles when no socket is left. */
    async stop(): Promise<void> {
      stopping.abort();
      outages.resume();
      await close();
    },
  };
}

function closing(what: Server | Socket): Promise<void> {
  return new Promise((resolve) => what.once('close', () => resolve()));
}
