/**
 * Temporal as its tutorials show it: a workflow for each account, one local activity for each page, the default retry
 * policy. For `temporal-local.ts`.
 */
import { proxyLocalActivities } from '@temporalio/workflow';

interface PeerActivities {
  page(user: string, cursor: number): Promise<number | null>;
}

const { page } = proxyLocalActivities<PeerActivities>({ startToCloseTimeout: '1 minute' });

export async function readAccount(user: string): Promise<void> {
  for (let cursor: number | null = 0; cursor !== null;) cursor = await page(user, cursor);
}
