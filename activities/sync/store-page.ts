/**
 * A page that the rules have accepted: parsed, cut into rows, and stored in one transaction with the units that its rows bring and
 * the position after it. Next: `page-batcher.ts` for plain pages, `db/stores/sync/page-store.ts` for all others.
 */
import type { Answer } from '../../contracts/answer.ts';
import type { PageFact } from '../../contracts/messages.ts';
import { noteEndpoint } from '../../db/stores/sync/endpoint-store.ts';
import { isPlainPage } from '../../db/stores/sync/insert-only-pages.ts';
import { growPageSize } from '../../db/stores/sync/page-size-store.ts';
import { commitPage, type CommittedPage, type PageToCommit } from '../../db/stores/sync/page-store.ts';
import type { LoadedUnit } from '../../db/stores/sync/unit-store.ts';
import { inTransaction } from '../../db/pool.ts';
import type { NodeDefinition } from '../../providers/define/define-sync.ts';
import { STALLED_PAGES_LIMIT } from '../../providers/pagination/loop-guard.ts';
import { COMMON_CAPS } from '../../providers/pagination/result-cap.ts';
import type { Step } from '../../providers/pagination/step.ts';
import { parseBody } from '../http/parse-body.ts';
import { again } from './apply-decision.ts';
import { fenceOf, pageSizeKey, stateOf, type Attempt } from './attempt.ts';
import { childUnits } from './child-units.ts';
import { rowsOfPage, type PageRows } from './page-rows.ts';
import { userCode } from './user-code.ts';
import { answeredAt, highestMark } from './watermark.ts';

/**
 * @param url Address that the page was asked at.
 * @returns what the workflow must know: whether the unit goes on, and whether it got lanes.
 */
export async function storePage(
  attempt: Attempt,
  answer: Answer,
  url: string,
  wantsDurable: boolean,
): Promise<PageFact> {
  const { node, unit } = attempt;
  const { endpoint, options } = node;
  const body = parseBody(endpoint, answer);
  if (!body.ok) {
    const { reason, riddle } = body;
    return again(attempt, unit.pages, unit.attempts, { do: 'again', costs: 'attempt', reason, riddle }, 1);
  }
  const facts = { headers: answer.headers, url };
  // Some third parties write null where there are no rows; a schema may allow it.
  const found = mapping(
    node,
    'items',
    () => endpoint.paginate.items(body.value, facts) as readonly unknown[] | null | undefined,
  );
  const items = found ?? [];
  const keys = mapping(node, 'key', () => items.map((item) => String(options.key(item, unit.parentRow))));
  const page = { response: body.value, ...facts, itemCount: items.length, keys };
  const next = mapping(node, 'paginate', () => endpoint.paginate.advance(stateOf(attempt), page));
  const { map } = options;
  const data = map ? mapping(node, 'map', () => items.map((item) => map(item, unit.parentRow))) : items;
  const rows = rowsOfPage(keys, data, next.skip);
  const fact = await commitStep(attempt, next, { items, rows }, wantsDurable, answer);
  await learnFromPage(attempt, items.length);
  return fact;
}

function mapping<Result>(node: NodeDefinition, what: string, run: () => Result): Result {
  return userCode(`\`${what}\` of node "${node.name}"`, run);
}

/** Stores a step that an answer without rows has led to. */
export function storeStep(attempt: Attempt, next: Step, wantsDurable: boolean): Promise<PageFact> {
  return commitStep(attempt, next, { items: [], rows: rowsOfPage([], [], 0) }, wantsDurable);
}

/** What a page says about the endpoint, for all lists of it. Nothing is written where nothing is new. */
async function learnFromPage(attempt: Attempt, count: number): Promise<void> {
  const { deps, request, node, unit, asked, pageSize } = attempt;
  const { kind, pageSize: sizes } = node.endpoint.paginate;
  // Full, and not a small rest of a page: larger ones may do as well.
  if (pageSize < sizes.max && count >= asked.size && asked.size * 2 > pageSize)
    await growPageSize(deps.pool, pageSizeKey(attempt), pageSize, sizes.max);
  if (kind === 'single') return;
  const isNumbered = kind === 'page' || kind === 'offset';
  const reached = (isNumbered ? asked.offset : unit.items) + count;
  const beyond = COMMON_CAPS.findLast((cap) => cap < reached) ?? 0;
  if (count > (unit.given ?? 0) || beyond > unit.beyond)
    await noteEndpoint(deps.pool, {
      provider: request.context.provider,
      endpoint: node.endpoint.name,
      given: count,
      beyond,
    });
}

async function commitStep(
  attempt: Attempt,
  next: Step,
  { items, rows }: { readonly items: readonly unknown[]; readonly rows: PageRows },
  wantsDurable: boolean,
  answer?: Answer,
): Promise<PageFact> {
  const { request, sync, node, unit, memory } = attempt;
  const { options, endpoint } = node;
  const { account } = request.context;
  const { newRows } = memory;
  const { paginate } = endpoint;
  const answeredAtMs = answer ? answeredAt(answer.headers) : Date.now();
  const page: PageToCommit = {
    ...next,
    ...fenceOf(attempt, unit.pages),
    account,
    resource: node.resource,
    records: rows.keys.map((key, index) => [key, rows.data[index]] as const),
    children: mapping(node, 'when or uniqueBy of a child', () => childUnits(sync, node, rows.keys, rows.data)),
    calls: 1,
    range: attempt.asked.range ?? null,
    since: attempt.since ?? null,
    watermark: mapping(node, 'incremental.field', () =>
      highestMark(options.incremental, items, unit.highest, answeredAtMs),
    ),
    isMember: options.deletions === 'full-pass',
    retryOf: unit.retryOf,
    mayHaveLanes: paginate.lanes > 1 || unit.lane > 0,
    stalledLimit: paginate.guards['repeated-rows'] ? STALLED_PAGES_LIMIT : null,
    expectsNew: rows.keys.length > 0 && newRows.expected(account, node.resource),
    flaws: rows.flaws,
  };
  const fact = {
    unit: request.unit,
    state: 'more',
    pages: unit.pages + 1,
    ...(wantsDurable ? { wantsDurable } : {}),
    ...(page.children.length > 0 || attempt.hasMoved ? { children: true as const } : {}),
  } as const;
  // While the page size may still grow, and where lanes share a list, the database knows more.
  const isInRow = attempt.pageSize >= paginate.pageSize.max && !unit.isLaned && !wantsDurable;
  const commit = async (): Promise<PageFact> => {
    const committed = await storeRows(attempt, page, rows.data);
    // Another attempt has stored this very page: its worker goes on with the unit, and so does the next attempt.
    if (committed.stale) return { unit: request.unit, state: 'more', children: true, wantsDurable };
    if (page.expectsNew) newRows.told(account, node.resource, committed.isAllNew === true);
    if (isInRow && committed.lanes === 0 && committed.ended === null && committed.isRunning && !page.checks)
      memory.remember(request.unit, standingAfter(unit, page, committed.fresh), attempt.readAt);
    return {
      ...fact,
      state: committed.ended ? 'ended' : 'more',
      ...(committed.lanes > 0 ? { lanes: committed.lanes } : {}),
    };
  };
  // Nobody needs to know more of it than that there is one more: the next call finds whatever became of it.
  const isOrdinary = !next.end && !next.split && !next.start && !next.move && !next.isQuietEnd && !options.store;
  if (request.mode !== 'now' || !isInRow || !isOrdinary) return commit();
  memory.storeBehind(request.unit, request.runId, commit());
  const ahead = memory.turns.ahead(fact.pages, answer?.elapsedMs ?? Infinity);
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
    error: null,
    given: Math.max(unit.given ?? 0, page.records.length),
  };
}
