/**
 * Everything that the page can do, and nothing else changes anything. Each act says first what it will do, to how many; then it is done
 * through the client that it is given. Next: `do-act.ts` asks and confirms.
 */
import { accountActs } from './account-acts.ts';
import type { Act } from './act.ts';
import { actionActs } from './action-acts.ts';
import { bulkActs } from './bulk-acts.ts';
import { limitActs } from './limit-acts.ts';
import { runActs } from './run-acts.ts';
import { scheduleActs } from './schedule-acts.ts';
import { workerActs } from './worker-acts.ts';

export const acts: Readonly<Record<string, Act>> = {
  ...runActs,
  ...bulkActs,
  ...limitActs,
  ...scheduleActs,
  ...actionActs,
  ...accountActs,
  ...workerActs,
};
