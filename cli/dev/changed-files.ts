/**
 * Tells when a file that was loaded has changed. Looks at the files' times instead of listening to the file system.
 * Editors save by renaming, which a watch on a file does not survive, and shared folders of containers send no events.
 */
import { statSync } from 'node:fs';
import { dirname } from 'node:path';

const LOOK_EVERY_MS = 300;
const GONE_PATIENCE_MS = 1_000;

export interface ChangedFiles {
  /** Look at this file too. @param mark as it was when it was read, see `markOf`. Default: as it is now. */
  readonly add: (path: string, mark?: string) => void;
  /** Look at the folders of all files too: a file that was missing may come. */
  readonly addFolders: () => void;
  /** Forget all. */
  readonly clear: () => void;
  readonly stop: () => void;
}

/** @param onChange is given one path for what was saved together, once nothing changes any more. */
export function watchChanges(onChange: (path: string) => void): ChangedFiles {
  const known = new Map<string, string>();
  let changed: { readonly path: string; readonly at: number } | undefined;
  const look = (): void => {
    const before = changed;
    for (const [path, mark] of known) {
      const now = markOf(path);
      if (now === mark) continue;
      known.set(path, now);
      changed = { path, at: performance.now() };
    }
    if (!changed || changed !== before) return;
    // An editor that saves by renaming takes the file away for a moment.
    if (known.get(changed.path) === GONE && performance.now() - changed.at < GONE_PATIENCE_MS) return;
    const { path } = changed;
    changed = undefined;
    onChange(path);
  };
  const timer = setInterval(look, LOOK_EVERY_MS);
  const add = (path: string, mark = markOf(path)): void => {
    if (!known.has(path)) known.set(path, mark);
  };
  return {
    add,
    addFolders: () => {
      const folders = new Set(Array.from(known.keys(), (path) => dirname(path)));
      for (const folder of folders) add(folder);
    },
    clear: () => {
      known.clear();
      changed = undefined;
    },
    stop: () => clearInterval(timer),
  };
}

const GONE = 'gone';

/** Tells one version of a file from another, without reading it. */
export function markOf(path: string): string {
  const stats = statSync(path, { throwIfNoEntry: false });
  return stats ? `${stats.mtimeMs}/${stats.ino}/${stats.size}` : GONE;
}
