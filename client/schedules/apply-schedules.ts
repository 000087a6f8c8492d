/**
 * Brings what the code of syncs declares into force within one task queue. New schedules are added, different ones
 * changed, and those that the code has no more are removed. Schedules of other task queues are never touched. Next:
 * `place-accounts.ts`.
 */
import {
  declarationsOf,
  type Declaration,
  type PlannedChange,
  type SchedulePlan,
} from '../../contracts/schedules/schedule.ts';
import { checkKind } from '../options/check-options.ts';
import { otherKind } from '../../contracts/values/option-mistakes.ts';
import { counted } from '../../contracts/limits/limit-words.ts';
import { declarationText } from '../../contracts/schedules/schedule-words.ts';
import {
  putDeclaration,
  readDeclarations,
  removeDeclaration,
  withDeclarationsLocked,
  type AppliedDeclaration,
  type Pool,
  type Queryable,
} from '../../db/index.ts';
import type { Sync } from '../../providers/define/define-sync.ts';
import { placeAllAccounts } from './place-accounts.ts';

export interface ApplyOptions {
  /**
   * Remove also many: more than a third of what is in force, or what more than 1,000 accounts have their times by. Default false: then it
   * is refused, and nothing is changed.
   */
  readonly removesMany?: boolean;
  /** False: what the code does not have any more stays. Default true. */
  readonly removes?: boolean;
}

/** Too much would be removed: nothing was changed. */
export class RemovesMany extends Error {
  override readonly name = 'RemovesMany';
  readonly plan: SchedulePlan;

  constructor(plan: SchedulePlan) {
    const removed = plan.changes.filter(({ change }) => change === 'removed');
    super(
      `This would remove ${removed.map(({ kind, id }) => `${kind} ${id}`).join(', ')} of task queue "${plan.taskQueue}". ` +
        'Is it the right module, and the right task queue? If it is meant: `npx sluice schedules apply --yes`, `apply(syncs, { removesMany: true })`.',
    );
    this.plan = plan;
  }
}

const MOST_REMOVED_SHARE = 1 / 3;
const MOST_REMOVED_ACCOUNTS = 1_000;

/** What code declares. */
/** @throws TypeError for what is no list of syncs: one that is read as empty would remove all schedules. */
export function declaredBy(syncs: readonly Sync[]): Declaration[] {
  if (!Array.isArray(syncs))
    throw new TypeError(
      `Schedules are declared by a list of syncs, e.g. [billing]; it was given ${otherKind(syncs, 'nodes') ?? 'one sync'}`,
    );
  return syncs.flatMap((sync: Sync) => {
    checkKind('schedules', sync, 'nodes');
    return declarationsOf(sync.definition);
  });
}

/** What applying would do; nothing is changed. */
export async function planSchedules(
  db: Queryable,
  taskQueue: string,
  declared: readonly Declaration[],
): Promise<SchedulePlan> {
  return planOf(await readDeclarations(db), taskQueue, declared);
}

/** The same, where it is known what was applied. */
export function planOf(
  all: readonly AppliedDeclaration[],
  taskQueue: string,
  declared: readonly Declaration[],
): SchedulePlan {
  const applied = new Map(all.map((each) => [keyOf(each), each]));
  const wanted = new Set(declared.map(keyOf));
  const changes: PlannedChange[] = [
    ...declared.map((each) => changeOf(each, applied.get(keyOf(each)), taskQueue)),
    ...[...applied.values()]
      .filter((each) => each.taskQueue === taskQueue && !wanted.has(keyOf(each)))
      .map((each) => ({ ...entry(each, each), change: 'removed' as const, after: null })),
  ].toSorted((a, b) => (a.kind === b.kind ? (a.id < b.id ? -1 : 1) : a.kind < b.kind ? 1 : -1));
  const removed = changes.filter(({ change }) => change === 'removed');
  const own = [...applied.values()].filter((each) => each.taskQueue === taskQueue).length;
  const accounts = removed.reduce((sum, each) => sum + each.accounts, 0);
  const removesMany = removed.length > own * MOST_REMOVED_SHARE || accounts > MOST_REMOVED_ACCOUNTS;
  return { taskQueue, changes, removesMany };
}

/** @returns what was done. @throws RemovesMany */
export async function applySchedules(
  pool: Pool,
  taskQueue: string,
  syncs: readonly Sync[],
  { removesMany = false, removes = true }: ApplyOptions = {},
): Promise<SchedulePlan> {
  const declared = declaredBy(syncs);
  const done = await withDeclarationsLocked(pool, async (tx) => {
    const planned = await planSchedules(tx, taskQueue, declared);
    const plan = removes
      ? planned
      : { ...planned, changes: planned.changes.filter(({ change }) => change !== 'removed'), removesMany: false };
    if (plan.removesMany && !removesMany) throw new RemovesMany(plan);
    const todo = new Map(plan.changes.map((each) => [keyOf(each), each.change]));
    for (const each of plan.changes) if (each.change === 'removed') await removeDeclaration(tx, each);
    for (const each of declared)
      if (['added', 'changed'].includes(todo.get(keyOf(each)) ?? '')) await putDeclaration(tx, each, taskQueue);
    return plan;
  });
  await placeAllAccounts(pool, taskQueue, true);
  return done;
}

/** @returns what differs between the code and what is in force, in a sentence; undefined when nothing does. */
export function driftText({ changes }: SchedulePlan): string | undefined {
  const count = (wanted: PlannedChange['change']): number => changes.filter(({ change }) => change === wanted).length;
  const texts = [
    [count('added'), 'not in force yet'],
    [count('changed'), 'otherwise in the code'],
    [count('removed'), 'not in the code any more'],
    [count('foreign'), 'of another task queue'],
  ] as const;
  const found = texts.filter(([times]) => times > 0);
  if (found.length === 0) return undefined;
  return found.map(([times, what]) => `${counted(times, 'declaration')} ${what}`).join(', ');
}

function changeOf(declared: Declaration, applied: AppliedDeclaration | undefined, taskQueue: string): PlannedChange {
  const found = entry(declared, applied);
  if (applied === undefined) return { ...found, change: 'added' };
  if (applied.taskQueue !== taskQueue) return { ...found, change: 'foreign' };
  const isSame = sameJson(declared.spec, applied.spec) && declared.provider === applied.provider;
  return { ...found, change: isSame ? 'unchanged' : 'changed' };
}

function entry(of: Declaration, applied: AppliedDeclaration | undefined): Omit<PlannedChange, 'change'> {
  return {
    kind: of.kind,
    id: of.id,
    sync: of.sync,
    before: applied ? declarationText(applied) : null,
    after: declarationText(of),
    accounts: applied?.accounts ?? 0,
  };
}

function keyOf({ kind, id }: Pick<Declaration, 'kind' | 'id'>): string {
  return `${kind} ${id}`;
}

/** Postgres keeps the names of an object in an order of its own. */
function sameJson(a: unknown, b: unknown): boolean {
  if (typeof a !== 'object' || a === null || typeof b !== 'object' || b === null) return a === b;
  const [one, other] = [Object.entries(a), new Map(Object.entries(b))];
  return one.length === other.size && one.every(([name, value]) => other.has(name) && sameJson(value, other.get(name)));
}
