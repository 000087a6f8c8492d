/**
 * Starts a run: one workflow per account and sync. Returns as soon as Temporal has accepted it, so it fits a request
 * handler. Next stop: `start-run.ts`.
 */
import type { Priority } from '../../contracts/limit.ts';
import type { SyncInput } from '../../contracts/messages.ts';
import { syncWorkflowId } from '../../contracts/names.ts';
import type { StartedBy } from '../../contracts/report.ts';
import type { RunMode } from '../../contracts/run.ts';
import type { Sync } from '../../providers/define/define-sync.ts';
import { checkOptions } from '../check-options.ts';
import { launchRun } from './start-run.ts';
import type { ClientParts } from '../start-workflow.ts';
import { createHandle, type SyncHandle } from './sync-handle.ts';

export interface StartOptions<Input> {
  /** Whose connection: records, limits and credentials go by it. */
  readonly account: string;
  readonly input: Input;
  /** Who pays or owns the account; for fairness and search. Default: the account. */
  readonly tenant?: string;
  /** Who wants it, for its report: `user:<id>` or `system`. Default `system`. */
  readonly startedBy?: StartedBy;
  /** `interactive` overtakes `bulk`, `trickle` goes last: at limits and in task queues. Default `bulk`. */
  readonly priority?: Priority;
  /** Share among the tenants that wait for the same thing, 0.001 … 1,000. Default 1. */
  readonly weight?: number;
  /**
   * `incremental`: lists with a watermark are asked for what changed since. `full`: all of them are read from their
   * beginning, which also marks deletions. Default `incremental`.
   */
  readonly mode?: RunMode;
  /**
   * When this time has passed, what is still open ends as `truncated` and the run as incomplete: a date, an ISO text, or
   * milliseconds from now. Default: none.
   */
  readonly deadline?: Date | string | number;
  /**
   * The same when neither a page nor the end of a list has come for so long, in milliseconds, ≥ 1,000. A pause does not
   * count. Default three days: quotas of a day and outages of hours are waited for.
   */
  readonly giveUpAfterMs?: number;
  /** Cut histories earlier, for tests. Default: what the sync says. */
  readonly maxHistoryEvents?: number;
}

const GIVE_UP_AFTER_MS = 3 * 86_400_000;

/**
 * @throws TypeError when an option or the input does not fit.
 */
export async function startSync<Input>(
  parts: ClientParts,
  sync: Sync<Input>,
  options: StartOptions<Input>,
): Promise<SyncHandle> {
  const { definition } = sync;
  const { account, tenant, startedBy = 'system', priority = 'bulk', weight = 1, mode, maxHistoryEvents } = options;
  const { giveUpAfterMs = GIVE_UP_AFTER_MS } = options;
  checkOptions({ account, tenant, startedBy, priority, weight, mode, giveUpAfterMs });
  const input: SyncInput = {
    sync: definition.name,
    account,
    input: definition.parseInput(options.input),
    startedBy,
    priority,
    weight,
    giveUpAfterMs,
    ...(options.deadline === undefined ? {} : { deadline: deadlineOf(options.deadline) }),
    ...(tenant === undefined ? {} : { tenant }),
    ...(mode === undefined ? {} : { mode }),
    ...(maxHistoryEvents === undefined ? {} : { maxHistoryEvents }),
  };
  await launchRun(parts, definition.provider.id, input);
  return createHandle(parts, { workflowId: syncWorkflowId(definition.name, account) });
}

function deadlineOf(deadline: Date | string | number): string {
  const at = new Date(typeof deadline === 'number' ? Date.now() + deadline : deadline);
  if (!(at.getTime() > Date.now()))
    throw new TypeError(`\`deadline\` is ${String(deadline)}; it must be a time to come.`);
  return at.toISOString();
}
