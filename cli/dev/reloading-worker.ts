/**
 * A worker that is started again whenever a file that it has imported is saved, however the editor saves it. It ends with this
 * process, also when this one is killed: the channel between them closes then.
 * Next: `cli/commands/worker.ts` is what runs in it, `changed-files.ts`.
 */
import { fork, type ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { relative, resolve } from 'node:path';
import { fileURLToPath } from 'node:url';
import { watchChanges } from './changed-files.ts';
import { DEV_WORKER, type ImportedFile } from './dev-parent.ts';

export interface ReloadingWorkerOptions {
  readonly module: string | undefined;
  readonly env: Readonly<Record<string, string>>;
  readonly say: (line: string) => void;
}

export interface ReloadingWorker {
  /** Ends the worker, which lets its calls in flight end. */
  readonly stop: () => Promise<void>;
}

export function startReloadingWorker({ module, env, say }: ReloadingWorkerOptions): ReloadingWorker {
  let child: ChildProcess;
  let isReloading = false;
  let isStopped = false;
  const files = watchChanges((path) => {
    say(`${relative('', path)} has changed: the worker starts again`);
    void reload();
  });

  const start = (): void => {
    files.clear();
    const started = fork(mainFile(), ['worker', ...(module === undefined ? [] : ['--module', module]), '--schedules'], {
      stdio: ['ignore', 'inherit', 'inherit', 'ipc'],
      env: { ...process.env, ...env, [DEV_WORKER]: '1' },
    });
    child = started;
    started.on('message', (message: Partial<ImportedFile>) => {
      if (message.imported !== undefined && started === child) files.add(message.imported, message.mark);
    });
    started.once('exit', (code, signal) => {
      if (isReloading || isStopped) return;
      // A module that could not be loaded: what it lacks may be a file that is still to come.
      for (const path of module === undefined ? ['.', 'src', 'dist'] : [module]) files.add(resolve(path));
      files.addFolders();
      say(`The worker has ended (${signal ?? `exit code ${code}`}); it starts again when a file changes.`);
    });
  };
  const reload = async (): Promise<void> => {
    if (isReloading || isStopped) return;
    isReloading = true;
    await ended(child);
    isReloading = false;
    if (!isStopped) start();
  };

  start();
  return {
    stop: async () => {
      isStopped = true;
      files.stop();
      await ended(child);
    },
  };
}

async function ended(child: ChildProcess): Promise<void> {
  if (child.exitCode !== null || child.signalCode !== null) return;
  const exit = once(child, 'exit');
  child.kill('SIGTERM');
  await exit;
}

function mainFile(): string {
  return fileURLToPath(new URL(`../main.${import.meta.url.endsWith('.ts') ? 'ts' : 'js'}`, import.meta.url));
}
