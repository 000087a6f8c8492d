/**
 * A run keeps the tree that it began with. A deploy may have renamed or removed a node of it, or all of the sync, or
 * another program serves the same task queue. Such a worker leaves the run to those that know its tree, as long as
 * there are any or a deploy may take. Then it ends what is open of it, with the reason: to read on without a node would
 * leave out its rows in silence. Used by: `fetch-page.ts`, `activities/run/run-activities.ts`.
 */
import { Context } from '@temporalio/activity';
import { ApplicationFailure } from '@temporalio/common';
import type { FetchPageInput, PageFact } from '../../contracts/messages.ts';
import { treeOf, type TreePath } from '../../contracts/plan.ts';
import { endOpenUnits } from '../../db/stores/run/run-ending-store.ts';
import type { CompiledSync } from '../../providers/define/define-sync.ts';
import type { ActivityDeps } from '../deps.ts';

/** Type of the failure while the run is left to others: it is tried again, and `waits()` says it. */
export const OTHER_BUILD = 'OtherBuild';

/** The server gives each attempt to any worker: where half of them have the node, the next attempt mostly finds one. */
const FIRST_AGAIN_MS = 100;
const LONGEST_AGAIN_MS = 5_000;
const pathsOf = new WeakMap<CompiledSync, ReadonlySet<TreePath>>();

/** What of a run's tree this build does not have, in words. @returns undefined when it has all of it. */
export function lackOf(deps: ActivityDeps, sync: string, tree: readonly TreePath[] = []): string | undefined {
  const known = compiled(deps, sync);
  if (!known) return `no sync "${sync}"`;
  let paths = pathsOf.get(known);
  if (!paths) pathsOf.set(known, (paths = new Set(treeOf(known.plan.nodes))));
  const lacking = tree.filter((path) => !paths.has(path));
  if (lacking.length === 0) return undefined;
  return lacking
    .map((path) => path.split('>') as [string, string])
    .map(([parent, name]) => `no node "${name}"${parent === '' ? '' : ` below "${parent}"`} in sync "${sync}"`)
    .join(', ');
}

/** Leaves a call to other workers, or ends all that is open of its run when none can be expected any more. */
export async function leaveToOthers(deps: ActivityDeps, request: FetchPageInput, lack: string): Promise<PageFact> {
  const { unit, runId, context } = request;
  if (await mayComeYet(deps, context.sync, context.tree)) {
    if (request.mode === 'durable') throw otherBuild(lack);
    const because = leftText(lack);
    return request.ahead ? { unit, state: 'idle' } : { unit, state: 'later', because };
  }
  const reason = goneText(lack);
  if (await endOpenUnits(deps.pool, runId, reason))
    deps.log.error({ lack }, 'a run was begun by a build that had more in its tree; what was open of it is ended');
  return { unit, state: 'ended', children: true };
}

/** Whether another worker may be there that has all of this tree. */
export async function mayComeYet(deps: ActivityDeps, sync: string, tree: readonly TreePath[] = []): Promise<boolean> {
  return (await deps.othersMayServe?.(sync, tree)) ?? false;
}

/** For an activity that the server retries: what it throws. */
export function otherBuild(lack: string): ApplicationFailure {
  const nextRetryDelay = Math.min(FIRST_AGAIN_MS * 1.5 ** (Context.current().info.attempt - 1), LONGEST_AGAIN_MS);
  return ApplicationFailure.create({ type: OTHER_BUILD, message: leftText(lack), nextRetryDelay });
}

export function goneText(lack: string): string {
  return `the build of the workers has ${lack} any more: it was renamed or removed. What was read stays; start the sync again to read the rest`;
}

function leftText(lack: string): string {
  return (
    `the build of this worker has ${lack}: a worker of the build before can go on with it. When the deploy is over, what is open ` +
    'ends with this reason, and the sync can be started again'
  );
}

function compiled(deps: ActivityDeps, sync: string): CompiledSync | undefined {
  try {
    return deps.syncNamed(sync);
  } catch {
    // It says only which ones there are.
    return undefined;
  }
}
