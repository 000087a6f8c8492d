/**
 * What a worker counts: its calls, waits and reports as they happen. How all accounts, runs and limits stand is read
 * from Postgres when somebody asks. An account is never a label: there may be ten thousand. Next: `serve-metrics.ts`;
 * the names are explained in docs/operate/operating.md.
 */
import type { Meter } from '../../activities/index.ts';
import { AGE_BOUNDS_SECONDS, type Overview } from '../../contracts/operate/overview.ts';
import type { Removed } from '../../contracts/operate/retention.ts';
import { SLUICE_VERSION } from '../../contracts/version.ts';
import { readOverview, type Pool } from '../../db/index.ts';
import type { Limiter } from '../../limiter/index.ts';
import type { HeapGuard } from '../capacity/heap-guard.ts';
import { createRegistry, type Gauge } from './registry.ts';

export interface Metrics {
  readonly meter: Meter;
  /** The same limiter, with its answers counted. */
  watch(limiter: Limiter): Limiter;
  /** Counts rows that were removed because they were older than they are kept. */
  readonly removed: (rows: Removed) => void;
  /** All of it, in the text format of Prometheus. */
  text(pool: Pool, heap: HeapGuard): Promise<string>;
}

const CALL_BOUNDS = [0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30, 60];
const WAIT_BOUNDS = [0.1, 0.5, 1, 5, 30, 60, 300, 900, 3_600, 86_400];
/** Several readers, and those who read often, cost the database no more than one. */
const READ_AGAIN_MS = 15_000;

export function createMetrics(): Metrics {
  const registry = createRegistry();
  const calls = registry.counter('sluice_calls_total', 'Calls to third parties that were answered or broke off');
  const callSeconds = registry.histogram('sluice_call_seconds', 'How long they took', CALL_BOUNDS);
  const refused = registry.counter('sluice_limit_refused_total', 'Calls that were refused because of a limit');
  const waits = registry.histogram(
    'sluice_wait_seconds',
    'How long a call waited for its turn (turn), or was sent away for',
    WAIT_BOUNDS,
  );
  const removed = registry.counter('sluice_rows_removed_total', 'Rows that were older than they are kept');
  const reports = registry.counter('sluice_reports_total', 'Runs, actions and sagas that ended in this worker');
  registry
    .gauge('sluice_build_info', 'The version of this worker')
    .replace([{ labels: { version: SLUICE_VERSION, node: process.versions.node }, value: 1 }]);
  const isUp = registry.gauge('sluice_database_up', 'Whether Postgres answered when it was asked last');
  const heapShare = registry.gauge('sluice_heap_share', "Heap in use, as a share of the process's limit");
  const isFull = registry.gauge(
    'sluice_heap_full',
    'Whether the worker makes no calls because its heap is nearly full',
  );
  const standing = createStanding(registry);

  let read: Promise<void> | undefined;
  let readAt = -Infinity;
  const refresh = async (pool: Pool): Promise<void> => {
    try {
      standing.show(await readOverview(pool));
      isUp.replace([{ labels: {}, value: 1 }]);
    } catch {
      // Old numbers would look as if all were well.
      standing.clear();
      isUp.replace([{ labels: {}, value: 0 }]);
    }
  };
  return {
    meter: {
      called: ({ provider, endpoint, outcome, ms }) => {
        calls.add({ provider, endpoint, outcome });
        callSeconds.observe({ provider, endpoint }, ms / 1_000);
        if (outcome === 'limited') refused.add({ provider });
      },
      stored: () => {},
      reported: (outcome) => reports.add({ outcome }),
    },
    watch: (limiter) => ({
      ...limiter,
      acquire: async (request) => {
        const answer = await limiter.acquire(request);
        if (answer.granted) waits.observe({ reason: 'turn' }, answer.waitedMs / 1_000);
        else waits.observe({ reason: answer.wait.cause }, answer.retryAfterMs / 1_000);
        return answer;
      },
    }),
    removed: (rows) => {
      for (const [table, count] of Object.entries(rows)) removed.add({ table }, count);
    },
    text: async (pool, heap) => {
      const { usedBytes, limitBytes } = heap.use();
      heapShare.replace([{ labels: {}, value: usedBytes / limitBytes }]);
      isFull.replace([{ labels: {}, value: heap.isFull() ? 1 : 0 }]);
      if (performance.now() - readAt > READ_AGAIN_MS) {
        readAt = performance.now();
        read = refresh(pool);
      }
      await read;
      return registry.text();
    },
  };
}

/** The gauges of what Postgres knows: the same in every worker. */
function createStanding(registry: ReturnType<typeof createRegistry>) {
  const ages = registry.histogram(
    'sluice_sync_age_seconds',
    'Age of the last good run of each account, by sync; without one, since its first start',
    AGE_BOUNDS_SECONDS,
  );
  const accounts = registry.gauge('sluice_accounts', 'Accounts by state');
  const runs = registry.gauge('sluice_runs', 'Runs that have not ended, by state');
  const untold = registry.gauge('sluice_reports_untold', 'Failures that the app could not be told of yet');
  const alerts = registry.gauge('sluice_alerts', 'Open alerts by kind');
  const alertsUntold = registry.gauge('sluice_alerts_untold', 'Alerts that no receiver has taken yet');
  const limits: readonly (readonly [Gauge, 'ratePerSecond' | 'waiting' | 'blocked' | 'paused'])[] = [
    [
      registry.gauge('sluice_limit_rate', 'Calls a second that a key gives out, on average of its class'),
      'ratePerSecond',
    ],
    [registry.gauge('sluice_limit_waiting', 'Calls that wait for a limit'), 'waiting'],
    [registry.gauge('sluice_limit_blocked', 'Keys that an answer has blocked'), 'blocked'],
    [registry.gauge('sluice_limit_paused', 'Keys that an operator has paused'), 'paused'],
  ];
  const byState = (counts: Readonly<Record<string, number>>) =>
    Object.entries(counts).map(([state, value]) => ({ labels: { state }, value }));
  const show = (overview: Overview): void => {
    ages.replace(
      overview.ages.map(({ sync, accounts: times, averageMs }) => ({
        labels: { sync },
        value: averageMs / 1_000,
        times,
      })),
    );
    accounts.replace(byState(overview.accounts));
    runs.replace(byState(overview.runs));
    alerts.replace(Object.entries(overview.alerts).map(([kind, value]) => ({ labels: { kind }, value })));
    alertsUntold.replace([{ labels: {}, value: overview.alertsUntold }]);
    untold.replace([{ labels: {}, value: overview.untold }]);
    for (const [gauge, name] of limits)
      gauge.replace(
        overview.limits.flatMap((limit) => {
          const value = limit[name];
          return value === null ? [] : [{ labels: { key_class: limit.keyClass }, value }];
        }),
      );
  };
  return {
    show,
    clear: () => {
      for (const gauge of [accounts, runs, untold, alerts, alertsUntold, ...limits.map(([each]) => each)])
        gauge.replace([]);
      ages.replace([]);
    },
  };
}
