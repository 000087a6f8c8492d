/**
 * A page that the rules have accepted: parsed, cut into rows, and stored in one transaction with the units that its rows
 * bring and the position after it. Next stop: `activities/paginate/advance.ts`, then `page-batcher.ts` for plain pages and
 * `db/stores/sync/unit-store.ts` for all others.
 */
import type { Answer } from '../../contracts/answer.ts';
import type { PageFact } from '../../contracts/messages.ts';
import { growPageSize } from '../../db/stores/sync/page-size-store.ts';
import { isPlainPage } from '../../db/stores/sync/insert-only-pages.ts';
import { inTransaction } from '../../db/pool.ts';
import { commitPage, type CommittedPage, type LoadedUnit, type PageToCommit } from '../../db/stores/sync/unit-store.ts';
import type { NodeDefinition } from '../../providers/define/define-sync.ts';
import { pageSizeKey, tryAgain, wakeNodes, type Attempt } from './attempt.ts';
import { childUnits } from './child-units.ts';
import { parseBody } from '../http/parse-body.ts';
import { advance } from '../paginate/advance.ts';
import { STALLED_PAGES_LIMIT } from '../paginate/loop-guard.ts';
import type { Standing, Step } from '../paginate/step.ts';
import { userCode } from './user-code.ts';
import { highestMark } from './watermark.ts';

/** @returns what the workflow must know: whether the unit goes on, and whether it got lanes. */
export async function storePage(attempt: Attempt, answer: Answer, wantsDurable: boolean): Promise<PageFact> {
  const { node, unit, asked } = attempt;
  const { endpoint, options } = node;
  const body = parseBody(endpoint, answer);
  if (!body.ok) return tryAgain(attempt, body.reason, undefined);
  // Some third parties write null where there are no rows; a schema may allow it.
  const items =
    mapping(node, 'items', () => endpoint.paginate.items(body.value) as readonly unknown[] | null | undefined) ?? [];
  const keys = mapping(node, 'key', () => items.map((item) => String(options.key(item, unit.parentRow))));
  const page = { response: body.value, headers: answer.headers, itemCount: items.length, keys };
  const next = mapping(node, 'paginate', () => advance(endpoint.paginate, standingOf(attempt), page));
  const fact = await commitStep(attempt, next, { items, keys }, wantsDurable, answer.elapsedMs);
  const { max } = endpoint.paginate.pageSize;
  // Full, and not a small rest of a page: larger ones may do as well.
  if (attempt.pageSize < max && items.length >= asked.size && asked.size * 2 > attempt.pageSize)
    await growPageSize(attempt.deps.pool, pageSizeKey(attempt), attempt.pageSize, max);
  return fact;
}

function mapping<Result>(node: NodeDefinition, what: string, run: () => Result): Result {
  return userCode(`\`${what}\` of node "${node.name}"`, run, 1);
}

/** Stores a step that an answer without rows has led to. */
export function storeStep(attempt: Attempt, next: Step, wantsDurable: boolean): Promise<PageFact> {
  return commitStep(attempt, next, { items: [], keys: [] }, wantsDurable);
}

/** Where the list stands, for `paginate/`. */
export function standingOf({ unit, asked }: Attempt): Standing {
  return { ...unit, asked };
}

async function commitStep(
  attempt: Attempt,
  next: Step,
  { items, keys }: { readonly items: readonly unknown[]; readonly keys: readonly string[] },
  wantsDurable: boolean,
  elapsedMs = Infinity,
): Promise<PageFact> {
  const { deps, request, sync, node, unit } = attempt;
  const { options, endpoint } = node;
  const { account } = request.context;
  const { memory } = attempt;
  const { newRows } = memory;
  const { map } = options;
  const rows = map ? mapping(node, 'map', () => items.map((item) => map(item, unit.parentRow))) : items;
  const page: PageToCommit = {
    ...next,
    unit: request.unit,
    pages: unit.pages,
    account,
    resource: node.resource,
    records: keys.map((key, index) => [key, rows[index]] as const),
    items: items.length,
    children: mapping(node, 'when or uniqueBy of a child', () => childUnits(sync, node, keys, rows)),
    calls: 1,
    range: attempt.asked.range ?? null,
    since: attempt.since ?? null,
    watermark: mapping(node, 'incremental.field', () =>
      highestMark(options.incremental, items, unit.highest ?? unit.watermark),
    ),
    isMember: options.deletions === 'full-pass',
    retryOf: unit.retryOf,
    stalledLimit: endpoint.paginate.guards['repeated-rows'] ? STALLED_PAGES_LIMIT : null,
    expectsNew: keys.length > 0 && newRows.expected(account, node.resource),
  };
  const fact = {
    unit: request.unit,
    state: 'more',
    pages: unit.pages + 1,
    ...(wantsDurable ? { wantsDurable } : {}),
  } as const;
  // While the page size may still grow, and where lanes share a list, the database knows more.
  const isInRow = attempt.pageSize >= endpoint.paginate.pageSize.max && !unit.isLaned && !wantsDurable;
  const commit = async (): Promise<PageFact> => {
    const committed = await storeRows(attempt, page, rows);
    // Somebody else stored this very page: whoever that was goes on with the unit, and so does the next attempt.
    if (committed.stale) return { unit: request.unit, state: 'more', wantsDurable };
    if (page.expectsNew) newRows.told(account, node.resource, committed.isAllNew === true);
    await wakeNodes(deps, request, committed.wake);
    if (isInRow && committed.lanes === 0 && committed.ended === null && !committed.isPaused)
      memory.remember(request.unit, standingAfter(unit, page, committed.fresh), attempt.readAt);
    return {
      ...fact,
      state: committed.ended ? 'ended' : 'more',
      ...(committed.lanes > 0 ? { lanes: committed.lanes } : {}),
    };
  };
  // Nobody needs to know more of it than that there is one more: the next call finds whatever became of it.
  const isAnswered =
    request.mode === 'now' && isInRow && !next.end && !next.split && !next.start && !next.move && !options.store;
  if (!isAnswered) return commit();
  memory.storeBehind(request.unit, request.runId, commit());
  const ahead = memory.turns.ahead(fact.pages, elapsedMs);
  return ahead > 1 ? { ...fact, ahead } : fact;
}

/** The page in one statement, or in one transaction with what the sync's own `store` writes. */
async function storeRows(
  { deps, node, request, sync }: Attempt,
  page: PageToCommit,
  rows: readonly unknown[],
): Promise<CommittedPage> {
  const { store } = node.options;
  if (!store) {
    const isPlain = isPlainPage(page, sync.childrenOf(node.name).length > 0);
    return isPlain ? deps.pageBatches.store(page) : commitPage(deps.pool, page);
  }
  return inTransaction(deps.pool, async (tx) => {
    const done = await commitPage(tx, page);
    if (!done.stale)
      await store({ query: (text, values) => tx.query(text, values && [...values]) }, rows, {
        account: request.context.account,
      });
    return done;
  });
}

/** What would now be read from the database: the unit's row as `commitPage` has left it. */
function standingAfter(unit: LoadedUnit, page: PageToCommit, fresh: number): LoadedUnit {
  const { position, guard, range, watermark } = page;
  return {
    ...unit,
    state: 'running',
    position,
    guard,
    range,
    highest: watermark ?? unit.highest,
    pages: unit.pages + 1,
    items: unit.items + page.records.length,
    rows: unit.rows + fresh,
    attempts: 0,
  };
}
