/**
 * What failures of the third party cost: a fifth of all calls failing at random (5xx, resets, silence, half bodies) beside
 * the same run without failures, an outage of half a minute, and one of an hour in virtual time.
 * Next: `failover/third-party.ts`, `failover/virtual-outage.ts`.
 */
import { connect } from '../client/index.ts';
import type { FakeApi } from '../testing/index.ts';
import { createWorker } from '../workers/index.ts';
import { startBenchServers } from './engine/servers.ts';
import { defineFailoverSync, leastCalls, startThirdParty, type Size } from './failover/third-party.ts';
import { playOutage } from './failover/virtual-outage.ts';
import { atMost, type Measure } from './common/measures.ts';

export interface FailoverOptions {
  readonly quick?: boolean;
}

interface RunFigures {
  readonly seconds: number;
  readonly calls: number;
  readonly lostRows: number;
}

interface Place {
  readonly databaseUrl: string;
  readonly address: string;
}

/** The outage begins so long after the start, and takes so long. */
const OUTAGE_AFTER_MS = 4_000;
const OUTAGE_MS = 30_000;
const SEED = 20;

/** @returns one measure for each goal; prints nothing but what it is at. */
export async function runFailover({ quick = false }: FailoverOptions = {}): Promise<readonly Measure[]> {
  // Below what two busy cores can do, so that the limit and not the machine sets the pace.
  const size: Size = quick ? { users: 20, rows: 60, perSecond: 20 } : { users: 100, rows: 120, perSecond: 20 };
  const small: Size = { users: 40, rows: 80, perSecond: 20 };
  const servers = await startBenchServers();
  try {
    const temporal = await servers.startTemporal();
    try {
      const place: Place = { databaseUrl: await servers.createDatabase('failover'), address: temporal.address };
      const clean = await measureRun(place, 'clean', size, () => undefined);
      say('without failures', clean);
      const failing = await measureRun(place, 'failing', size, (api) => {
        api.chaos({ rate: 0.2, kinds: ['500', '502', '503', 'reset', 'silent', 'half-body'], seed: SEED });
      });
      say('with 20 % failures', failing);
      const outage = await measureOutage(place, small);
      const hour = playOutage({ callers: 100, outageMs: 3_600_000, callMs: 100 });
      return [
        atMost('20 % random failures: time against the run without failures', failing.seconds / clean.seconds, 'times', 1.4),
        atMost('20 % random failures: calls against the least possible', failing.calls / leastCalls(size), 'times', 1.35),
        atMost('20 % random failures: rows lost', failing.lostRows, 'rows', 0),
        atMost('outage of half a minute: rows lost', outage.lostRows, 'rows', 0),
        atMost('outage of half a minute: calls made while it was known', outage.probes, 'calls', 10),
        atMost('outage of half a minute: until rows came again', outage.resumedAfterS, 's', 20),
        atMost('outage of an hour, virtual time: probes', hour.probes, 'calls', 80),
        atMost('outage of an hour, virtual time: until all calls flow again', hour.resumedAfterS, 's', 90),
      ]; // prettier-ignore
    } finally {
      await temporal.stop();
    }
  } finally {
    await servers.stop();
  }
}

async function measureRun(
  place: Place,
  name: string,
  size: Size,
  prepare: (api: FakeApi) => unknown,
): Promise<RunFigures & { readonly perSecond: readonly number[]; readonly preparedAtMs: number }> {
  const api = await startThirdParty(size, SEED);
  const apiStartedAt = performance.now();
  const sync = defineFailoverSync(name, api, size);
  const temporal = { address: place.address };
  const settings = { taskQueue: name, concurrency: 200, dbConnections: 10, egress: 'bench', drainSeconds: 1, logLevel: 'silent' }; // prettier-ignore
  const worker = await createWorker({ syncs: [sync], databaseUrl: place.databaseUrl, temporal, settings });
  const running = worker.run();
  const sluice = await connect({ databaseUrl: place.databaseUrl, temporal, taskQueue: name });
  try {
    prepare(api);
    const startedAt = performance.now();
    const preparedAtMs = startedAt - apiStartedAt;
    const result = await (await sluice.start(sync, { account: 'a', input: {} })).result();
    const seconds = (performance.now() - startedAt) / 1_000;
    const { calls, perSecond } = api.report();
    return { seconds, calls, lostRows: size.users * (1 + size.rows) - result.rows, perSecond, preparedAtMs };
  } finally {
    worker.shutdown();
    await running;
    await sluice.close();
    await api.stop();
  }
}

async function measureOutage(
  place: Place,
  size: Size,
): Promise<RunFigures & { readonly probes: number; readonly resumedAfterS: number }> {
  const figures = await measureRun(place, 'outage', size, (api) =>
    api.outage({ kind: '503', afterMs: OUTAGE_AFTER_MS, durationMs: OUTAGE_MS }),
  );
  const { perSecond, preparedAtMs } = figures;
  // Two seconds to notice it; the rest of the outage belongs to the probes.
  const from = Math.ceil((preparedAtMs + OUTAGE_AFTER_MS) / 1_000) + 2;
  const until = Math.floor((preparedAtMs + OUTAGE_AFTER_MS + OUTAGE_MS) / 1_000);
  const probes = perSecond.slice(from, until).reduce((sum, calls) => sum + calls, 0);
  const backAt = perSecond.findIndex((calls, second) => second >= until && calls >= size.perSecond / 4);
  const resumedAfterS = backAt < 0 ? Number.NaN : backAt - until;
  say(`with an outage of ${OUTAGE_MS / 1_000} s`, figures);
  return { ...figures, probes, resumedAfterS };
}

function say(what: string, { seconds, calls, lostRows }: RunFigures): void {
  console.log(`${what}: ${seconds.toFixed(1)} s, ${calls} calls, ${lostRows} rows lost`);
}
