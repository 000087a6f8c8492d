/**
 * Stands before the PDS and kills the caller at the worst moments of a write: before it arrives, after it was done and
 * before its answer is heard, or just before it is done all the same. Everything else passes through.
 */
import { once } from 'node:events';
import { createServer, request as httpRequest, type IncomingMessage, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import { setTimeout as delay } from 'node:timers/promises';

/**
 * `after`: written, then the caller dies unanswered · `before`: the caller dies and nothing is written · `late`: the
 * caller dies, and the write is done a moment later.
 */
export type Moment = 'after' | 'before' | 'late';

export interface KillingProxy {
  readonly url: string;
  /** The next write is met by this; once. */
  arm(moment: Moment, kill: () => Promise<void>): void;
  /** Writes that went through to the PDS. */
  writes(): number;
  stop(): Promise<void>;
}

const LATE_MS = 300;

export async function startKillingProxy(target: string): Promise<KillingProxy> {
  let armed: { readonly moment: Moment; readonly kill: () => Promise<void> } | undefined;
  let writes = 0;
  const serve = async (request: IncomingMessage, response: ServerResponse): Promise<void> => {
    const body = Buffer.concat(await request.toArray());
    const isWrite = request.url?.includes('com.atproto.repo.createRecord') ?? false;
    const hit = isWrite ? armed : undefined;
    if (hit) armed = undefined;
    if (hit?.moment === 'before') return hit.kill();
    if (hit?.moment === 'late') {
      await hit.kill();
      await delay(LATE_MS);
    }
    if (isWrite) writes += 1;
    const answer = await pass(target, request, body);
    if (hit?.moment === 'after') await hit.kill();
    if (hit) return;
    response.writeHead(answer.status, answer.headers);
    response.end(answer.body);
  };
  const server = createServer((request, response) => {
    serve(request, response).catch(() => response.destroy());
  });
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  return {
    url: `http://127.0.0.1:${(server.address() as AddressInfo).port}`,
    arm: (moment, kill) => void (armed = { moment, kill }),
    writes: () => writes,
    stop: async () => {
      server.close();
      server.closeAllConnections();
      await once(server, 'close');
    },
  };
}

async function pass(target: string, request: IncomingMessage, body: Buffer) {
  const to = new URL(request.url ?? '/', target);
  const headers = { ...request.headers, host: to.host, connection: 'close' };
  const outgoing = httpRequest(to, { method: request.method ?? 'GET', headers });
  outgoing.end(body);
  const [answer] = (await once(outgoing, 'response')) as [IncomingMessage];
  const { 'transfer-encoding': _, ...rest } = answer.headers;
  return { status: answer.statusCode ?? 502, headers: rest, body: Buffer.concat(await answer.toArray()) };
}
