/**
 * `sluice status <run>` and what else is done to a run by its workflow id (or by its run id).
 * Next stop: `client/sync/sync-handle.ts`.
 */
import { connect, type Flaw, type RunProgress, type RunWait, type Sluice, type SyncHandle } from '../client/index.ts';
import { flawLines, progressText } from './progress-text.ts';

const RUN_ID = /^[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}$/i;

export async function statusCommand(run: string, options: { readonly json?: boolean }): Promise<void> {
  const sluice = await connect();
  try {
    const progress = RUN_ID.test(run)
      ? ((await sluice.progress(run)) ?? ({ state: 'unknown' } as const))
      : await sluice.run({ workflowId: run }).progress();
    const waits = await waitsOf(sluice, run, progress);
    const flaws = 'nodes' in progress ? await flawsOf(sluice, progress) : [];
    if (options.json) console.log(JSON.stringify({ ...progress, waits, flaws }));
    else
      console.log([headline(progress, waits), ...waits.map(({ text }) => `  ${text}`), ...flawLines(flaws)].join('\n'));
    if (progress.state === 'unknown') process.exitCode = 1;
  } finally {
    await sluice.close();
  }
}

/** What Temporal says of a run that is starting is better than a guess. */
function headline(progress: Awaited<ReturnType<SyncHandle['progress']>>, waits: readonly RunWait[]): string {
  return progress.state === 'starting' && waits.length > 0 ? 'starting' : progressText(progress);
}

/** Why a run that is going on does not get on. */
async function waitsOf(
  sluice: Sluice,
  run: string,
  progress: Awaited<ReturnType<SyncHandle['progress']>>,
): Promise<readonly RunWait[]> {
  if (progress.state === 'starting') return sluice.run({ workflowId: run }).waits();
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

export async function controlCommand(run: string, action: 'pause' | 'resume' | 'cancel'): Promise<void> {
  const sluice = await connect();
  try {
    await sluice.run({ workflowId: run })[action]();
    console.log(`${action}: ${run}`);
  } finally {
    await sluice.close();
  }
}
