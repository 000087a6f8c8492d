/**
 * Pauses and resumes a run, one after the other in the order in which they were asked for. Signals that arrive together
 * are heard in one workflow task. The row first: a call looks at it before it is made, so nothing is sent after a pause
 * was written.
 * Next: `db/stores/run/run-store.ts`.
 */
import type { SetRunStateInput } from '../../contracts/messages.ts';
import type { RunState } from '../../contracts/run.ts';
import { step } from '../activity-proxies.ts';

type Switch = Omit<SetRunStateInput, 'runId'>;

export interface PauseSwitch {
  ask(how: Switch): void;
  /** The run has a row now. */
  open(): void;
  /** Nothing that was asked for is still to be done. */
  isIdle(): boolean;
  /** What is asked for from here on is left undone: the run is ending. */
  close(): void;
}

/**
 * @param onState is told when the run is in the state that was asked for; asked twice, it is told twice.
 * @param onOver is told when the run has ended in the database. A workflow task that ends a run is given back when a
 * signal has come meanwhile. All that was done in it is done again. Then a resume finds its run ended.
 */
export function createPauseSwitch(
  runId: string,
  onState: (state: Switch['state']) => void,
  onOver: () => void,
  fail: (error: unknown) => void,
): PauseSwitch {
  const asked: Switch[] = [];
  let isOpen = false;
  let isSwitching = false;
  const next = (): void => {
    const how = asked[0];
    if (!isOpen || isSwitching || !how) return;
    isSwitching = true;
    const onEnd = (state: RunState | undefined): void => {
      isSwitching = false;
      asked.shift();
      if (state === how.state) onState(how.state);
      else if (state !== 'running' && state !== 'paused') onOver();
      next();
    };
    step((steps) => steps.setRunState({ runId, ...how }), onEnd, fail);
  };
  return {
    ask: (how) => {
      asked.push(how);
      next();
    },
    isIdle: () => asked.length === 0,
    close: () => {
      isOpen = false;
    },
    open: () => {
      isOpen = true;
      next();
    },
  };
}
