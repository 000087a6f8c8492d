/**
 * What a worker of `sluice dev` has to do with its parent. It tells which files it has imported, and ends when the
 * parent is gone, however that has ended. Any other worker has no such parent.
 */
import { markOf } from './changed-files.ts';

/** Set for such a worker. */
export const DEV_WORKER = 'SLUICE_DEV_WORKER';

/** What the worker sends. */
export interface ImportedFile {
  readonly imported: string;
  /** Of the version that was imported: one that is saved at this moment is another. */
  readonly mark: string;
}

export interface DevParent {
  readonly onFile?: (path: string) => void;
  /** Called when the parent is gone. Its servers go with it, so what has not ended soon is cut off. */
  readonly onGone: (stop: () => void) => void;
}

const PATIENCE_MS = 5_000;

export function followDev(): DevParent {
  const send = process.env[DEV_WORKER] === undefined ? undefined : process.send?.bind(process);
  if (!send) return { onGone: () => {} };
  let stop = (): void => process.exit(1);
  process.once('disconnect', () => {
    setTimeout(() => process.exit(1), PATIENCE_MS).unref();
    stop();
  });
  // Listening alone keeps no process alive.
  process.channel?.unref();
  return {
    onFile: (imported) => {
      if (!process.connected) return;
      send({ imported, mark: markOf(imported) } satisfies ImportedFile, undefined, undefined, () => {}); // a parent that has just ended needs nothing
    },
    onGone: (listener) => (stop = listener),
  };
}
