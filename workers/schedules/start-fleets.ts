/**
 * Starts a fleet for accounts that are due together by one schedule: their runs are created, then one workflow carries
 * them out. A worker that is killed between the two leaves runs that have not begun. Each is started by itself when its
 * claim has run out, and goes on with the row that is there. Next: `workflows/fleet.ts`.
 */
import { TypedSearchAttributes, WorkflowExecutionAlreadyStartedError } from '@temporalio/common';
import { WorkflowIdConflictPolicy, WorkflowIdReusePolicy } from '@temporalio/client';
import { rootKeysOf } from '../../activities/index.ts';
import { keyword, placement, WORKFLOW_TASK_TIMEOUT, type ClientParts } from '../../client/start-workflow.ts';
import { LONGEST_FIRST_CALL_MS } from '../../contracts/messages.ts';
import { fleetWorkflowId, taskQueueOf, withinBytes } from '../../contracts/names.ts';
import { fitsFleet, LEAST_OF_A_FLEET, MOST_FLEET_CALLS, type FleetInput } from '../../contracts/schedules/fleet.ts';
import { openFleet, settleDue, type DueAccount } from '../../db/index.ts';
import { askedOf, settledAs, type AskedOfDue, type Scheduled } from './asked-of-due.ts';

interface Member extends AskedOfDue {
  readonly due: DueAccount;
}

/** @returns those that are in fleets, and settled; all others are to be started by themselves. @throws Error when a server is away. */
export async function startFleets(
  parts: ClientParts,
  known: ReadonlyMap<string, Scheduled>,
  due: readonly DueAccount[],
): Promise<ReadonlySet<DueAccount>> {
  const started = new Set<DueAccount>();
  for (const [schedule, scheduled] of known) {
    if (!mayHaveFleets(scheduled)) continue;
    const members = due.flatMap((each) => (each.schedule === schedule ? memberOf(scheduled, each) : []));
    if (members.length < LEAST_OF_A_FLEET) continue;
    const taken = await startFleet(parts, scheduled, schedule, members);
    await settleDue(
      parts.pool,
      taken.map((each) => ({ ...settledAs(scheduled, each), outcome: 'started' })),
    );
    for (const each of taken) started.add(each);
  }
  return started;
}

/** Who waits for an interactive run looks at its workflow. */
function mayHaveFleets({ sync, spec }: Scheduled): boolean {
  return spec.priority !== 'interactive' && fitsFleet(sync.definition.plan, LONGEST_FIRST_CALL_MS);
}

/** One that may have been started is looked for first; one that can't be started has its reason told. */
function memberOf(scheduled: Scheduled, due: DueAccount): Member[] {
  if (due.mayBeStarted) return [];
  const asked = askedOf(scheduled, due);
  return 'outcome' in asked ? [] : [{ due, ...asked }];
}

async function startFleet(
  { client, pool, taskQueue }: ClientParts,
  { sync: { definition }, spec }: Scheduled,
  schedule: string,
  members: readonly Member[],
): Promise<DueAccount[]> {
  const { name, plan, provider } = definition;
  const fleet = fleetWorkflowId(schedule, (members[0] as Member).due.startId);
  const runs = members.map(({ due: { startId, account }, tenant, input: given }) => {
    const input = definition.parseInput(given) ?? null;
    const key = rootKeysOf(definition, input)[plan.nodes[0]?.name ?? ''] ?? '';
    return { id: startId, account, tenant, input, key, what: `${name} of ${account}` };
  });
  const opened = await openFleet(pool, { fleet, plan, mode: spec.mode, mostCalls: MOST_FLEET_CALLS, runs });
  const taken = members.flatMap(({ due }) => (opened.has(due.startId) ? [due] : []));
  if (taken.length === 0) return [];
  const input: FleetInput = { sync: name, provider: provider.id, priority: spec.priority, schedule };
  try {
    await client.workflow.start('fleet', {
      workflowId: fleet,
      taskQueue: taskQueueOf(taskQueue, spec.priority),
      args: [input],
      workflowIdConflictPolicy: WorkflowIdConflictPolicy.FAIL,
      workflowIdReusePolicy: WorkflowIdReusePolicy.REJECT_DUPLICATE,
      workflowTaskTimeout: WORKFLOW_TASK_TIMEOUT,
      priority: placement(spec.priority, `fleet ${schedule}`, 1),
      staticSummary: withinBytes(`${schedule}: ${taken.length} accounts that are due`, 200),
      typedSearchAttributes: new TypedSearchAttributes([keyword('provider', provider.id), keyword('sync', name)]),
    });
  } catch (error) {
    if (!(error instanceof WorkflowExecutionAlreadyStartedError)) throw error;
  }
  return taken;
}
