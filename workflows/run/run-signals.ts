/**
 * What a run is told while it works: to pause, to go on, that its account is connected again, that a new build is there.
 * Signals may come before the walk has begun: then they are kept for it. Used by: `workflows/sync.ts`. Next: `pause-switch.ts`.
 */
import {
  setCurrentDetails,
  setHandler,
  upsertSearchAttributes,
  type CancellationScope,
  type SignalDefinition,
} from '@temporalio/workflow';
import { newBuildSignal, pauseSignal, reconnectedSignal, resumeSignal, statusAttribute } from '../signals.ts';
import { createPauseSwitch, type PauseSwitch } from './pause-switch.ts';
import type { RunWalk } from './run-walk.ts';
import { isOtherBuild } from './versioning.ts';

export interface RunSignals {
  readonly pauses: PauseSwitch;
  /** From now on it is told to this walk. */
  beginWalk(walk: RunWalk): void;
}

/** @param shield what follows from a signal is not cancelled with the workflow. */
export function hearSignals(runId: string, shield: CancellationScope, fail: (error: unknown) => void): RunSignals {
  let walk: RunWalk | undefined;
  let isMoving = false;
  const pauses = createPauseSwitch(
    runId,
    (state) => {
      upsertSearchAttributes([{ key: statusAttribute, value: state }]);
      if (state === 'paused') setCurrentDetails('Paused. Signal `resume` to go on.');
      if (state === 'paused') walk?.pause();
      else walk?.resume();
    },
    () => walk?.stop('over'),
    fail,
  );
  const on = <Args extends unknown[]>(signal: SignalDefinition<Args>, ask: (...args: Args) => void): void =>
    setHandler(signal, (...args) => void shield.run(() => Promise.resolve(ask(...args))));
  on(pauseSignal, (isWritten?: boolean) =>
    pauses.ask({ state: 'paused', ...(isWritten === true ? { isWritten } : {}) }),
  );
  on(resumeSignal, (before?: number) =>
    pauses.ask({ state: 'running', ...(typeof before === 'number' ? { pauses: before } : {}) }),
  );
  on(newBuildSignal, (version?: string) => {
    if (!isOtherBuild(version)) return;
    isMoving = true;
    walk?.stop('cut');
  });
  on(reconnectedSignal, () => pauses.ask({ state: 'running', isReconnected: true }));
  return {
    pauses,
    beginWalk: (begun) => {
      walk = begun;
      pauses.open();
      // Told while it was being opened.
      if (isMoving) walk.stop('cut');
    },
  };
}
