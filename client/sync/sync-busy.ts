/** The failure of a start that finds a run going on. */
import { busyText, type AskedOfRun, type RunningRun } from '../../contracts/running-run.ts';

/** Not started: a run of this sync and account is going on, for something else, or `ifRunning` is `refuse`. */
export class SyncBusy extends Error {
  override readonly name = 'SyncBusy';
  readonly running: RunningRun;

  constructor(sync: string, account: string, asked: AskedOfRun, running: RunningRun) {
    super(busyText(sync, account, asked, running));
    this.running = running;
  }
}
