/**
 * All that is known of a run, and the screen that shows it. Used by: `cli/commands/run/status.ts`, `cli/commands/run/watch.ts`.
 * Next: `client/sync/sync-handle.ts`.
 */
import type { FeedLag, Flaw, RunProgress, RunWait, Sluice, SyncHandle } from '../../client/index.ts';
import { feedLagLines } from './feed-lag.ts';
import { flawLines, progressText } from './progress.ts';

type Progress = Awaited<ReturnType<SyncHandle['progress']>>;

export interface RunScreen {
  readonly progress: Progress;
  readonly waits: readonly RunWait[];
  readonly flaws: readonly Flaw[];
  readonly feed?: FeedLag;
  readonly text: string;
  /** Nothing of it will change any more, or nobody knows it. */
  readonly isEnded: boolean;
}

const RUN_ID = /^[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}$/i;
const OPEN: readonly string[] = ['starting', 'queued', 'running', 'paused'];

/** @param run workflow id or run id. */
export async function runScreen(sluice: Sluice, run: string): Promise<RunScreen> {
  const progress = await progressOf(sluice, run);
  const waits = await waitsOf(sluice, run, progress);
  const flaws = 'nodes' in progress ? await flawsOf(sluice, progress) : [];
  const feed = 'nodes' in progress ? await sluice.feedLag() : undefined;
  const text = [
    await headline(sluice, run, progress, waits),
    ...waits.filter(({ kind }) => kind !== 'account' || !isToldOf(progress)).map((wait) => `  ${wait.text}`),
    ...flawLines(flaws),
    ...feedLagLines(feed),
  ].join('\n');
  return { progress, waits, flaws, ...(feed ? { feed } : {}), text, isEnded: !OPEN.includes(progress.state) };
}

/** The headline says that the account must be connected, and how. */
function isToldOf(progress: Progress): boolean {
  return 'nodes' in progress && progress.pausedBy === 'auth';
}

export async function progressOf(sluice: Sluice, run: string): Promise<Progress> {
  if (RUN_ID.test(run)) return (await sluice.progress(run)) ?? { state: 'unknown' };
  return sluice.run({ workflowId: run }).progress();
}

/** What Temporal says of a run that is starting is better than a guess. One that has never begun may have a report. */
async function headline(sluice: Sluice, run: string, progress: Progress, waits: readonly RunWait[]): Promise<string> {
  // Only one that has begun is told with its id.
  const standing = 'nodes' in progress ? progressText(progress) : `${run}  ${progressText(progress)}`;
  if (progress.state === 'starting' && waits.length > 0) return `${run}  starting`;
  if (progress.state !== 'unknown' || RUN_ID.test(run)) return standing;
  const [report] = await sluice.reports.list({ workflowId: run, order: 'newest', limit: 1 });
  return report === undefined || report.endedAt === null
    ? standing
    : `${run}  ${report.status}: ${report.error ?? 'it has ended'}`;
}

/** What a running run waits for. */
async function waitsOf(sluice: Sluice, run: string, progress: Progress): Promise<readonly RunWait[]> {
  if (progress.state === 'starting' || progress.state === 'queued') return sluice.run({ workflowId: run }).waits();
  if (progress.state !== 'running' && progress.state !== 'paused') return [];
  return sluice.run({ workflowId: progress.workflowId }).waits();
}

/** Why an ended run is not complete. Known of the newest run of its account only: the workflow's result says it. */
async function flawsOf(sluice: Sluice, { state, runId, workflowId }: RunProgress): Promise<readonly Flaw[]> {
  if (state !== 'incomplete' && state !== 'failed') return [];
  const run = sluice.run({ workflowId });
  const newest = await run.progress();
  if (!('runId' in newest) || newest.runId !== runId) return [];
  return run.result().then(
    ({ flaws }) => flaws,
    () => [], // it failed by an error of its own, which the progress has
  );
}
