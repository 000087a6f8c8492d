/**
 * One page as every tool in Node does it here: fetch, parse, one upsert statement. Nothing of Sluice.
 */
import { createRequire } from 'node:module';
import type { Pool } from 'pg';

// The pool is used as plainly as a reader of pg's documentation would.
const pg = createRequire(import.meta.url)('pg') as { Pool: new (options: object) => Pool };

export interface PeerSettings {
  readonly api: string;
  readonly databaseUrl: string;
  readonly accounts: readonly string[];
}

export class Refused extends Error {}

const UPSERT = `
  insert into rows (id, doc) select item->>'id', item from jsonb_array_elements($1::jsonb) item
  on conflict (id) do update set doc = excluded.doc`;

export function peerSettings(env: NodeJS.ProcessEnv = process.env): PeerSettings {
  const { API = '', DATABASE_URL = '', ACCOUNTS = '1' } = env;
  return {
    api: API,
    databaseUrl: DATABASE_URL,
    accounts: Array.from({ length: Number(ACCOUNTS) }, (_, index) => `u${index}`),
  };
}

/** @returns fetch and store of one page; `onNext` is called with the next cursor before the rows are stored. */
export function pageCaller({ api, databaseUrl }: PeerSettings) {
  const pool = new pg.Pool({ connectionString: databaseUrl, max: 10 });
  return async (user: string, cursor: number, onNext?: (next: number) => Promise<unknown>): Promise<number | null> => {
    const response = await fetch(`${api}/u/${user}/items?cursor=${cursor}&limit=100`, {
      signal: AbortSignal.timeout(10_000),
    });
    if (!response.ok) {
      await response.text();
      throw new Refused(`HTTP ${response.status}`);
    }
    const page = (await response.json()) as { items: object[]; next: number | null };
    if (page.next !== null) await onNext?.(page.next);
    await pool.query({ name: 'upsert', text: UPSERT, values: [JSON.stringify(page.items)] });
    return page.next;
  };
}

/** Says READY, and calls `go` when told to. */
export function whenTold(go: () => unknown): void {
  console.log('READY');
  process.stdin.once('data', () => void go());
}
