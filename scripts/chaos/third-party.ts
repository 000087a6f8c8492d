/**
 * The third party of a chaos run: what it serves, and a book of every call that outlives its process, written before the
 * call is answered. Runs in a process of its own. Next: `call-book.ts` reads the book, `oracle.ts` knows the rows.
 */
import { appendFileSync } from 'node:fs';
import { performance } from 'node:perf_hooks';
import type { FakeApi, FakeApiOptions } from '../../testing/index.ts';
import { counts } from './oracle.ts';
import { MAX_PER_SECOND } from './network.ts';

export interface ThirdPartyArgs {
  /** The same over restarts: callers know only this address. */
  readonly port: number;
  readonly bookFile: string;
}

/** Arguments come as JSON behind the module's name. */
const given = JSON.parse(process.argv[3] ?? '{"port":0}') as ThirdPartyArgs;

const QUICK_MS = [20, 60] as const;
const SLOW_MS = [400, 440] as const;
const latency: { latencyMs: readonly [number, number] } = { latencyMs: QUICK_MS };
/** Read at each call. */
export const options: FakeApiOptions = Object.assign(latency, { port: given.port });

export const commands = {
  slow: (_: FakeApi, isSlow: boolean): void => {
    latency.latencyMs = isSlow ? SLOW_MS : QUICK_MS;
  },
};

export function install(api: FakeApi, { bookFile }: ThirdPartyArgs): void {
  const row = (prefix: string) => (params: Readonly<{ id: string }>, i: number) => ({
    id: `${params.id}-${prefix}${i}`,
  });
  api.object('/users/:id', ({ id }) => ({ id }));
  api.list('/users/:id/friends', { count: counts.friends, itemAt: row('f') });
  api.list('/users/:id/posts', { count: counts.posts, itemAt: row('p'), pagination: 'page', total: 'exact' });
  api.list('/users/:id/photos', { count: counts.photos, itemAt: row('o'), pagination: 'offset' });
  api.list('/posts/:id/likes', { count: counts.likes, itemAt: row('l'), pagination: 'link-header' });
  api.limit({
    name: 'second',
    max: MAX_PER_SECOND,
    perMs: 1_000,
    by: (call) => {
      const at = performance.timeOrigin + performance.now();
      appendFileSync(bookFile, `${at.toFixed(3)} ${call.path}?${call.query.toString()}\n`);
      return 'app';
    },
  });
}
