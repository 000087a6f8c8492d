/**
 * Addresses at which no call arrives: names that do not resolve, ports that refuse or never accept, broken TLS.
 * Each fails in the client before any HTTP is spoken. Next: `certificate.ts` makes the certificates.
 */
import { once } from 'node:events';
import type { AddressInfo, Server, Socket } from 'node:net';
import { connect, createServer } from 'node:net';
import { createServer as createTlsServer } from 'node:tls';
import { Worker } from 'node:worker_threads';
import { selfSignedCertificate } from './certificate.ts';

export interface BadHosts {
  /** The name does not exist (`.invalid`, RFC 2606): `ENOTFOUND`, or `EAI_AGAIN` where no name server answers. */
  readonly noSuchName: string;
  /** Nobody listens: `ECONNREFUSED`. */
  readonly refused: string;
  /** The connection is never made: the client must give up by itself. */
  readonly neverConnects: string;
  /** TLS: the connection is made, the handshake is never answered. */
  readonly silentHandshake: string;
  /** TLS: the handshake fails with an alert (the server has no certificate). */
  readonly handshakeFails: string;
  /** TLS: what answers is not TLS. */
  readonly notTls: string;
  /** TLS: the connection is reset in the handshake. */
  readonly resetHandshake: string;
  /** TLS: nobody has signed the certificate. */
  readonly selfSigned: string;
  /** TLS: trusted with `ca`, but its time is over. */
  readonly expired: string;
  /** TLS: trusted with `ca`, but made for another name. */
  readonly wrongName: string;
  /** TLS: in order for who trusts `ca`; answers 200 `{}` to everything, to show that the others fail for their own reason. */
  readonly trusted: string;
  /** PEM of the certificates of `expired`, `wrongName` and `trusted`. */
  readonly ca: readonly string[];
  /** Closes everything; settles when nothing is left. */
  stop(): Promise<void>;
}

/** Opens all of them on free ports of 127.0.0.1. */
export async function startBadHosts(): Promise<BadHosts> {
  const servers: Server[] = [];
  const sockets = new Set<Socket>();
  const listen = async (server: Server): Promise<number> => {
    server.on('connection', (socket: Socket) => {
      sockets.add(socket.on('error', () => undefined).once('close', () => sockets.delete(socket)));
    });
    server.listen(0, '127.0.0.1');
    await once(server, 'listening');
    servers.push(server);
    return (server.address() as AddressInfo).port;
  };
  const listenTls = (certificate: { key: string; cert: string } | undefined): Promise<number> => {
    const server = createTlsServer(certificate ?? {}, (socket) => {
      socket.on('error', () => undefined);
      socket.on('data', () => socket.end('HTTP/1.1 200 OK\r\ncontent-length: 2\r\nconnection: close\r\n\r\n{}'));
    });
    return listen(server.on('tlsClientError', () => undefined));
  };

  const expired = selfSignedCertificate({ validFrom: new Date('2020-01-01'), validTo: new Date('2021-01-01') });
  const wrongName = selfSignedCertificate({ hosts: ['elsewhere.example'] });
  const trusted = selfSignedCertificate();
  const closedPort = await listen(createServer());
  await closing(servers.pop() as Server);
  const blocked = await blockedPort();
  const ports = {
    silent: await listen(createServer()),
    alert: await listenTls(undefined),
    plain: await listen(
      createServer((socket) => void socket.end('HTTP/1.1 400 Bad Request\r\ncontent-length: 0\r\n\r\n')),
    ),
    reset: await listen(createServer((socket) => void socket.once('data', () => socket.resetAndDestroy()))),
    selfSigned: await listenTls(selfSignedCertificate()),
    expired: await listenTls(expired),
    wrongName: await listenTls(wrongName),
    trusted: await listenTls(trusted),
  };
  return {
    noSuchName: 'https://no-such-name.invalid',
    refused: `http://127.0.0.1:${closedPort}`,
    neverConnects: `http://127.0.0.1:${blocked.port}`,
    silentHandshake: `https://127.0.0.1:${ports.silent}`,
    handshakeFails: `https://127.0.0.1:${ports.alert}`,
    notTls: `https://127.0.0.1:${ports.plain}`,
    resetHandshake: `https://127.0.0.1:${ports.reset}`,
    selfSigned: `https://127.0.0.1:${ports.selfSigned}`,
    expired: `https://127.0.0.1:${ports.expired}`,
    wrongName: `https://127.0.0.1:${ports.wrongName}`,
    trusted: `https://127.0.0.1:${ports.trusted}`,
    ca: [expired.cert, wrongName.cert, trusted.cert],
    async stop() {
      const closed = servers.map(closing);
      for (const socket of sockets) socket.destroy();
      await Promise.all([...closed, blocked.stop()]);
    },
  };
}

function closing(server: Server): Promise<void> {
  return new Promise((resolve) => server.close(() => resolve()));
}

/** Listens with the shortest queue, then sleeps for ever without accepting anything. */
const sleeper = `
  const { parentPort } = require('node:worker_threads');
  const server = require('node:net').createServer();
  server.listen({ port: 0, host: '127.0.0.1', backlog: 1 }, () => {
    parentPort.postMessage(server.address().port);
    setImmediate(() => Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0));
  });`;

/**
 * A port whose queue is full: the kernel drops further attempts, so that connecting takes for ever. A thread that
 * sleeps can't accept; a few connections fill the queue (the kernel takes one or two more than the queue's length).
 */
async function blockedPort(): Promise<{ port: number; stop: () => Promise<void> }> {
  const worker = new Worker(sleeper, { eval: true });
  const [port] = (await once(worker, 'message')) as [number];
  const fillers = Array.from({ length: 4 }, () => connect(port, '127.0.0.1').on('error', () => undefined));
  await once(fillers[0] as Socket, 'connect');
  return {
    port,
    async stop() {
      for (const filler of fillers) filler.destroy();
      await worker.terminate();
    },
  };
}
