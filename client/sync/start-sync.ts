/**
 * Starts a run: one workflow per account and sync. Returns as soon as Temporal has accepted it, so it fits a request
 * handler. Next: `start-or-find.ts`, then `start-run.ts`; where a run is going on, `contracts/running-run.ts`.
 */
import type { Priority } from '../../contracts/limits/limit.ts';
import { GIVE_UP_AFTER_MS, type SyncInput } from '../../contracts/messages.ts';
import { meetRunning, type AskedOfRun, type IfRunning, type RunningRun } from '../../contracts/running-run.ts';
import { syncWorkflowId } from '../../contracts/names.ts';
import type { StartedBy } from '../../contracts/report.ts';
import type { RunMode } from '../../contracts/run.ts';
import { databaseTime, type Pool } from '../../db/index.ts';
import type { Sync } from '../../providers/define/define-sync.ts';
import type { NamesOf } from '../../contracts/values/option-mistakes.ts';
import { checkOptions, checkKind } from '../options/check-options.ts';
import { tenantOfStart } from '../tenant/tenant-of-start.ts';
import { isQueuedFor, queueRun } from './queue-run.ts';
import { startOrFind, type HowToStart } from './start-or-find.ts';
import { SyncBusy } from './sync-busy.ts';
import type { ClientParts } from '../start-workflow.ts';
import { createHandle, type SyncHandle } from './sync-handle.ts';

export interface StartOptions<Input> {
  /** Whose connection: records, limits and credentials go by it. */
  readonly account: string;
  readonly input: Input;
  /** Who pays or owns the account; for fairness and search. Default: the tenant that it was connected for, else the account's own name. */
  readonly tenant?: string;
  /** Who wants it, for its report: `user:<id>` or `system`. Default: `by` of the client. */
  readonly startedBy?: StartedBy;
  /** `interactive` overtakes `bulk`, `background` goes last: at limits and in task queues. Default `bulk`. */
  readonly priority?: Priority;
  /** Share among the tenants that wait for the same thing, 0.001 … 1,000. Default 1. */
  readonly weight?: number;
  /**
   * `incremental`: lists with a watermark are asked for what changed since. `full`: all of them are read from their
   * beginning, which also marks deletions. Default `incremental`.
   */
  readonly mode?: RunMode;
  /**
   * When this time has passed, what is still open ends as `truncated` and the run as incomplete. It is a date, an ISO
   * text, or milliseconds from now. Default: none.
   */
  readonly deadline?: Date | string | number;
  /**
   * The same when neither a page nor the end of a list has come for so long, in milliseconds, ≥ 1,000. A pause does not
   * count. Default three days: quotas of a day and outages of hours are waited for.
   */
  readonly giveUpAfterMs?: number;
  /**
   * What to do where a run of this sync and account is going on. `attach`: take that one, whatever its input;
   * `attached` of the handle says what it was asked for. `refuse`: throw `SyncBusy`. `queue`: a run of its own when
   * that one has ended, behind those that were queued before; until then its state is `queued`. Default: `attach` where
   * the run was asked for the same, else `refuse`. The same is the input as the schema reads it; a full run also does
   * what an incremental one does. One that was cancelled is waited for first, for at most ten seconds.
   */
  readonly ifRunning?: IfRunning;
  /** Cut histories earlier, for tests. Default: what the sync says. */
  readonly maxHistoryEvents?: number;
}

const START_OPTIONS: NamesOf<StartOptions<unknown>> = {
  account: true,
  input: true,
  tenant: true,
  startedBy: true,
  priority: true,
  weight: true,
  mode: true,
  deadline: true,
  giveUpAfterMs: true,
  ifRunning: true,
  maxHistoryEvents: true,
};

/** A run that was started, or found. */
export interface StartedRun extends SyncHandle {
  /** The run that was going on and that this handle is about; undefined when the run is this start's own. */
  readonly attached?: RunningRun;
}

/**
 * @throws TypeError when an option or the input does not fit. TenantMismatch when the account belongs to another tenant
 *   than `tenant`. SyncBusy when a run is going on and is not to be attached to.
 */
export async function startSync<Input>(
  parts: ClientParts,
  sync: Sync<Input>,
  options: StartOptions<Input>,
  how?: HowToStart,
): Promise<StartedRun> {
  checkKind('start', sync, 'nodes');
  const { definition } = sync;
  const { account, startedBy = parts.startedBy, priority = 'bulk', weight = 1, mode, maxHistoryEvents } = options;
  const { giveUpAfterMs = GIVE_UP_AFTER_MS, ifRunning } = options;
  checkOptions(
    { account, tenant: options.tenant, startedBy, priority, weight, mode, giveUpAfterMs, ifRunning },
    options,
    START_OPTIONS,
  );
  const parsed = definition.parseInput(options.input);
  const tenant = await tenantOfStart(parts.pool, [definition.provider.id], account, options.tenant);
  const input: SyncInput = {
    sync: definition.name,
    account,
    input: parsed,
    startedBy,
    priority,
    weight,
    giveUpAfterMs,
    ...(options.deadline === undefined ? {} : { deadline: await deadlineOf(parts.pool, options.deadline) }),
    ...(tenant === undefined ? {} : { tenant }),
    ...(mode === undefined ? {} : { mode }),
    ...(maxHistoryEvents === undefined ? {} : { maxHistoryEvents }),
  };
  const workflowId = syncWorkflowId(definition.name, account);
  const asked = { input: input.input, mode: mode ?? 'incremental' };
  // Between two runs nothing is going on for a moment: those that wait for it were there before.
  if (ifRunning === 'queue' && (await isQueuedFor(parts.pool, definition.name, account)))
    return createHandle(parts, { workflowId: await queueRun(parts, input) });
  const found = await startOrFind(parts, definition.provider.id, input, workflowId, how);
  return 'running' in found
    ? meet(parts, sync, input, ifRunning, asked, found.running)
    : createHandle(parts, { workflowId, runId: found.runId });
}

async function meet<Input>(
  parts: ClientParts,
  { definition }: Sync<Input>,
  input: SyncInput,
  ifRunning: IfRunning | undefined,
  asked: AskedOfRun,
  running: RunningRun,
): Promise<StartedRun> {
  const there = { ...running, input: asRead(definition.parseInput, running.input) };
  if (running.isEnding && ifRunning !== 'queue') throw new SyncBusy(definition.name, input.account, asked, there);
  const { workflowId, runId } = running;
  switch (meetRunning(ifRunning, asked, there)) {
    case 'attach':
      return { ...createHandle(parts, { workflowId, runId }), attached: there };
    case 'refuse':
      throw new SyncBusy(definition.name, input.account, asked, there);
    case 'queue':
      return createHandle(parts, { workflowId: await queueRun(parts, input) });
  }
}

/** As the schema of today reads it; what it refuses stays as it is. */
function asRead(parse: (input: unknown) => unknown, input: unknown): unknown {
  try {
    return parse(input);
  } catch {
    return input;
  }
}

/** A time from now on is counted from the database's: the workflow that keeps it has not this process's clock. */
async function deadlineOf(pool: Pool, deadline: Date | string | number): Promise<string> {
  const nowMs = await databaseTime(pool);
  const at = new Date(typeof deadline === 'number' ? nowMs + deadline : deadline);
  if (!(at.getTime() > nowMs)) throw new TypeError(`\`deadline\` is ${String(deadline)}; it must be a time to come.`);
  return at.toISOString();
}
