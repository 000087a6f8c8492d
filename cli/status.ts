/**
 * `sluice status <run>` and what else is done to a run by its workflow id (or by its run id).
 * Next stop: `client/sync-handle.ts`.
 */
import { connect } from '../client/index.ts';
import { progressText } from './progress-text.ts';

const RUN_ID = /^[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}$/i;

export async function statusCommand(run: string, options: { readonly json?: boolean }): Promise<void> {
  const sluice = await connect();
  try {
    const progress = RUN_ID.test(run)
      ? ((await sluice.progress(run)) ?? ({ state: 'unknown' } as const))
      : await sluice.run({ workflowId: run }).progress();
    const waits = progress.state === 'running' ? await sluice.run({ workflowId: progress.workflowId }).waits() : [];
    if (options.json) console.log(JSON.stringify({ ...progress, waits }));
    else console.log([progressText(progress), ...waits.map(({ text }) => `  ${text}`)].join('\n'));
    if (progress.state === 'unknown') process.exitCode = 1;
  } finally {
    await sluice.close();
  }
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
