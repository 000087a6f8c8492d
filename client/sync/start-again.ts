/** One more run with the input of the newest one: for people who have no definition at hand. Next: `start-run.ts`. */
import type { NamesOf } from '../../contracts/values/option-mistakes.ts';
import { checkNames } from '../options/known-options.ts';
import type { Priority } from '../../contracts/limits/limit.ts';
import type { StartedBy } from '../../contracts/report.ts';
import type { RunMode } from '../../contracts/run.ts';
import { readRunRequest } from '../../db/index.ts';
import type { ClientParts } from '../start-workflow.ts';
import { findUnending } from './start-or-find.ts';
import { launchRun } from './start-run.ts';

export interface StartAgainOptions {
  /** `full`: every list from its beginning. Default `incremental`. */
  readonly mode?: RunMode;
  /** Default `bulk`. */
  readonly priority?: Priority;
  /** Who wants it, for its report. Default: `by` of the client. */
  readonly startedBy?: StartedBy;
}

const OPTIONS: NamesOf<StartAgainOptions> = { mode: true, priority: true, startedBy: true };

/** @returns the run's id. @throws TypeError for unknown options. Error when there was no run before, or one is going on. */
export async function startAgain(parts: ClientParts, workflowId: string, options: StartAgainOptions): Promise<string> {
  checkNames('startAgain', options, OPTIONS);
  const goesOn = new Error(`A run of "${workflowId}" is going on.`);
  if (await findUnending(parts, workflowId)) throw goesOn;
  const before = await readRunRequest(parts.pool, workflowId);
  if (!before)
    throw new Error(`No run of "${workflowId}" is known whose input could be used again. Start one by \`start()\`.`);
  const { provider, tenant, ...of } = before;
  const started = await launchRun(parts, provider, {
    ...of,
    startedBy: parts.startedBy,
    ...options,
    ...(tenant === null ? {} : { tenant }),
  });
  if (started === undefined) throw goesOn;
  return started;
}
