/**
 * Temporal's native runtime, one per process: its log lines go to ours. Next: `create-worker.ts`.
 */
import { DefaultLogger, Runtime, type LogEntry } from '@temporalio/worker';
import type { Log } from '../activities/index.ts';

// A process has one runtime however many workers it has; installing it twice is an error.
let isInstalled = false;
let metricsAddress: string | undefined;

/**
 * Installs the runtime unless this process has one. Retries of activities are normal here and logged as `debug`.
 * @param wantedAddress `host:port` where it is to serve its own metrics.
 * @returns where it serves them: the first address that this process wanted; undefined: nowhere.
 */
export function installRuntime(log: Log, wantedAddress?: string): string | undefined {
  if (isInstalled) return metricsAddress;
  isInstalled = true;
  try {
    Runtime.install({
      logger: new DefaultLogger('WARN', (entry) => forward(log, entry)),
      // Else what its native part has to say is printed as plain lines between ours.
      telemetryOptions: {
        logging: { filter: { core: 'WARN', other: 'ERROR' }, forward: {} },
        ...(wantedAddress === undefined
          ? {}
          : {
              metrics: { prometheus: { bindAddress: wantedAddress, useSecondsForDurations: true, unitSuffix: true } },
            }),
      },
    });
    metricsAddress = wantedAddress;
  } catch (error) {
    // The app has installed its own, which is then the one to use.
    log.info({ error: String(error) }, 'using the Temporal runtime that this process already has');
  }
  return metricsAddress;
}

/** For a process that has no worker. */
export async function endRuntime(): Promise<void> {
  await Runtime.instance().shutdown();
}

/** What its native part says, for each task and call, where the machine is too busy to answer in time. Nothing is lost by it. */
const LATE = /TMPRL1104|Task not found when completing|untracked local activity/;
const SAY_AGAIN_MS = 60_000;
let saidLateAt = -Infinity;

function sayLate(log: Log): void {
  if (performance.now() - saidLateAt < SAY_AGAIN_MS) return;
  saidLateAt = performance.now();
  log.warn(
    {},
    'this worker is late: workflow tasks take more than 5 s, so some are done twice. Its machine is too busy: lower ' +
      'SLUICE_CONCURRENCY, set SLUICE_SLOTS=auto, or start more workers elsewhere',
  );
}

function forward(log: Log, { level, message, meta }: LogEntry): void {
  const fields = { ...meta, taskToken: undefined, ...(meta?.['error'] instanceof Error ? inWords(meta['error']) : {}) };
  // A failed attempt is how a call waits or is tried again; the unit's row and the Web UI tell its story.
  if (message === 'Activity failed') return;
  if (LATE.test(message)) return sayLate(log);
  if (level === 'ERROR') log.error(fields, message);
  else log.warn(fields, message);
}

/** An error has no fields of its own to be logged; what happened first is said by its innermost cause. */
function inWords(error: Error): { readonly error: string; readonly stack: string | undefined } {
  let text = error.message;
  for (let cause = error.cause; cause instanceof Error; cause = cause.cause) text += `: ${cause.message}`;
  return { error: `${error.name}: ${text}`, stack: error.stack };
}
