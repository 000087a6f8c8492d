/**
 * A third party with limits that it tells nobody, in a process of its own: every path has an exact sliding window on this
 * process' clock, the strictest kind of server. Logs the arrivals that it accepted, answers 429 to the others.
 * `GET /_log` returns the log. Started by `processes.ts` as `node --import tsx hidden-server.ts '<limits as JSON>'`.
 */
import { createServer } from 'node:http';
import { fileURLToPath } from 'node:url';

export type HiddenLimits = Readonly<Record<string, { readonly max: number; readonly perMs: number }>>;

export interface ServerLog {
  /** By path: when calls were accepted, in milliseconds of the machine's monotonic clock, and how many were refused. */
  readonly [path: string]: {
    readonly acceptedAt: readonly number[];
    readonly refused: number;
    /** For each refused call, how long it was on its way, in milliseconds. */
    readonly refusedTravelMs: readonly number[];
    /** When each call was sent, accepted or not, by its sender's word on the same clock. */
    readonly sentAt: readonly number[];
    /** The longest that any call was on its way. */
    readonly longestTravelMs: number;
  };
}

/** The machine's monotonic clock in milliseconds: the same in all processes. */
export function machineMs(): number {
  return Number(process.hrtime.bigint() / 1_000n) / 1_000;
}

if (process.argv[1] === fileURLToPath(import.meta.url)) {
  const limits = JSON.parse(process.argv[2] ?? '{}') as HiddenLimits;
  const log: Record<
    string,
    { acceptedAt: number[]; refused: number; refusedTravelMs: number[]; sentAt: number[]; longestTravelMs: number }
  > = {};
  for (const path of Object.keys(limits))
    log[path] = { acceptedAt: [], refused: 0, refusedTravelMs: [], sentAt: [], longestTravelMs: 0 };
  const server = createServer((request, response) => {
    const now = machineMs();
    const path = request.url ?? '/';
    if (path === '/_log') {
      response.end(JSON.stringify(log));
      return;
    }
    const limit = limits[path];
    const entry = log[path];
    if (limit === undefined || entry === undefined) {
      response.writeHead(404).end();
      return;
    }
    const travelMs = now - Number(request.headers['x-sent-at'] ?? now);
    entry.sentAt.push(now - travelMs);
    entry.longestTravelMs = Math.max(entry.longestTravelMs, travelMs);
    const oldest = entry.acceptedAt.at(-limit.max);
    if (oldest !== undefined && now - oldest < limit.perMs) {
      entry.refused += 1;
      entry.refusedTravelMs.push(travelMs);
      response.writeHead(429).end('too many');
      return;
    }
    entry.acceptedAt.push(now);
    response.end('ok');
  });
  // Callers of a window of a minute are silent for a minute; their connections stay.
  server.keepAliveTimeout = 0;
  server.listen(0, '127.0.0.1', () => {
    const address = server.address();
    process.stdout.write(`${typeof address === 'object' && address ? address.port : 0}\n`);
  });
}
