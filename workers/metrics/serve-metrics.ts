/**
 * One address for all metrics of a worker: ours, and behind them those of Temporal's SDK. A server of the SDK's own
 * serves the latter to this process alone. Next: `sluice-metrics.ts`.
 */
import { once } from 'node:events';
import { createServer } from 'node:http';

const CONTENT_TYPE = 'text/plain; version=0.0.4; charset=utf-8';
const SDK_PATIENCE_MS = 2_000;

/**
 * @param address `host:port`.
 * @param sdkAddress where Temporal's SDK serves its own; undefined: it does not.
 * @param isServing whether the worker takes work; `/readyz` says so. `/healthz` answers while the process does.
 * @returns a function that ends it.
 * @throws Error saying what to do when the address can't be had.
 */
export async function serveMetrics(
  address: string,
  ours: () => Promise<string>,
  sdkAddress: string | undefined,
  isServing: () => boolean,
): Promise<() => Promise<void>> {
  const server = createServer((request, response) => {
    const path = request.method === 'GET' ? request.url?.split('?')[0] : undefined;
    if (path === '/healthz') return void response.end('ok\n');
    if (path === '/readyz') {
      const serves = isServing();
      return void response
        .writeHead(serves ? 200 : 503)
        .end(serves ? 'serving\n' : 'starting, draining, or its heap is full\n');
    }
    if (path !== '/metrics') {
      response.writeHead(404).end('The metrics are at /metrics.\n');
      return;
    }
    void Promise.all([ours(), theirs(sdkAddress)]).then(
      (texts) => response.writeHead(200, { 'content-type': CONTENT_TYPE }).end(texts.join('')),
      (error: unknown) => response.writeHead(500).end(`${String(error)}\n`),
    );
  });
  const place = address.lastIndexOf(':');
  const host = address.slice(0, place).replace(/^\[|\]$/g, '');
  server.listen(Number(address.slice(place + 1)), host);
  try {
    await once(server, 'listening');
  } catch (error) {
    throw new Error(
      `The metrics can't be served at SLUICE_METRICS_ADDRESS=${address}: ${(error as Error).message}. Name a free port; each ` +
        'worker on a machine needs one of its own.',
      { cause: error },
    );
  }
  server.unref();
  return async () => {
    const closed = once(server, 'close');
    server.close();
    server.closeAllConnections();
    await closed;
  };
}

/** What can't be had is left out: ours are worth reading alone. */
async function theirs(sdkAddress: string | undefined): Promise<string> {
  if (sdkAddress === undefined) return '';
  try {
    const answer = await fetch(`http://${sdkAddress}/metrics`, { signal: AbortSignal.timeout(SDK_PATIENCE_MS) });
    return answer.ok ? await answer.text() : '';
  } catch {
    return '';
  }
}
