/** A canary has come through its task queue. Next: `db/stores/alert/canary-store.ts`. */
import { notePassed } from '../db/stores/alert/canary-store.ts';
import type { ActivityDeps } from './deps.ts';

export async function passCanaryActivity(
  { pool }: ActivityDeps,
  { taskQueue }: { readonly taskQueue: string },
): Promise<void> {
  await notePassed(pool, taskQueue);
}
