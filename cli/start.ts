/**
 * `sluice start <sync>`: starts a run, or attaches to the running one. Next stop: `client/start-sync.ts`.
 */
import { connect, type Priority } from '../client/index.ts';
import { loadModule, syncNamed } from './load-module.ts';
import { progressText } from './progress-text.ts';

export interface StartCommandOptions {
  readonly module?: string;
  readonly account: string;
  readonly input: string;
  readonly tenant?: string;
  readonly priority: Priority;
  readonly wait: boolean;
}

export async function startCommand(name: string, options: StartCommandOptions): Promise<void> {
  const sync = syncNamed(await loadModule(options.module), name);
  const sluice = await connect();
  try {
    const run = await sluice.start(sync, {
      account: options.account,
      input: parseInput(options.input) as never,
      priority: options.priority,
      ...(options.tenant === undefined ? {} : { tenant: options.tenant }),
    });
    console.log(run.workflowId);
    if (!options.wait) return;
    const result = await run.result();
    console.log(progressText(await run.progress()));
    if (result.state !== 'done') process.exitCode = 1;
  } finally {
    await sluice.close();
  }
}

function parseInput(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    throw new Error(`--input is not JSON: ${text}. Quote it for your shell, e.g. --input '{"userId":"u1"}'.`);
  }
}
