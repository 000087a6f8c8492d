/**
 * Starts a run: one workflow per account and sync. Returns as soon as Temporal has accepted it, so it fits a request
 * handler. Next stop: `workflows/sync.ts`.
 */
import {
  defineSearchAttributeKey,
  SearchAttributeType,
  TypedSearchAttributes,
  type SearchAttributePair,
} from '@temporalio/common';
import { WorkflowIdConflictPolicy, WorkflowIdReusePolicy, type Client } from '@temporalio/client';
import type { Priority } from '../contracts/limit.ts';
import type { SyncInput } from '../contracts/messages.ts';
import { searchAttributes, syncWorkflowId } from '../contracts/names.ts';
import type { Pool } from '../db/index.ts';
import type { Sync } from '../providers/define-sync.ts';
import type * as workflows from '../workflows/index.ts';
import { createHandle, type SyncHandle } from './sync-handle.ts';

export interface StartOptions<Input> {
  /** Whose connection: records, limits and credentials go by it. */
  readonly account: string;
  readonly input: Input;
  /** Who pays or owns the account; for fairness and search. Default: the account. */
  readonly tenant?: string;
  /** `interactive` overtakes `bulk`, `trickle` goes last: at limits and in task queues. Default `bulk`. */
  readonly priority?: Priority;
  /** Share among the tenants that wait for the same thing, 0.001 … 1,000. Default 1. */
  readonly weight?: number;
  /** Cut histories earlier, for tests. Default: what the sync says. */
  readonly maxHistoryEvents?: number;
}

export interface ClientParts {
  readonly client: Client;
  readonly pool: Pool;
  readonly taskQueue: string;
}

const priorityKeys = { interactive: 1, bulk: 3, trickle: 5 } satisfies Record<Priority, number>;

/**
 * @throws TypeError when account or input do not fit.
 */
export async function startSync<Input>(
  parts: ClientParts,
  sync: Sync<Input>,
  options: StartOptions<Input>,
): Promise<SyncHandle> {
  const { definition } = sync;
  const { account, tenant, priority = 'bulk', weight = 1 } = options;
  if (!account || account.includes('/'))
    throw new TypeError(`\`account\` is ${JSON.stringify(account)}; it must be a name without "/".`);
  const input: SyncInput = {
    sync: definition.name,
    account,
    input: definition.parseInput(options.input),
    priority,
    weight,
    ...(tenant === undefined ? {} : { tenant }),
    ...(options.maxHistoryEvents === undefined ? {} : { maxHistoryEvents: options.maxHistoryEvents }),
  };
  const workflowId = syncWorkflowId(definition.name, account);
  await parts.client.workflow.start<typeof workflows.sync>('sync', {
    workflowId,
    taskQueue: parts.taskQueue,
    args: [input],
    workflowIdConflictPolicy: WorkflowIdConflictPolicy.USE_EXISTING,
    workflowIdReusePolicy: WorkflowIdReusePolicy.ALLOW_DUPLICATE,
    workflowTaskTimeout: '5 seconds',
    // Temporal limits fairness keys to 64 bytes.
    priority: {
      priorityKey: priorityKeys[priority],
      fairnessKey: (tenant ?? account).slice(0, 64),
      fairnessWeight: weight,
    },
    staticSummary: `${definition.name} of ${account}`,
    typedSearchAttributes: new TypedSearchAttributes([
      keyword('provider', definition.provider.id),
      keyword('account', account),
      keyword('sync', definition.name),
      keyword('tenant', tenant ?? account),
      keyword('status', 'running'),
    ]),
  });
  return createHandle(parts, { workflowId });
}

function keyword(name: keyof typeof searchAttributes, value: string): SearchAttributePair {
  return { key: defineSearchAttributeKey(searchAttributes[name], SearchAttributeType.KEYWORD), value };
}
