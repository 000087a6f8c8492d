/**
 * A run of one sync for one account: reads the plan once, starts a `resource` workflow for every node of the tree, tells
 * children when their parent node is done, and ends the run. It carries no data. Next stop: `resource.ts`, or, for a run
 * of a single list, `one-list.ts`.
 */
import {
  CancellationScope,
  condition,
  getExternalWorkflowHandle,
  isCancellation,
  setCurrentDetails,
  setHandler,
  startChild,
  upsertSearchAttributes,
  workflowInfo,
  type ChildWorkflowHandle,
  type SignalDefinition,
} from '@temporalio/workflow';
import type { CallContext, FinishRunInput, SyncInput } from '../contracts/messages.ts';
import { resourceWorkflowId } from '../contracts/names.ts';
import type { PlanNode } from '../contracts/plan.ts';
import type { RunResult } from '../contracts/run.ts';
import { runStep } from './activity-proxies.ts';
import { reasonToEnd } from './deadline.ts';
import { onlyList, readList } from './one-list.ts';
import { resource } from './resource.ts';
import {
  endEarlySignal,
  parentDoneSignal,
  pauseSignal,
  reconnectedSignal,
  resumeSignal,
  statusAttribute,
  waitingSignal,
} from './signals.ts';

/** @returns the run's result; a cancelled run is written down as such before the cancellation goes on. */
export async function sync(input: SyncInput): Promise<RunResult> {
  const { workflowId, firstExecutionRunId: runId } = workflowInfo();
  const running = new Map<string, ChildWorkflowHandle<typeof resource>>();
  const notes = new Map<string, string>();
  setHandler(waitingSignal, ({ node, because, isPaused }) => {
    notes.set(node, because);
    describe(running, notes);
    if (isPaused) upsertSearchAttributes([{ key: statusAttribute, value: 'paused' }]);
  });
  let isOpen = false;
  /** Pauses and resumes are carried out in turn, to the end: signals that one workflow task sends arrive in any order. */
  let switchesAsked = 0;
  let switchesEnded = 0;
  let switches = 0;
  let isPaused = false;
  const isSwitching = (): boolean => switchesAsked > switchesEnded;
  const switchTo = async (state: 'running' | 'paused', isReconnected = false): Promise<void> => {
    const turn = switchesAsked++;
    await condition(() => isOpen && switchesEnded === turn);
    // The row first: a call checks it before it is made, so nothing is sent after this even before the signal arrives.
    const how = isReconnected ? { runId, state, isReconnected } : { runId, state };
    const isSwitched = await runStep((steps) => steps.setRunState(how));
    if (isSwitched) {
      switches++;
      isPaused = state === 'paused';
      notes.clear();
      upsertSearchAttributes([{ key: statusAttribute, value: state }]);
      await Promise.all([...running.values()].map((child) => tell(child, isPaused ? pauseSignal : resumeSignal)));
      setCurrentDetails(isPaused ? 'Paused. Signal `resume` to go on.' : '');
    }
    switchesEnded++;
  };
  let isEnding = false;
  const endEarly = async (reason: string): Promise<void> => {
    isEnding = true;
    notes.clear();
    // The rows first: a call that is on its way finds its unit ended and stores nothing more.
    await runStep((steps) => steps.endOpenUnits({ runId, reason }));
    await Promise.all([...running.values()].map((child) => tell(child, endEarlySignal)));
  };
  // A cancellation that a handler throws would end the workflow on the spot, before the run is written down as cancelled.
  setHandler(pauseSignal, () => switchTo('paused').catch(ignoreCancellation));
  setHandler(resumeSignal, () => switchTo('running').catch(ignoreCancellation));
  setHandler(reconnectedSignal, () => switchTo('running', true).catch(ignoreCancellation));

  try {
    const { plan } = await runStep((steps) => steps.openRun({ ...input, runId, workflowId }));
    isOpen = true;
    const context: CallContext = {
      workflowId,
      sync: plan.sync,
      provider: plan.provider,
      account: input.account,
      priority: input.priority ?? 'bulk',
      weight: input.weight ?? 1,
    };
    if (input.deadline !== undefined || input.giveUpAfterMs !== undefined)
      reasonToEnd(input, runId).then(endEarly).catch(ignoreCancellation);
    const runNode = async (node: PlanNode): Promise<void> => {
      const before = switches;
      const child = await startChild(resource, {
        workflowId: resourceWorkflowId(workflowId, node.name),
        args: [{ runId, node, context, maxHistoryEvents: plan.maxHistoryEvents }],
        workflowTaskTimeout: '10 seconds',
        staticSummary: `${node.resource} of ${input.account}`,
        typedSearchAttributes: workflowInfo().typedSearchAttributes,
      });
      running.set(node.name, child);
      if (!isPaused) describe(running, notes);
      if (isEnding) await tell(child, endEarlySignal);
      // It may have begun before the run was paused or resumed, and was not told yet.
      if (switches !== before) {
        const turn = switchesAsked++;
        await condition(() => switchesEnded === turn);
        await tell(child, isPaused ? pauseSignal : resumeSignal);
        switchesEnded++;
      }
      await child.result();
      running.delete(node.name);
      notes.delete(node.name);
      describe(running, notes);
      // They are being told that all is over, or have ended.
      if (isEnding) return;
      const children = plan.nodes.filter(({ parent }) => parent === node.name);
      await Promise.all(
        children.map(({ name }) =>
          getExternalWorkflowHandle(resourceWorkflowId(workflowId, name)).signal(parentDoneSignal),
        ),
      );
    };
    const list = onlyList(plan, input);
    if (list) {
      const toRead = { runId, node: list, context, maxHistoryEvents: plan.maxHistoryEvents };
      const isRead = await readList(toRead, () => switchesAsked === 0 && !isEnding);
      // Only one thing at a time goes on from here, in whatever order the answers came.
      await condition(() => !isSwitching());
      if (isRead) {
        await runStep((steps) => steps.finishNode({ runId, node: list }));
        return await end({ runId });
      }
    }
    await Promise.all(plan.nodes.map(runNode));
    return await end({ runId });
  } catch (error) {
    const cancelled = isCancellation(error);
    await CancellationScope.nonCancellable(() =>
      end({ runId, ...(cancelled ? { cancelled } : { error: rootMessage(error) }) }),
    );
    throw error;
  }
}

async function tell(child: ChildWorkflowHandle<typeof resource>, signal: SignalDefinition): Promise<void> {
  await child.signal(signal).catch((error: unknown) => {
    // It has ended by itself meanwhile.
    if (isCancellation(error)) throw error;
  });
}

function ignoreCancellation(error: unknown): void {
  // The run ends by its cancellation anyway.
  if (!isCancellation(error)) throw error;
}

async function end(how: FinishRunInput): Promise<RunResult> {
  const result = await runStep((steps) => steps.finishRun(how));
  upsertSearchAttributes([{ key: statusAttribute, value: result.state }]);
  setCurrentDetails(`${result.state}: ${result.rows} rows with ${result.calls} calls`);
  return result;
}

function describe(running: ReadonlyMap<string, unknown>, notes: ReadonlyMap<string, string>): void {
  setCurrentDetails([...running.keys()].map((node) => `- **${node}**: ${notes.get(node) ?? 'working'}`).join('\n'));
}

/** The innermost cause says what happened; the layers around it only say where. */
function rootMessage(error: unknown): string {
  let current = error;
  while (current instanceof Error && current.cause instanceof Error) current = current.cause;
  return current instanceof Error ? current.message : String(current);
}
