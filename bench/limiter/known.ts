/**
 * Known limits against a hidden server that counts for itself: nothing too much, whatever dies, and nearly all of it used.
 */
import type { Charge } from '../../contracts/limits/limit.ts';
import { atLeast, atMost, type Measure } from '../common/measures.ts';
import type { CallerOptions, CallerResult } from './caller.ts';
import { machineMs } from './hidden-server.ts';
import { playClock, type BenchPostgres } from './postgres.ts';
import { sleep, start, startHiddenServer, type Running } from './processes.ts';

interface KnownWindow {
  readonly path: string;
  readonly max: number;
  readonly perMs: number;
}

const PROCESSES = 8;
const CALLERS = 64;
// Eight processes that start at once keep the machine busy for some seconds.
const GUARD_MS = 100;
const START_MS = 6_000;

function chargesOf({ path, max, perMs }: KnownWindow): Charge[] {
  const name = path.slice(1);
  return [{ limit: { kind: 'window', name, max, perMs }, key: `known/${name}/all`, cost: 1 }];
}

function startCallers(
  url: string,
  serverPort: number,
  windows: readonly KnownWindow[],
  runMs: number,
): Running<CallerResult>[] {
  const startAt = machineMs() + START_MS;
  return Array.from({ length: PROCESSES }, (_, index) => {
    const options: CallerOptions = {
      url,
      name: `known-${index}-${Math.random().toString(36).slice(2, 6)}`,
      serverPort,
      runMs,
      startAt,
      loops: windows.map((window) => ({
        path: window.path,
        charges: chargesOf(window),
        account: `a${index}`,
        callers: CALLERS / windows.length,
      })),
    };
    return start<CallerResult>('caller.ts', options);
  });
}

/** Over-admission and refusals while a worker is killed, the database restarted and its clock set back. */
export async function measureFaults(postgres: BenchPostgres, runMs: number): Promise<Measure[]> {
  const windows: KnownWindow[] = [
    { path: '/w1', max: 50, perMs: 1_000 },
    { path: '/w10', max: 300, perMs: 10_000 },
  ];
  const { url, pool } = await postgres.createDatabase('bench_faults');
  const setClock = await playClock(pool);
  const server = await startHiddenServer(Object.fromEntries(windows.map((window) => [window.path, window])));
  const callers = startCallers(url, server.port, windows, runMs);
  await sleep(START_MS + runMs * 0.25);
  callers[0]!.process.kill('SIGKILL');
  await sleep(runMs * 0.2);
  await postgres.restart();
  await sleep(runMs * 0.2);
  await setClock(-5_000);
  const results = (await Promise.all(callers.map((caller) => caller.result))).filter((result) => result !== undefined);
  const log = await server.log();
  await server.stop();
  const refused = windows.reduce((sum, { path }) => sum + log[path]!.refused, 0);
  const accepted = windows.reduce((sum, { path }) => sum + log[path]!.acceptedAt.length, 0);
  const oversent = windows.reduce((sum, window) => sum + tooMany(log[window.path]!.sentAt, window), 0);
  const longestMs = Math.max(...windows.map(({ path }) => log[path]!.longestTravelMs));
  console.log(
    `  faults: ${accepted} calls accepted, ${oversent} sent too many, ${refused} arrived too many (calls travelled for up to ${longestMs.toFixed(0)} ms, the guard is 100 ms), store unavailable ${sum(results, 'unavailable')} times`,
  );
  return [
    atMost(
      'over-admission, known limits, 8 processes x 64, kill -9, Postgres restart, clock step -5 s',
      // A machine that is busy with other things delays calls on their way by more than the guard; then what arrived too
      // close together was still sent far enough apart.
      longestMs > GUARD_MS ? oversent : Math.max(oversent, refused),
      'calls',
      0,
    ),
    atLeast('calls accepted in that run', accepted, 'calls', 100),
  ];
}

/** Calls that were sent although the window behind them was full. */
export function tooMany(sentAt: readonly number[], { max, perMs }: KnownWindow): number {
  const sent: number[] = [];
  let over = 0;
  for (const at of sentAt.toSorted((a, b) => a - b)) {
    const oldest = sent.at(-max);
    if (oldest !== undefined && at - oldest < perMs) over += 1;
    else sent.push(at);
  }
  return over;
}

/** Utilisation against the greedy oracle, refusals and bounces, in a run where nothing breaks. */
export async function measureUtilisation(postgres: BenchPostgres, isQuick: boolean): Promise<Measure[]> {
  const minute: KnownWindow = isQuick
    ? { path: '/w60', max: 200, perMs: 10_000 }
    : { path: '/w60', max: 600, perMs: 60_000 };
  const second: KnownWindow = { path: '/w1', max: 50, perMs: 1_000 };
  const runMs = isQuick ? 25_000 : 3 * 60_000 + 8_000;
  const { url } = await postgres.createDatabase('bench_utilisation');
  const server = await startHiddenServer({ '/w60': minute, '/w1': second });
  const callers = startCallers(url, server.port, [minute, second], runMs);
  const results = (await Promise.all(callers.map((caller) => caller.result))).filter((result) => result !== undefined);
  const log = await server.log();
  await server.stop();
  const refused = log['/w60']!.refused + log['/w1']!.refused;
  const accepted = log['/w60']!.acceptedAt.length + log['/w1']!.acceptedAt.length;
  for (const [path, { longestTravelMs, refusedTravelMs }] of Object.entries(log)) {
    console.log(
      `  ${path}: calls were on their way for up to ${longestTravelMs.toFixed(0)} ms, refused ones ${refusedTravelMs.map((ms) => ms.toFixed(0)).join(', ') || '-'}`,
    );
  }
  console.log(
    `  utilisation: ${accepted} calls accepted, ${refused} refused, ${sum(results, 'throttled')} throttled, ${sum(results, 'bounces')} bounces`,
  );
  return [
    atMost('refusals on known limits', (100 * refused) / (accepted + refused), '%', 0.01),
    atLeast(
      'utilisation, known window of 60 s, saturated (oracle = 1)',
      utilisation(log['/w60']!.acceptedAt, minute),
      '',
      0.98,
    ),
    atLeast(
      'utilisation, known window of 1 s, saturated (oracle = 1)',
      utilisation(log['/w1']!.acceptedAt, second),
      '',
      0.88,
    ),
    atMost('bounces per throttled call', sum(results, 'bounces') / Math.max(1, sum(results, 'throttled')), '', 1.2),
    atMost('calls that held their slot over 1.1 s', sum(results, 'heldTooLong'), 'calls', 0),
  ];
}

/**
 * The time in which the greedy oracle would have made as many calls, by the time that it took. The oracle makes a whole
 * window's calls the moment it may.
 */
export function utilisation(acceptedAt: readonly number[], { max, perMs }: KnownWindow): number {
  // The last whole window's last call: a window that was just begun says nothing.
  const windows = Math.floor(acceptedAt.length / max);
  if (windows < 2) return Number.NaN;
  const tookMs = acceptedAt[(windows - 1) * max]! - acceptedAt[0]!;
  return ((windows - 1) * perMs) / tookMs;
}

function sum(results: readonly CallerResult[], field: 'throttled' | 'bounces' | 'heldTooLong' | 'unavailable'): number {
  return results.reduce((total, result) => total + result[field], 0);
}
