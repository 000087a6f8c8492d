/**
 * What a worker does by itself beside serving its task queues: one loop a file, each with its own pace.
 * Used by: `workers/create-worker.ts`.
 */
import type { ActivityDeps, RevokeDeps } from '../../activities/index.ts';
import type { ClientParts } from '../../client/start-workflow.ts';
import type { Removed, Retention } from '../../contracts/operate/retention.ts';
import type { SecretUseCounter } from '../../db/index.ts';
import type { Provider } from '../../providers/define/define-provider.ts';
import { startDelivering } from '../alerts/deliver-alerts.ts';
import { startWatchingAlerts } from '../alerts/watch-alerts.ts';
import { startScheduling } from '../schedules/run-schedules.ts';
import type { WorkerSettings } from '../config.ts';
import type { WorkerOptions } from '../worker-options.ts';
import { startAuditing } from './audit-reads.ts';
import type { PaceCounter } from './count-pace.ts';
import { startLeavingJobs } from './leave-jobs.ts';
import { startTelling } from './notify-failures.ts';
import { startReconciling } from './reconcile.ts';
import { startRemoving } from './remove-old.ts';
import { startResuming } from './resume-reconnected.ts';
import { startRevoking } from './revoke-disconnected.ts';
import { startWatchingRuns } from './watch-runs.ts';

export interface LoopParts {
  readonly parts: ClientParts;
  readonly deps: ActivityDeps;
  readonly options: WorkerOptions;
  readonly settings: Pick<WorkerSettings, 'alertWebhook' | 'proxy'>;
  readonly taskQueues: readonly string[];
  readonly providers: ReadonlyMap<string, Provider>;
  readonly kept: Required<Retention>;
  readonly onRemoved: ((removed: Removed) => void) | undefined;
  /** Undefined: this worker has no keys, so it can revoke nothing. */
  readonly revoking: RevokeDeps | undefined;
  readonly secretUses: SecretUseCounter;
  readonly pace: PaceCounter;
}

export interface Loops {
  /** Ends all that may still make calls or start something. */
  stop(): Promise<void>;
  /** Writes what was counted, and ends that too. */
  stopCounting(): Promise<void>;
}

export function startLoops(of: LoopParts): Loops {
  const { parts, deps, options, settings, providers, revoking } = of;
  const { pool, client } = parts;
  const { log, tellLock } = deps;
  const { syncs = [], onFailure, onAlert, alerts = {}, stalledAfterMs, scheduler } = options;
  const loops = [
    startResuming(pool, client, log),
    startReconciling({ pool, client, tellLock }, log),
    startRemoving(pool, log, of.kept, of.onRemoved),
    startLeavingJobs(deps, syncs),
    startScheduling(parts, syncs, log, scheduler),
    startDelivering(pool, { onAlert, webhook: settings.alertWebhook, proxy: settings.proxy }, log),
  ];
  if (revoking) loops.push(startRevoking(revoking, providers, log));
  if (onFailure) loops.push(startWatchingRuns(pool, log, stalledAfterMs), startTelling(pool, onFailure, log));
  if (alerts !== false) loops.push(startWatchingAlerts({ pool, client }, of.taskQueues, log, alerts));
  const counters = [startAuditing(pool, of.secretUses, log), of.pace.start(pool, log)];
  return { stop: () => endAll(loops), stopCounting: () => endAll(counters) };
}

async function endAll(stops: readonly (() => Promise<void>)[]): Promise<void> {
  await Promise.all(stops.map((stop) => stop()));
}
