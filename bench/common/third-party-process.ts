/**
 * The third party of the speed measurements: `GET /u/:id/items?cursor=N&limit=100` answers 100 items and the next cursor,
 * `GET /one/:id` a list of one item, both from behind a token bucket that nobody is told of. Nothing but node:http and counting, so that what is measured is the
 * tool that calls it; `testing/` has the one that checks every call. Arguments: pages of a list, calls a second (0: no
 * limit), depth of the bucket, milliseconds that an answer takes. Prints `READY url`. `/stats` says what it saw.
 */
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';

export interface ThirdPartyStats {
  readonly calls: number;
  readonly ok: number;
  readonly refused: number;
  /** Epoch milliseconds of the first and the last call. */
  readonly first: number;
  readonly last: number;
  /** Good answers by whole second since the first call. */
  readonly bySecond: readonly number[];
}

const [pagesText = '50', rateText = '0', depthText = '0', latencyText = '0'] = process.argv.slice(2);
const pages = Number(pagesText);
const ratePerSecond = Number(rateText);
const depth = Number(depthText);
const latencyMs = Number(latencyText);

let calls = 0;
let ok = 0;
let refused = 0;
let first = 0;
let last = 0;
let bySecond: number[] = [];
let tokens = depth;
let filledAt = performance.now();

function isAdmitted(): boolean {
  if (ratePerSecond === 0) return true;
  const now = performance.now();
  tokens = Math.min(depth, tokens + ((now - filledAt) / 1_000) * ratePerSecond);
  filledAt = now;
  if (tokens < 1) return false;
  tokens -= 1;
  return true;
}

function page(user: string, cursor: number): string {
  const items: object[] = [];
  for (let index = cursor * 100; index < cursor * 100 + 100; index++)
    items.push({ id: `${user}-${index}`, name: `item ${index}`, updated: '2026-01-01T00:00:00Z' });
  return JSON.stringify({ items, next: cursor + 1 < pages ? cursor + 1 : null });
}

const server = createServer((request, response) => {
  const url = new URL(request.url ?? '/', 'http://localhost');
  if (url.pathname === '/stats') {
    response.end(JSON.stringify({ calls, ok, refused, first, last, bySecond } satisfies ThirdPartyStats));
    return;
  }
  calls++;
  last = Date.now();
  first ||= last;
  response.setHeader('content-type', 'application/json');
  if (!isAdmitted()) {
    refused++;
    response.writeHead(429).end('{"error":"rate limited"}');
    return;
  }
  ok++;
  const second = Math.floor((last - first) / 1_000);
  while (bySecond.length <= second) bySecond.push(0);
  bySecond[second]!++;
  const [, kind, id = ''] = url.pathname.split('/');
  const cursor = Number(url.searchParams.get('cursor') ?? 0);
  const body = kind === 'one' ? JSON.stringify({ items: [{ id }], next: null }) : page(id, cursor);
  if (latencyMs > 0) setTimeout(() => response.end(body), latencyMs);
  else response.end(body);
});
server.listen(0, '127.0.0.1', () => {
  console.log(`READY http://127.0.0.1:${(server.address() as AddressInfo).port}`);
});
