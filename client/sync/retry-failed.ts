/**
 * Reads the failed lists of an ended run again, and nothing else. Next: `start-run.ts`, then `db/stores/run/retry-store.ts`.
 */
import type { Priority } from '../../contracts/limits/limit.ts';
import type { StartedBy } from '../../contracts/report.ts';
import { FLAW_KINDS, type Flaw } from '../../contracts/run.ts';
import type { NamesOf } from '../../contracts/values/option-mistakes.ts';
import { quotedForShell } from '../../contracts/values/shell-word.ts';
import { readRetriable, type Retriable } from '../../db/index.ts';
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

/**
 * @returns the run's id.
 * @throws Error when there is no run to retry, none of its lists is one to read again, or a run is going on. TypeError
 * for options that it does not know.
 */
export async function retryFailed(parts: ClientParts, workflowId: string, options: RetryOptions): Promise<string> {
  checkNames('retryFailed', options, OPTIONS);
  const unknown = options.also?.find((end) => !FLAW_KINDS.includes(end));
  if (unknown !== undefined)
    throw new TypeError(`\`also\` names ${JSON.stringify(unknown)}; it may name ${FLAW_KINDS.join(', ')}.`);
  if (await findUnending(parts, workflowId)) throw goesOn(workflowId);
  const ended = await readRetriable(parts.pool, workflowId, options.also ?? []);
  if (!ended) throw new Error(`There is no run of "${workflowId}" to retry.`);
  if (!ended.hasAny && (ended.state === 'done' || ended.state === 'incomplete')) throw nothingFailed(workflowId, ended);
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

/** A run that read nothing would count as a good one. */
const nothingFailed = (workflowId: string, { state, otherEnds }: Retriable): Error =>
  new Error(
    state === 'done'
      ? `The newest run of "${workflowId}" read every list to its end: there is nothing to retry. \`start\` begins another one.`
      : `No list of the newest run of "${workflowId}" failed. Those that ended as ${otherEnds.join(', ')} are read again where ` +
          `\`also\` names them: \`npx sluice retry ${quotedForShell(workflowId)} --also ${otherEnds.join(' ')}\`.`,
  );

const goesOn = (workflowId: string): Error =>
  new Error(`A run of "${workflowId}" is going on. Wait for its result, then retry what failed.`);
