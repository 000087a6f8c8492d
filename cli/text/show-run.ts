/**
 * What `sluice start` and `sluice retry` print of their run: its workflow id, and with `--wait` its end.
 */
import type { StartedRun } from '../../client/index.ts';
import { flawLines, progressText } from './progress.ts';

export async function showRun(run: StartedRun, wait: boolean): Promise<void> {
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
