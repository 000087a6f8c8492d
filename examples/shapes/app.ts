/**
 * A group of syncs from app code, without a workflow of its own: good as long as nothing must happen after them should this
 * process end. `docs/learn/coming-from-celery.md` shows these lines.
 */
import type { RunResult, Sluice } from '../../client/index.ts';
import { map } from './syncs.ts';

export async function syncShops(sluice: Sluice, shops: readonly string[]): Promise<RunResult[]> {
  const runs = await Promise.all(shops.map((shopId) => sluice.start(map, { account: shopId, input: { shopId } })));
  return Promise.all(runs.map((run) => run.result()));
}
