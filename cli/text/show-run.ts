/**
 * What `sluice start` and `sluice retry` print of their run: its workflow id, and with `--wait` its end.
 */
import type { StartedRun } from '../../client/index.ts';
import { flawLines, progressText } from './progress.ts';

export async function showRun(
  run: StartedRun,
  { wait, json = false }: { readonly wait: boolean; readonly json?: boolean },
): Promise<void> {
  if (json) return showJson(run, wait);
  console.log(run.workflowId);
  if (run.attached) {
    const { startedAt, startedBy, input } = run.attached;
    console.log(`attached to the run that is going on since ${startedAt}, by ${startedBy}: ${JSON.stringify(input)}`);
  }
  if (!wait) return;
  const result = await run.result();
  console.log([progressText(await run.progress()), ...flawLines(result.flaws)].join('\n'));
  if (result.state !== 'done') process.exitCode = 1;
}

async function showJson({ workflowId, attached, ...run }: StartedRun, wait: boolean): Promise<void> {
  const result = wait ? await run.result() : undefined;
  console.log(JSON.stringify({ workflowId, ...(attached ? { attached } : {}), ...(result ? { result } : {}) }));
  if (result && result.state !== 'done') process.exitCode = 1;
}
