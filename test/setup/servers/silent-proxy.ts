/**
 * A way to Postgres that can fall silent: connections stay open, and nothing comes through. So it is when a host is gone, and the
 * network says nothing of it.
 */
import { once } from 'node:events';
import { connect, createServer, type AddressInfo, type Socket } from 'node:net';

export interface SilentProxy {
  /** Connection string of the same database, through the proxy. */
  readonly url: string;
  /** From now on nothing comes through, on any connection. */
  silence(): void;
  /** New connections come through again; the old ones never do. */
  speak(): void;
  stop(): Promise<void>;
}

export async function startSilentProxy(databaseUrl: string): Promise<SilentProxy> {
  const to = new URL(databaseUrl);
  const sockets = new Set<Socket>();
  let isSilent = false;
  const server = createServer((client) => {
    const upstream = isSilent ? undefined : connect(Number(to.port), to.hostname);
    for (const socket of [client, upstream]) {
      if (!socket) continue;
      sockets.add(socket);
      socket.on('error', () => socket.destroy());
    }
    upstream?.pipe(client).pipe(upstream);
  });
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  const url = new URL(databaseUrl);
  url.hostname = '127.0.0.1';
  url.port = String((server.address() as AddressInfo).port);
  return {
    url: url.href,
    silence: () => {
      isSilent = true;
      for (const socket of sockets) socket.unpipe().pause();
    },
    speak: () => {
      isSilent = false;
    },
    stop: async () => {
      for (const socket of sockets) socket.destroy();
      await new Promise((resolve) => server.close(resolve));
    },
  };
}
