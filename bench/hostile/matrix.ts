/**
 * Plays cases of the hostile matrix side by side in one process, as one worker has them, and looks at what else is in it: another
 * provider's calls and permits, the event loop, memory. Used by `bench/hostile.ts` and, in short, by the tests.
 */
import {
  createHttpSender,
  createPageBatches,
  createRunEnds,
  createStoredCredentials,
  type ActivityDeps,
} from '../../activities/index.ts';
import { createKeyring } from '../../db/encryption.ts';
import type { Pool } from '../../db/index.ts';
import { createLimiter } from '../../limiter/index.ts';
import { nodeArgs, startChild, type Child } from '../engine/child.ts';
import { startBystander, type BystanderBooks } from './bystander.ts';
import { watchLoop } from './loop-watch.ts';
import { mostCalls, playCase, type Case, type CaseEnd, type Definitions } from './cases.ts';

export interface MatrixResult {
  readonly ends: readonly CaseEnd[];
  readonly bystander: BystanderBooks;
  /** The longest time that this process computed without letting anybody else run, in milliseconds of its own processor time. */
  readonly longestBlockMs: number;
  /** Above what there was at the beginning, in MiB. */
  readonly peakMiB: number;
  /** The limiter took every report, and ended. */
  readonly isLimiterDone: boolean;
}

const AT_ONCE = 24;
const LOOK_MS = 50;
const STOP_WITHIN_MS = 10_000;

/** @param onEnd told of each case as it ends. */
export async function playMatrix(
  pool: Pool,
  cases: readonly Case[],
  onEnd: (end: CaseEnd, done: number) => void = () => {},
): Promise<MatrixResult> {
  const { child, url } = await startThirdParty();
  const limiter = createLimiter({ pool });
  const http = createHttpSender();
  const keyring = createKeyring(`k:${Buffer.alloc(32, 7).toString('base64')}`);
  const definitions: Definitions = { providers: new Map(), syncs: new Map(), actions: new Map() };
  const log = { info: () => {}, warn: () => {}, error: () => {} };
  const credentials = createStoredCredentials({
    pool,
    keyring,
    limiter,
    http,
    log,
    egress: 'default',
    providerNamed: (id) => definitions.providers.get(id),
  });
  const deps: ActivityDeps = {
    pool,
    limiter,
    http,
    credentials,
    log,
    egress: 'default',
    pageBatches: createPageBatches(pool),
    runEnds: createRunEnds(pool),
    syncNamed: (name) => found(definitions.syncs.get(name)).definition,
    actionNamed: (id) => found(definitions.actions.get(id)).definition,
    sagaNamed: () => {
      throw new Error('no saga is in this matrix');
    },
    tellLock: () => Promise.resolve(),
    findRunning: () => Promise.resolve(undefined),
    startRun: () => Promise.resolve(),
    isStopping: () => false,
  };
  const stage = { deps, definitions, pool, keyring, url };
  const startMiB = memoryMiB();
  let peakMiB = 0;
  const looking = setInterval(() => (peakMiB = Math.max(peakMiB, memoryMiB() - startMiB)), LOOK_MS);
  try {
    const bystander = startBystander(deps, url);
    await bystander.warm();
    const loop = watchLoop();
    const ends: CaseEnd[] = [];
    const open = [...cases];
    const play = async (): Promise<void> => {
      for (let next = open.shift(); next; next = open.shift()) {
        const end = await playCase(stage, next);
        ends.push(end);
        onEnd(end, ends.length);
      }
    };
    await Promise.all(Array.from({ length: AT_ONCE }, play));
    const longestBlockMs = loop.end();
    const books = await bystander.end();
    const counted = await withCounts(url, ends);
    await credentials.settled();
    const isLimiterDone = await inTime(limiter.stop());
    return { ends: counted, bystander: books, longestBlockMs, peakMiB, isLimiterDone };
  } finally {
    clearInterval(looking);
    await http.close();
    await child.stop();
  }
}

async function startThirdParty(): Promise<{ readonly child: Child; readonly url: string }> {
  let url = '';
  const child = await startChild({
    command: process.execPath,
    args: nodeArgs(new URL('third-party.ts', import.meta.url)),
    readyWhen: /READY (\S+)\n/,
    onReady: (line) => (url = line.split(' ')[1] ?? ''),
  });
  return { child, url };
}

/** More calls than there may be are a mistake, too. */
async function withCounts(url: string, ends: readonly CaseEnd[]): Promise<CaseEnd[]> {
  const counts = (await (await fetch(`${url}/counts`)).json()) as Readonly<Record<string, number>>;
  return ends.map((end) => {
    const { status, kind, subject } = end.of;
    const path = `/${status}/${kind}/${subject}`;
    const calls = (counts[`GET ${path}`] ?? 0) + (counts[`POST ${path}`] ?? 0);
    if (end.mistake !== undefined) return end;
    if (calls > mostCalls(end.of))
      return { ...end, mistake: `${calls} calls, at most ${mostCalls(end.of)} were allowed` };
    return calls === 0 ? { ...end, mistake: 'it was never called' } : end;
  });
}

async function inTime(work: Promise<unknown>): Promise<boolean> {
  let timer: NodeJS.Timeout | undefined;
  const late = new Promise<boolean>((resolve) => (timer = setTimeout(() => resolve(false), STOP_WITHIN_MS)));
  const isDone = await Promise.race([work.then(() => true), late]).catch(() => false);
  clearTimeout(timer);
  return isDone;
}

function memoryMiB(): number {
  return process.memoryUsage.rss() / 1024 / 1024;
}

function found<T>(value: T | undefined): T {
  if (value === undefined) throw new Error('not in this matrix');
  return value;
}
