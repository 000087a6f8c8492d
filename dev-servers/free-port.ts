/**
 * Free TCP ports on loopback.
 */
import { createServer } from 'node:net';

/** The `preferred` port when nobody listens on it, else one that the system chooses. */
export async function freePort(preferred?: number): Promise<number> {
  if (preferred !== undefined) {
    const kept = await tryPort(preferred).catch(() => undefined); // taken: choose another
    if (kept !== undefined) return kept;
  }
  return tryPort(0);
}

function tryPort(port: number): Promise<number> {
  return new Promise((resolve, reject) => {
    const server = createServer();
    server.once('error', reject);
    server.listen({ port, host: '127.0.0.1', exclusive: true }, () => {
      const address = server.address();
      server.close(() => {
        if (typeof address === 'object' && address) resolve(address.port);
        else reject(new Error('No port was given'));
      });
    });
  });
}
