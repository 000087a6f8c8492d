/**
 * `npm run bench -- refresh`: 500 accounts whose access tokens live 20 s and whose refresh tokens rotate, synced for some
 * token lives by 4 worker processes. One refresh for each account and expiry, and no account lost: the third party revokes
 * everything of an account whose refresh token is used twice. Next: `refresh/third-party.ts`.
 */
import { randomBytes } from 'node:crypto';
import { setTimeout as delay } from 'node:timers/promises';
import { connect, type Sluice } from '../client/index.ts';
import { createPool } from '../db/index.ts';
import { startFakeApiProcess, type AccountTokens, type FakeApiProcess, type IssuedTokens } from '../testing/index.ts';
import { nodeArgs, startChild, type Child } from './engine/child.ts';
import { startBenchServers, type BenchServers } from './engine/servers.ts';
import type { BenchOptions } from './main.ts';
import { atLeast, atMost, type Measure } from './common/measures.ts';
import { itemsSync } from './refresh/sync.ts';
import type { ThirdPartyArgs } from './refresh/third-party.ts';

export interface RefreshBenchOptions {
  /** Default 500. */
  readonly accounts?: number;
  /** Life of an access token in seconds. Default 20. */
  readonly tokenSeconds?: number;
  /** Worker processes. Default 4. */
  readonly workers?: number;
  /** Token lives that a sync lasts at least. Default 3.5. */
  readonly lives?: number;
}

const defaults = { accounts: 500, tokenSeconds: 20, workers: 4, lives: 3.5 } satisfies RefreshBenchOptions;
const PAGES_IN_A_LIFE = 4;
/** A busy machine takes its time; the tokens end all the same. */
const PATIENCE_MS = 20 * 60_000;
const SHOW_EVERY_MS = 15_000;
/** A token is renewed when a fifth of its life is left; two refreshes closer than this were two for one expiry. */
const CLOSEST_SHARE = 0.7;

export function runRefresh({ quick }: BenchOptions): Promise<readonly Measure[]> {
  return runRefreshBench(quick ? { accounts: 40, tokenSeconds: 5, workers: 2 } : {});
}

/** @returns the measures; nothing is left running. */
export async function runRefreshBench(options: RefreshBenchOptions = {}): Promise<readonly Measure[]> {
  const { accounts, tokenSeconds, workers, lives } = { ...defaults, ...options };
  const pages = Math.ceil(lives * PAGES_IN_A_LIFE);
  const tokenMs = tokenSeconds * 1_000;
  const names = Array.from({ length: accounts }, (_, index) => `u${index}`);
  const servers = await startBenchServers();
  const closers: (() => Promise<void>)[] = [() => servers.stop()];
  try {
    const args: ThirdPartyArgs = { tokenMs, pages, pageMs: tokenMs / PAGES_IN_A_LIFE };
    const api = await startFakeApiProcess(new URL('refresh/third-party.ts', import.meta.url), { args });
    closers.push(() => api.stop());
    const { sluice, databaseUrl } = await startWorkers(servers, api.url, workers, closers);
    await connectAll(sluice, api, names);
    console.log(`${accounts} accounts, tokens of ${tokenSeconds} s, ${workers} workers, ${pages} pages each`);
    const startedAt = performance.now();
    await Promise.all(names.map((user) => sluice.start(itemsSync, { account: user, input: { user } })));
    const done = await untilEnded(databaseUrl, accounts, PATIENCE_MS);
    const tookSeconds = (performance.now() - startedAt) / 1_000;
    return await measure(api, names, { done, tokenMs, pages, tookSeconds });
  } finally {
    for (const close of closers.toReversed()) await close();
  }
}

async function startWorkers(
  servers: BenchServers,
  apiUrl: string,
  count: number,
  closers: (() => Promise<void>)[],
): Promise<{ sluice: Sluice; databaseUrl: string }> {
  const temporal = await servers.startTemporal();
  closers.push(() => temporal.stop());
  const databaseUrl = await servers.createDatabase('bench_refresh');
  const encryptionKeys = `bench:${randomBytes(32).toString('base64')}`;
  const env = {
    API: apiUrl,
    DATABASE_URL: databaseUrl,
    TEMPORAL_ADDRESS: temporal.address,
    SLUICE_ENCRYPTION_KEYS: encryptionKeys,
    SLUICE_DB_CONNECTIONS: '8',
    SLUICE_LOG_LEVEL: 'warn',
    SLUICE_DRAIN_SECONDS: '2',
  };
  const child = (): Promise<Child> =>
    startChild({
      command: process.execPath,
      args: nodeArgs(new URL('refresh/worker.ts', import.meta.url)),
      env,
      readyWithinMs: 180_000,
    });
  // The first one brings the schema up to date; each is started only when the one before it serves.
  for (let index = 0; index < count; index++) {
    const worker = await child();
    closers.push(() => worker.stop());
  }
  const sluice = await connect({ databaseUrl, temporal: { address: temporal.address }, encryptionKeys });
  closers.push(() => sluice.close());
  return { sluice, databaseUrl };
}

/** As after 500 logins. */
async function connectAll(sluice: Sluice, api: FakeApiProcess, names: readonly string[]): Promise<void> {
  const issued = await api.command<IssuedTokens[]>('issue', names);
  const at = Date.now();
  for (const [index, { accessToken, refreshToken, expiresInMs }] of issued.entries()) {
    const credentials = { accessToken, refreshToken, expiresAt: new Date(at + expiresInMs).toISOString() };
    await sluice.accounts.connect({ provider: 'short-lived', account: names[index]!, credentials });
  }
}

interface Ended {
  readonly done: number;
  readonly rows: number;
}

/** @returns what ended well, when all have ended or the time is over. */
async function untilEnded(databaseUrl: string, runs: number, limitMs: number): Promise<Ended> {
  const pool = createPool(databaseUrl, { max: 1 });
  try {
    const startedAt = performance.now();
    for (let shownAt = startedAt; ; await delay(1_000)) {
      const { rows } = await pool.query<Ended & { ended: number }>(
        `select count(*) filter (where ended_at is not null) as ended, count(*) filter (where state = 'done') as done,
           (select coalesce(sum(rows), 0)::bigint from sluice.node) as rows
         from sluice.run`,
      );
      const now = rows[0]!;
      if (performance.now() - shownAt > SHOW_EVERY_MS) {
        shownAt = performance.now();
        console.log(`  ${Math.round((shownAt - startedAt) / 1_000)} s: ${now.rows} rows, ${now.ended} syncs ended`);
      }
      if (now.ended >= runs || performance.now() - startedAt > limitMs) return now;
    }
  } finally {
    await pool.end();
  }
}

async function measure(
  api: FakeApiProcess,
  names: readonly string[],
  run: { readonly done: Ended; readonly tokenMs: number; readonly pages: number; readonly tookSeconds: number },
): Promise<readonly Measure[]> {
  const report = await api.report();
  const tokens = await api.command<AccountTokens[]>('tokens', names);
  const gaps = tokens.flatMap(({ refreshedAt }) => refreshedAt.slice(1).map((at, index) => at - refreshedAt[index]!));
  const extra = gaps.filter((gap) => gap < run.tokenMs * CLOSEST_SHARE).length;
  const sum = (pick: (account: AccountTokens) => number) => tokens.reduce((total, each) => total + pick(each), 0);
  const refreshes = sum((each) => each.refreshes);
  console.log(
    `${run.tookSeconds.toFixed(0)} s, ${report.calls} calls, ${refreshes} refreshes, closest ` +
      `${(Math.min(...gaps) / 1_000).toFixed(1)} s apart, ${report.unauthorized} calls met a token that had ended`,
  );
  return [
    atMost('refreshes beyond one for each account and expiry', extra, 'refreshes', 0),
    atMost(
      'refreshes refused',
      sum((each) => each.refusedRefreshes),
      'refreshes',
      0,
    ),
    atMost(
      'refresh tokens used twice',
      sum((each) => each.reuses),
      'tokens',
      0,
    ),
    atMost('accounts lost', report.lostAccounts.length, 'accounts', 0),
    atLeast('syncs that ended with every row', run.done.done, 'syncs', names.length),
    atLeast('rows stored', run.done.rows, 'rows', names.length * run.pages),
    atLeast('fewest refreshes of an account', Math.min(...tokens.map((each) => each.refreshes)), 'refreshes', 2),
  ];
}
