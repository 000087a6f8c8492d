/**
 * The floor: no queue, nothing durable; a crash starts every account again. All accounts at once, each account's pages in
 * order; a refused call is tried again after 1 s, doubled each time, with full jitter.
 */
import { setTimeout as delay } from 'node:timers/promises';
import { pageCaller, peerSettings, whenTold } from './page.ts';

const settings = peerSettings();
const callPage = pageCaller(settings);

async function tryUntilDone<T>(work: () => Promise<T>): Promise<T> {
  for (let failures = 0; ; failures++) {
    try {
      return await work();
    } catch {
      await delay(Math.random() * Math.min(600_000, 1_000 * 2 ** failures));
    }
  }
}

async function readAccount(user: string): Promise<void> {
  for (let cursor: number | null = 0; cursor !== null;) {
    const at: number = cursor;
    cursor = await tryUntilDone(() => callPage(user, at));
  }
}

whenTold(() => Promise.all(settings.accounts.map(readAccount)));
