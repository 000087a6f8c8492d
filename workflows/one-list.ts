/**
 * A run of a single list makes its calls in its own workflow as long as all goes well: a workflow more, and the tasks in
 * which the two tell each other where they are, cost a short run more than its calls. What is out of the ordinary (a wait, a
 * pause, lanes, a long list) is for `resource.ts`, which finds in Postgres how far the list is.
 * Next stop: `activity-proxies.ts`, then `activities/sync/fetch-page.ts`.
 */
import { CancellationScope, isCancellation, setCurrentDetails } from '@temporalio/workflow';
import type { CallContext, PageFact, SyncInput } from '../contracts/messages.ts';
import type { Plan, PlanNode } from '../contracts/plan.ts';
import { callNow, quickSteps } from './activity-proxies.ts';
import { callAhead } from './prefetch.ts';

/** Then a workflow more is nothing beside the calls, and `resource.ts` bounds its history. */
const MOST_CALLS = 500;
/** Signals and timers wait for the workflow task that makes the calls, some seconds: nothing to a patience of an hour. */
const LEAST_PATIENCE_MS = 3_600_000;

/** The only node of a run whose calls may be made by the run's own workflow. */
export function onlyList({ nodes }: Plan, { deadline, giveUpAfterMs }: SyncInput): PlanNode | undefined {
  const mayBeLate = deadline === undefined && (giveUpAfterMs ?? LEAST_PATIENCE_MS) >= LEAST_PATIENCE_MS;
  return nodes.length === 1 && mayBeLate ? nodes[0] : undefined;
}

export interface ListToRead {
  readonly runId: string;
  readonly node: PlanNode;
  readonly context: CallContext;
  readonly maxHistoryEvents: number;
}

/**
 * Reads the list page by page.
 * @param mayGoOn asked before each call.
 * @returns true when it was read to its end; false when the rest, if there is one, is for `resource.ts`.
 */
export async function readList(list: ListToRead, mayGoOn: () => boolean): Promise<boolean> {
  try {
    return await walk(list, mayGoOn);
  } catch (error) {
    if (isCancellation(error)) throw error;
    // What can't be done at once, for whatever reason, is done durably.
    return false;
  }
}

async function walk({ runId, node, context, maxHistoryEvents }: ListToRead, mayGoOn: () => boolean): Promise<boolean> {
  setCurrentDetails(`- **${node.name}**: working`);
  // Two, to see whether there is only one.
  const [unit, another] = await quickSteps.nextUnits({ runId, node: node.name, inHand: [], room: 2 });
  if (!unit || another) return false;
  const callNext = callNow(node.callTimeoutMs, `${node.endpoint} ${unit.label}`.slice(0, 180));
  const request = { runId, node: node.name, unit: unit.id, context, mode: 'now' } as const;
  const mostCalls = Math.min(MOST_CALLS, maxHistoryEvents);
  const scope = CancellationScope.current();
  let calls = 0;
  // One scope and one promise for all calls: the SDK takes a stack for every promise of a workflow.
  const isRead = await CancellationScope.nonCancellable(
    () =>
      new Promise<boolean>((resolve, reject) => {
        const goOn = (pages?: number, ahead = 1): void => {
          // A call that was made is heard to its end: to cancel a step that is just ending can fail the workflow task.
          if (scope.consideredCancelled || calls >= mostCalls || !mayGoOn()) return resolve(false);
          const count = Math.min(ahead, mostCalls - calls);
          calls += count;
          callAhead(callNext, pages === undefined ? request : { ...request, pages }, count, onFact, reject);
        };
        const onFact = (fact: PageFact): void => {
          const isPlain = (fact.state === 'more' || fact.state === 'ended') && !fact.lanes && !fact.wantsDurable;
          if (!isPlain || fact.state === 'ended') resolve(isPlain);
          else goOn(fact.pages, fact.ahead);
        };
        goOn();
      }),
  );
  if (scope.consideredCancelled) await scope.cancelRequested;
  return isRead;
}
