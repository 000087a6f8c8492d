/**
 * A run of one sync for one account: opens it, walks its tree, ends it. It carries no data; how far it is stands in
 * Postgres. All of it is shielded from cancellation. A local activity that is cancelled while its result arrives fails
 * the workflow task, and calls that were sent are to be heard. A cancellation stops the walk instead.
 * Next: `activities/run/first-call.ts`, which opens it, then `workflows/run/run-walk.ts`, `workflows/run/run-signals.ts`.
 */
import {
  CancellationScope,
  condition,
  makeContinueAsNewFunc,
  patched,
  setCurrentDetails,
  TemporalFailure,
  upsertSearchAttributes,
  workflowInfo,
} from '@temporalio/workflow';
import { callContextOf, type FinishRunInput, type SyncInput } from '../contracts/messages.ts';
import type { ReportRef } from '../contracts/report.ts';
import type { RunResult } from '../contracts/run.ts';
import { openingStep, runStep, step, sturdySteps } from './activity-proxies.ts';
import { watchTime } from './run/deadline.ts';
import { hearSignals } from './run/run-signals.ts';
import { walkRun, type RunWalk } from './run/run-walk.ts';
import type { WalkEnd } from './run/walk-end.ts';
import { statusAttribute } from './signals.ts';

/** In the current build of the workers, where they are versioned. */
function beginAnew(input: SyncInput): Promise<never> {
  type Run = (input: SyncInput) => Promise<RunResult>;
  return makeContinueAsNewFunc<Run>({ initialVersioningBehavior: 'AUTO_UPGRADE' })(input);
}

/** @returns the run's result. @throws CancelledFailure when it ended as cancelled, after that was written down. */
export async function sync(input: SyncInput, report: ReportRef): Promise<RunResult> {
  const root = CancellationScope.current();
  const shield = new CancellationScope({ cancellable: false });
  const how = await shield.run(() => walkToEnd(input, report, root, shield));
  // Outside of the scopes: here the run goes on in a new history.
  if (how === 'cut') return beginAnew(input);
  // One that had ended before the cancellation was heard has ended so, and says it.
  if (root.consideredCancelled && how.state === 'cancelled') await root.cancelRequested;
  return how;
}

async function walkToEnd(
  input: SyncInput,
  report: ReportRef,
  root: CancellationScope,
  shield: CancellationScope,
): Promise<RunResult | 'cut'> {
  const { workflowId, firstExecutionRunId: runId } = workflowInfo();
  let walk: RunWalk | undefined;
  let fail: (error: unknown) => void = () => {};
  const failed = new Promise<never>((_, reject) => (fail = reject));
  const signals = hearSignals(runId, shield, fail);
  try {
    const opening = { ...input, runId, workflowId, reportId: report.id };
    const opened =
      (await openingStep({ ...opening, first: { report } }).catch(() => undefined)) ??
      // One that can't be opened, as by a worker that has no such sync, can be cancelled all the same.
      (await Promise.race([sturdySteps.openRun(opening), failed, root.cancelRequested.catch(() => undefined)]));
    if (!opened)
      return await end({ runId, cancelled: true, unopened: { workflowId, sync: input.sync, account: input.account } });
    if (opened.result) return told(opened.result);
    const onWait = watchTime(
      input,
      runId,
      // The rows first: a call that is on its way finds its unit ended and stores nothing more.
      (reason) =>
        step(
          (steps) => steps.endOpenUnits({ runId, reason }),
          () => walk?.stop('early'),
          fail,
        ),
      fail,
    );
    walk = walkRun({
      runId,
      opened,
      context: callContextOf(input, opened.plan),
      describe: (notes) => setCurrentDetails([...notes].map(([node, note]) => `- **${node}**: ${note}`).join('\n')),
      onWait,
      onPaused: (because) => {
        upsertSearchAttributes([{ key: statusAttribute, value: 'paused' }]);
        setCurrentDetails(`Paused: ${because}`);
      },
    });
    root.cancelRequested.catch(() => walk?.stop('cancelled'));
    signals.beginWalk(walk);
    const how: WalkEnd = await Promise.race([walk.end, failed]);
    // Pages may be stored behind their answers. Whoever goes on reads its lists anew, maybe before this worker has stored them.
    if (how.how === 'cut' && patched('stored-before-cut'))
      await runStep((steps) => steps.nextUnits({ runId, wanted: [] }));
    // A pause that was heard must be written down, or the new history would not know of it.
    await condition(() => signals.pauses.isIdle());
    if (how.how !== 'cut') signals.pauses.close();
    if (how.how === 'cancelled' || root.consideredCancelled) return await end({ runId, cancelled: true });
    if (how.how === 'cut') return 'cut';
    return await end({ runId, report, ...(how.how === 'done' && how.last ? { node: how.last } : {}) });
  } catch (error) {
    // Anything else is a mistake in this code, and goes on when that is mended.
    if (error instanceof TemporalFailure) await end({ runId, error: rootMessage(error) });
    throw error;
  }
}

async function end(how: FinishRunInput): Promise<RunResult> {
  return told(await runStep((steps) => steps.finishRun(how)));
}

/** For people who look at the workflow. */
function told(result: RunResult): RunResult {
  upsertSearchAttributes([{ key: statusAttribute, value: result.state }]);
  setCurrentDetails(`${result.state}: ${result.rows} rows with ${result.calls} calls`);
  return result;
}

/** The innermost cause says what happened; the layers around it only say where. */
function rootMessage(error: unknown): string {
  let current = error;
  while (current instanceof Error && current.cause instanceof Error) current = current.cause;
  return current instanceof Error ? current.message : String(current);
}
