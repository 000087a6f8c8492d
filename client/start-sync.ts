/**
 * Starts a run: one workflow per account and sync. Returns as soon as Temporal has accepted it, so it fits a request
 * handler. Next stop: `launch-run.ts`.
 */
import type { Priority } from '../contracts/limit.ts';
import type { SyncInput } from '../contracts/messages.ts';
import { syncWorkflowId } from '../contracts/names.ts';
import { checkStartedBy, type StartedBy } from '../contracts/report.ts';
import type { RunMode } from '../contracts/run.ts';
import type { Sync } from '../providers/define-sync.ts';
import { launchRun } from './launch-run.ts';
import type { ClientParts } from './start-reported.ts';
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
  /** Cut histories earlier, for tests. Default: what the sync says. */
  readonly maxHistoryEvents?: number;
}

/**
 * @throws TypeError when account, `startedBy` or input do not fit.
 */
export async function startSync<Input>(
  parts: ClientParts,
  sync: Sync<Input>,
  options: StartOptions<Input>,
): Promise<SyncHandle> {
  const { definition } = sync;
  const { account, tenant, startedBy = 'system', priority = 'bulk', weight = 1, mode, maxHistoryEvents } = options;
  checkAccount(account);
  checkStartedBy(startedBy);
  const input: SyncInput = {
    sync: definition.name,
    account,
    input: definition.parseInput(options.input),
    startedBy,
    priority,
    weight,
    ...(tenant === undefined ? {} : { tenant }),
    ...(mode === undefined ? {} : { mode }),
    ...(maxHistoryEvents === undefined ? {} : { maxHistoryEvents }),
  };
  await launchRun(parts, definition.provider.id, input);
  return createHandle(parts, { workflowId: syncWorkflowId(definition.name, account) });
}

/** @throws TypeError when it can't be part of a workflow id. */
export function checkAccount(account: string): void {
  if (!account || account.includes('/'))
    throw new TypeError(`\`account\` is ${JSON.stringify(account)}; it must be a name without "/".`);
}
