/**
 * Starts a run: one workflow per account and sync. Returns as soon as Temporal has accepted it, so it fits a request
 * handler. Next stop: `start-reported.ts`, then `workflows/sync.ts`.
 */
import { randomUUID } from 'node:crypto';
import type { Priority } from '../contracts/limit.ts';
import type { SyncInput } from '../contracts/messages.ts';
import { syncWorkflowId } from '../contracts/names.ts';
import { checkStartedBy, type StartedBy } from '../contracts/report.ts';
import { insertReport } from '../db/index.ts';
import type { Sync } from '../providers/define-sync.ts';
import { startReported, type ClientParts } from './start-reported.ts';
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
  const { account, tenant = account, startedBy = 'system', priority = 'bulk', weight = 1 } = options;
  checkAccount(account);
  checkStartedBy(startedBy);
  const { name, provider } = definition;
  const input: SyncInput = {
    sync: name,
    account,
    input: definition.parseInput(options.input),
    startedBy,
    priority,
    weight,
    ...(options.tenant === undefined ? {} : { tenant }),
    ...(options.maxHistoryEvents === undefined ? {} : { maxHistoryEvents: options.maxHistoryEvents }),
  };
  const workflowId = syncWorkflowId(name, account);
  const what = `${name} of ${account}`;
  const id = randomUUID();
  const reportId = await insertReport(parts.pool, {
    id,
    kind: 'sync',
    name,
    account,
    tenant,
    startedBy,
    workflowId,
    rootWorkflowId: workflowId,
    what,
  }).then(
    () => id,
    (error: unknown) => {
      // A database that no worker has migrated yet: the workflow writes its report itself.
      if ((error as { code?: string }).code === UNDEFINED_TABLE) return undefined;
      throw error;
    },
  );
  await startReported(parts, {
    workflow: 'sync',
    workflowId,
    input,
    reportId,
    summary: what,
    provider: provider.id,
    name,
    account,
    tenant,
    priority,
    weight,
    mayRunAgain: true,
  });
  return createHandle(parts, { workflowId });
}

const UNDEFINED_TABLE = '42P01';

/** @throws TypeError when it can't be part of a workflow id. */
export function checkAccount(account: string): void {
  if (!account || account.includes('/'))
    throw new TypeError(`\`account\` is ${JSON.stringify(account)}; it must be a name without "/".`);
}
