/**
 * Cancels, at the third parties, jobs whose lists have ended without them: their run was cancelled, ended or closed from outside, or the list
 * failed. Tried for a day. Used by: `workers/loops/leave-jobs.ts`. Next: `leave-job.ts`.
 */
import { redact } from '../../contracts/secrets/redact.ts';
import { cleanText } from '../../contracts/values/clean-text.ts';
import { abandonedJob, moveJob, type AbandonedJob } from '../../db/stores/sync/abandoned-job-store.ts';
import type { CompiledSync } from '../../providers/define/define-sync.ts';
import { isInfrastructure } from '../call/infrastructure.ts';
import type { ActivityDeps } from '../deps.ts';
import { attemptAt, loadList } from '../sync/make-attempt.ts';
import { createUnitMemory } from '../sync/unit-cache.ts';
import { leaveJob } from './leave-job.ts';

/** The nodes whose jobs can be cancelled, by the names of what they store. */
export function nodesWithCancel(syncs: readonly CompiledSync[]): string[] {
  return syncs.flatMap(({ nodes }) =>
    [...nodes.values()].filter(({ endpoint }) => endpoint.job?.cancel).map(({ resource }) => resource),
  );
}

/** Characters of what became of it. */
const MOST_SAID = 500;

/** @param resources as `nodesWithCancel` has them. @returns false when none is due. */
export async function leaveNext(deps: ActivityDeps, resources: readonly string[]): Promise<boolean> {
  const due = await abandonedJob(deps.pool, resources);
  if (!due) return false;
  const { unit, job, sync, node, account, nowMs } = due;
  const what = { sync, node, account, job: job.id };
  try {
    const left = await leave(deps, due);
    if (left?.state === 'later') await moveJob(deps.pool, unit, job, { ...job, after: nowMs + left.afterMs });
    else if (left) deps.log.info({ ...what, said: left.said }, 'a job that nobody wants any more was cancelled');
    return left !== undefined;
  } catch (error) {
    if (isInfrastructure(error)) throw error;
    // What makes its request throws: no later try would do better.
    const said = cleanText(redact(String(error)), MOST_SAID);
    deps.log.warn({ ...what, error: said }, 'a job that nobody wants any more could not be cancelled');
    const { state: _, polls: __, after: ___, ...of } = job;
    await moveJob(deps.pool, unit, job, { ...of, state: 'left', said });
    return true;
  }
}

async function leave(deps: ActivityDeps, { unit, runId, sync: name, node: nodeName, account, job }: AbandonedJob) {
  const sync = deps.syncNamed(name);
  const node = sync.nodes.get(nodeName);
  if (!node?.endpoint.job) return undefined;
  const context = { sync: name, provider: sync.provider.id, account, priority: 'bulk', weight: 1 } as const;
  const request = { unit, runId, node: nodeName, mode: 'durable', context } as const;
  const asked = { deps, request, sync, memory: createUnitMemory() };
  const loaded = await loadList(asked, node);
  if (!loaded) return undefined;
  return leaveJob(attemptAt(asked, node, loaded, performance.now()), node.endpoint.job, job, undefined);
}
