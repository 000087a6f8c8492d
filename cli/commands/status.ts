/**
 * `sluice status <id>`: a run by its workflow id or run id, an action, or a saga. Next: `client/sync/sync-handle.ts`,
 * `client/action/action-handle.ts`.
 */
import { Option, type Command } from 'commander';
import type { Flaw, RunProgress, RunWait, Sluice, SyncHandle } from '../../client/index.ts';
import { afterOption, jsonOption, kindOption, limitOption } from '../options.ts';
import { flawedListLine } from '../text/flawed-list.ts';
import { feedLagLines } from '../text/feed-lag.ts';
import { actionText, sagaText } from '../text/operation.ts';
import { flawLines, progressText } from '../text/progress.ts';
import { withClient } from '../with-client.ts';

interface StatusOptions extends FlawOptions {
  readonly json?: boolean;
  readonly flaws?: boolean;
}

interface FlawOptions {
  readonly node?: string;
  readonly kind?: Flaw['kind'];
  readonly after?: string;
  readonly limit: number;
}

type Progress = Awaited<ReturnType<SyncHandle['progress']>>;

const RUN_ID = /^[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}$/i;

export function registerStatus(program: Command): void {
  program
    .command('status <id>')
    .description('the state of a run, an action or a saga, by workflow id (a run: or run id); what it waits for')
    .addOption(jsonOption())
    .option('--flaws', 'instead: every list of a run that was not read to its end, one a line')
    .addOption(new Option('--node <name>', 'with --flaws: of this node only'))
    .addOption(kindOption(['failed', 'skipped', 'truncated', 'capped', 'looped']))
    .addOption(afterOption())
    .addOption(limitOption(Infinity))
    .action((id: string, options: StatusOptions) =>
      withClient((sluice) => {
        if (id.startsWith('action/')) return showAction(sluice, id, options);
        if (id.startsWith('saga/')) return showSaga(sluice, id, options);
        return options.flaws ? showFlaws(sluice, id, options) : showRun(sluice, id, options);
      }),
    );
}

async function showRun(sluice: Sluice, run: string, { json }: StatusOptions): Promise<void> {
  const progress = await progressOf(sluice, run);
  const waits = await waitsOf(sluice, run, progress);
  const flaws = 'nodes' in progress ? await flawsOf(sluice, progress) : [];
  const feed = 'nodes' in progress ? await sluice.feedLag() : undefined;
  if (json) console.log(JSON.stringify({ ...progress, waits, flaws, ...(feed ? { feed } : {}) }));
  else
    console.log(
      [
        headline(progress, waits),
        ...waits.map(({ text }) => `  ${text}`),
        ...flawLines(flaws),
        ...feedLagLines(feed),
      ].join('\n'),
    );
  if (progress.state === 'unknown') process.exitCode = 1;
}

async function progressOf(sluice: Sluice, run: string): Promise<Progress> {
  if (RUN_ID.test(run)) return (await sluice.progress(run)) ?? { state: 'unknown' };
  return sluice.run({ workflowId: run }).progress();
}

/** What Temporal says of a run that is starting is better than a guess. */
function headline(progress: Progress, waits: readonly RunWait[]): string {
  return progress.state === 'starting' && waits.length > 0 ? 'starting' : progressText(progress);
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

/** One at a time, so that a million of them need no memory; JSON is an array all the same. */
async function showFlaws(sluice: Sluice, run: string, { json, limit, ...filter }: StatusOptions): Promise<void> {
  const progress = await progressOf(sluice, run);
  if (!('runId' in progress)) {
    console.log(json ? '[]' : progressText(progress));
    if (progress.state === 'unknown') process.exitCode = 1;
    return;
  }
  const { node, kind, after } = filter;
  const wanted = {
    ...(node === undefined ? {} : { node }),
    ...(kind === undefined ? {} : { kind }),
    ...(after === undefined ? {} : { after }),
  };
  let count = 0;
  let last = '';
  let hasMore = false;
  for await (const list of sluice.flawedLists(progress.runId, wanted)) {
    hasMore = count === limit;
    if (hasMore) break;
    if (json) process.stdout.write(`${count === 0 ? '[' : ',\n'}${JSON.stringify(list)}`);
    else console.log(flawedListLine(list));
    count++;
    last = list.place;
  }
  if (json) console.log(count === 0 ? '[]' : ']');
  else if (count === 0) console.log('No flaws: every list that has ended was read to its end.');
  else if (hasMore) console.log(`There are more: --after '${last}'`);
}

async function showAction(sluice: Sluice, workflowId: string, { json }: StatusOptions): Promise<void> {
  const action = sluice.action({ workflowId });
  const [status, [report], waits] = await Promise.all([
    action.status(),
    sluice.reports.list({ workflowId, order: 'newest', limit: 1 }),
    action.waits(),
  ]);
  if (json) console.log(JSON.stringify({ workflowId, ...(status ?? { state: 'unknown' }), report, waits }));
  else console.log(actionText(workflowId, status, report, waits));
  if (!status) process.exitCode = 1;
}

async function showSaga(sluice: Sluice, workflowId: string, options: StatusOptions): Promise<void> {
  const saga = sluice.sagaOf({ workflowId });
  const [report, steps, waits] = await Promise.all([saga.status(), saga.steps(), saga.waits()]);
  // A step's workflow id begins with its saga's.
  if (!report || report.kind === 'action') return showAction(sluice, workflowId, options);
  if (options.json) console.log(JSON.stringify({ workflowId, report, steps, waits }));
  else console.log(sagaText(workflowId, report, steps, waits));
}
