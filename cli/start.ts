/**
 * `sluice start <sync>`: starts a run, or attaches to the running one; `sluice retry <run>`: reads what failed in it again.
 * Next stop: `client/sync/start-sync.ts`.
 */
import { connect, type Flaw, type Priority, type SyncHandle } from '../client/index.ts';
import { loadModule, syncNamed } from './load-module.ts';
import { flawLines, progressText } from './progress-text.ts';

export interface StartCommandOptions {
  readonly module?: string;
  readonly account: string;
  readonly input: string;
  readonly tenant?: string;
  readonly priority: Priority;
  readonly wait: boolean;
  /** Every list from its beginning, which also marks deletions. */
  readonly full: boolean;
}

export interface RetryCommandOptions {
  /** Ends that are read again besides `failed`. */
  readonly also: readonly Exclude<Flaw['kind'], 'failed'>[];
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
      ...(options.full ? { mode: 'full' } : {}),
      ...(options.tenant === undefined ? {} : { tenant: options.tenant }),
    });
    await tell(run, options);
  } finally {
    await sluice.close();
  }
}

export async function retryCommand(run: string, options: RetryCommandOptions): Promise<void> {
  const sluice = await connect();
  try {
    await tell(await sluice.run({ workflowId: run }).retryFailed({ also: options.also }), options);
  } finally {
    await sluice.close();
  }
}

async function tell(run: SyncHandle, { wait }: { readonly wait: boolean }): Promise<void> {
  console.log(run.workflowId);
  if (!wait) return;
  const result = await run.result();
  console.log([progressText(await run.progress()), ...flawLines(result.flaws)].join('\n'));
  if (result.state !== 'done') process.exitCode = 1;
}

function parseInput(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    throw new Error(`--input is not JSON: ${text}. Quote it for your shell, e.g. --input '{"userId":"u1"}'.`);
  }
}
