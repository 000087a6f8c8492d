/**
 * Reads the failed lists of an ended run again, and nothing else. Next: `start-run.ts`, then `db/stores/run/retry-store.ts`.
 */
import type { Priority } from '../../contracts/limits/limit.ts';
import type { StartedBy } from '../../contracts/report.ts';
import type { Flaw } from '../../contracts/run.ts';
import type { NamesOf } from '../../contracts/values/option-mistakes.ts';
import { readRetriable } from '../../db/index.ts';
import { checkNames } from '../options/known-options.ts';
import { findUnending } from './start-or-find.ts';
import { launchRun } from './start-run.ts';
import type { ClientParts } from '../start-workflow.ts';

export interface RetryOptions {
  /** Ends that are to be read again besides `failed` and what was never finished, e.g. `['skipped']`. Default none. */
  readonly also?: readonly Exclude<Flaw['kind'], 'failed'>[];
  /** Default `bulk`. */
  readonly priority?: Priority;
  /** Who wants it, for its report. Default: `by` of the client. */
  readonly startedBy?: StartedBy;
}

const OPTIONS: NamesOf<RetryOptions> = { also: true, priority: true, startedBy: true };
const ENDS: readonly Flaw['kind'][] = ['skipped', 'capped', 'looped', 'truncated', 'flawed', 'failed'];

/**
 * @returns the run's id.
 * @throws Error when there is no run to retry, or one is going on; TypeError for options that it does not know.
 */
export async function retryFailed(parts: ClientParts, workflowId: string, options: RetryOptions): Promise<string> {
  checkNames('retryFailed', options, OPTIONS);
  const unknown = options.also?.find((end) => !ENDS.includes(end));
  if (unknown !== undefined)
    throw new TypeError(`\`also\` names ${JSON.stringify(unknown)}; it may name ${ENDS.join(', ')}.`);
  if (await findUnending(parts, workflowId)) throw goesOn(workflowId);
  const ended = await readRetriable(parts.pool, workflowId);
  if (!ended) throw new Error(`There is no run of "${workflowId}" to retry.`);
  const started = await launchRun(parts, ended.provider, {
    sync: ended.sync,
    account: ended.account,
    input: ended.input,
    ...(ended.tenant === null ? {} : { tenant: ended.tenant }),
    ...(options.priority ? { priority: options.priority } : {}),
    startedBy: options.startedBy ?? parts.startedBy,
    retryOf: { runId: ended.runId, also: options.also ?? [] },
  });
  if (started === undefined) throw goesOn(workflowId);
  return started;
}

const goesOn = (workflowId: string): Error =>
  new Error(`A run of "${workflowId}" is going on. Wait for its result, then retry what failed.`);
