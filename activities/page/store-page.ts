/**
 * A page that the rules have accepted: its rows, the units that they bring and the position after it, stored in one transaction.
 * Next: `read-page.ts` reads its rows, `providers/pagination/kinds/index.ts` says where the list goes, `store-rows.ts` stores all of it.
 */
import type { Answer } from '../../contracts/answers/answer.ts';
import { lostIn } from '../../contracts/answers/answer-json.ts';
import { cleanText } from '../../contracts/values/clean-text.ts';
import type { JobTold } from '../../contracts/job.ts';
import { keepsMembers, type KeptState } from '../../contracts/list.ts';
import type { PageFact } from '../../contracts/messages.ts';
import { growPageSize } from '../../db/stores/sync/page-size-store.ts';
import type { PageToCommit } from '../../db/stores/sync/page-store.ts';
import type { LoadedUnit } from '../../db/stores/sync/unit-store.ts';
import { withGone } from '../../providers/pagination/gone-rows.ts';
import { STALLED_PAGES_LIMIT } from '../../providers/pagination/loop-guard.ts';
import { goneBeyond } from '../../providers/pagination/result-cap.ts';
import type { Step } from '../../providers/pagination/step.ts';
import { shownOfBefore } from '../../providers/pagination/walks/blank-end.ts';
import { afterPiece, STALLED_PIECES } from '../../providers/pagination/walks/body-pieces.ts';
import { leftOutByTime } from '../../providers/pagination/walks/shared-times.ts';
import { inParts } from '../../providers/pagination/walks/result-parts.ts';
import type { Pagination } from '../../providers/pagination/pagination.ts';
import type { ReadSoFar } from '../bodies/read-pieces.ts';
import { callsOf, databaseNow, fenceOf, pageSizeKey, stateOf, type Attempt } from '../sync/attempt.ts';
import { childUnits } from './child-units.ts';
import { isKnown } from './endpoint-facts.ts';
import { readAnew } from '../sync/apply-decision.ts';
import { askedInVain } from './asked-in-vain.ts';
import { rowsOfPage, type PageRows, allFlaws, NO_ROWS } from './page-rows.ts';
import { keptOf } from '../sync/kept-state.ts';
import { endAtKnown, stretchOfKnown } from '../../providers/pagination/known-rows.ts';
import { answeredAt, highestMark, isAfter, isBelow, markOf } from './watermark.ts';
import { mapping, readPage, type ReadPage } from './read-page.ts';
import { ifShrunken } from './shrunken-list.ts';
import { storeRows } from './store-rows.ts';
import { endToldOfMore, innerMore, pagesBefore } from './told-of-more.ts';
import { endWithoutCheckpoint, noteCheckpoint } from './without-checkpoint.ts';

export interface CameAnswer {
  readonly answer: Answer;
  /** Address that the page was asked at. */
  readonly url: string;
  /** Of a file of which more follows: what is read of it. */
  readonly soFar?: ReadSoFar | undefined;
}

/**
 * @param flaw why the rules have found the page flawed, if they have.
 * @returns what the workflow must know: whether the unit goes on, and whether it got lanes.
 * @throws NotUnderstood and UserCodeError, as `readPage` does.
 */
export async function storePage(
  attempt: Attempt,
  { answer, url, soFar }: CameAnswer,
  flaw: string | undefined,
  wantsDurable: boolean,
): Promise<PageFact> {
  const { node } = attempt;
  const { headers, damage } = answer;
  const page = readPage(attempt, answer, url);
  const keys = page.rows.map(({ key }) => key);
  const state = stateOf(attempt);
  const stepped = soFar
    ? afterPiece(state, soFar)
    : mapping(node, 'paginate', () =>
        node.endpoint.paginate.advance(state, {
          response: page.response,
          headers,
          url,
          input: attempt.input,
          itemCount: keys.length,
          rowItems: page.rows.filter(({ aside }) => !aside).map(({ item }) => item),
          keys,
        }),
      );
  const kept = mapping(node, 'paginate.checkpoint', () => keptOf(attempt, page.response, answer, url));
  const known = noteCheckpoint(untilKnown(attempt, page.rows, answer, stepped), kept);
  const doubt =
    endToldOfMore(attempt, page, answer, url, stepped, kept?.checkpoint) ??
    leftOutByTime(node.endpoint.paginate, known) ??
    endWithoutCheckpoint(attempt, known, keys.length);
  const told = { ...known, end: doubt ?? known.end };
  const ofPart = withGone(state, told, page.rows);
  const next = attempt.job ? inParts(state, attempt.job.parts, countedBy(attempt.job.told, ofPart)) : ofPart;
  const vain = askedInVain(attempt, page, next, kept, { headers, url });
  if (vain !== undefined) return readAnew(attempt, vain);
  const rows = rowsOfPage(page.rows, next.skip, node.options.incremental === 'checkpoint');
  // What a page lacks must be asked for again.
  const lacks = [
    flaw,
    damage,
    lostIn(answer),
    attempt.job?.told.flaw,
    innerMore(attempt, page, answer, url),
    pagesBefore(attempt, page, answer, url),
  ].filter((reason) => reason !== undefined);
  const flaws = allFlaws(rows.flaws, ...lacks.map((reason) => ({ count: 1, reason, holds: true })));
  const fact = await commitStep(
    attempt,
    withUsableToken(next),
    flaws === rows.flaws ? rows : { ...rows, flaws },
    page.setAside,
    wantsDurable,
    answer,
    kept,
  );
  // What no call has brought says nothing of pages that are asked for.
  if (!attempt.isCounted) await learnFromPage(attempt, keys, next);
  return fact;
}

/** A list that comes newest first ends where all that follows is known. */
function untilKnown(attempt: Attempt, rows: ReadPage['rows'], answer: Answer, next: Step): Step {
  const { node, since } = attempt;
  const { paginate } = node.endpoint;
  const { incremental } = node.options;
  if (!paginate.isNewestFirst || since === undefined || !incremental || incremental === 'checkpoint') return next;
  const at = answeredAt(answer.headers, databaseNow(attempt.unit));
  const marks = mapping(node, 'incremental.field', () =>
    rows.slice(next.skip).map(({ item }) => (item === undefined ? null : markOf(incremental, item, at))),
  );
  const state = stateOf(attempt);
  const stretch = stretchOfKnown(state.guard, marks, (mark) => isBelow(mark, since), isAfter);
  return endAtKnown(paginate, state, next, stretch);
}

/** As many rows must have come at the end as the job has said. */
function countedBy({ rows }: JobTold, next: Step): Step {
  return rows === undefined ? next : { ...next, total: rows };
}

/** Stores a step that an answer without rows has led to. */
export function storeStep(attempt: Attempt, next: Step, wantsDurable: boolean): Promise<PageFact> {
  return commitStep(attempt, next, NO_ROWS, () => undefined, wantsDurable);
}

/** A cursor that no database stores, or that was spoilt on the way, leads nowhere. */
function withUsableToken(next: Step): Step {
  const token = next.position?.cursor ?? next.position?.url;
  if (next.end || token === undefined || (!/[\0\ufffd]/.test(token) && token.isWellFormed())) return next;
  const reason = 'more follows, but the name of the next page has NUL or half a character in it';
  return { ...next, end: { kind: 'truncated', reason } };
}

/** What a page says about the endpoint, for all lists of it. Nothing is written where nothing is new. */
async function learnFromPage(attempt: Attempt, keys: readonly string[], next: Step): Promise<void> {
  const { deps, request, node, unit, asked, pageSize, memory } = attempt;
  const { paginate } = node.endpoint;
  const { kind, pageSize: sizes } = paginate;
  const count = keys.length;
  // Full, and not a small rest of a page: larger ones may do as well.
  if (pageSize < sizes.max && count >= asked.size && asked.size * 2 > pageSize)
    await growPageSize(deps.pool, pageSizeKey(attempt), pageSize, sizes.max);
  const beyond = goneBeyond(paginate, stateOf(attempt), keys);
  if (kind === 'single' && beyond === 0) return;
  const shown = { given: givenOf(count, asked), beyond, ...shownOfBefore(unit, count, next) };
  if (isKnown(unit, shown)) return;
  await memory.endpoints.note(deps.pool, { provider: request.context.provider, endpoint: node.endpoint.name }, shown);
}

/** What comes beyond what was asked for (pinned rows, the last row of the page before) makes no other page longer. */
function givenOf(count: number, { size }: Attempt['asked']): number {
  return Math.min(count, size);
}

async function commitStep(
  attempt: Attempt,
  next: Step,
  rows: PageRows,
  setAside: ReadPage['setAside'],
  wantsDurable: boolean,
  answer?: Answer,
  kept: KeptState | null = null,
): Promise<PageFact> {
  const { request, node, unit, memory } = attempt;
  const { newRows } = memory;
  const page = toCommit(attempt, next, rows, answer, kept);
  const fact = {
    unit: request.unit,
    state: 'more',
    pages: unit.pages + 1,
    ...(wantsDurable ? { wantsDurable } : {}),
    ...(page.children.length > 0 ? { children: true as const } : {}),
    ...(attempt.hasMoved ? { hasMoved: true as const } : {}),
  } as const;
  // While the page size may still grow, and where lanes share a list, the database knows more.
  const isInRow = attempt.pageSize >= node.endpoint.paginate.pageSize.max && !unit.isLaned && !wantsDurable;
  const commit = async (): Promise<PageFact> => {
    const { page: stored, committed } = await storeRows(attempt, page, rows, setAside);
    // Another attempt has stored this very page: its worker goes on with the unit, and so does the next attempt.
    if (committed.stale) return { unit: request.unit, state: 'more', hasMoved: true, wantsDurable };
    if (page.expectsNew) newRows.told(page.account, node.resource, committed.isAllNew === true);
    // How many of its gone rows count, the database knows.
    const isAsTold = !page.checks && !page.ifShrunken && page.gone.length === 0;
    if (isInRow && committed.lanes === 0 && committed.ended === null && committed.isRunning && isAsTold)
      memory.remember(request.unit, standingAfter(attempt, stored, committed.fresh), attempt.readAt);
    return {
      ...fact,
      state: committed.ended ? 'ended' : 'more',
      ...(committed.lanes > 0 ? { lanes: committed.lanes } : {}),
    };
  };
  // Nobody needs to know more of it than that there is one more: the next call finds whatever became of it.
  const isOrdinary = !next.end && !next.split && !next.start && !next.move && !next.isQuietEnd && !node.options.store;
  if (request.mode !== 'now' || !isInRow || !isOrdinary) return commit();
  memory.storeBehind(request.unit, request.runId, commit());
  const ahead = memory.turns.ahead(request.unit, fact.pages);
  return ahead > 1 ? { ...fact, ahead } : fact;
}

/** The page as the database takes it. */
function toCommit(
  attempt: Attempt,
  next: Step,
  rows: PageRows,
  answer: Answer | undefined,
  kept: KeptState | null,
): PageToCommit {
  const { request, sync, node, unit, memory } = attempt;
  const { options, endpoint } = node;
  const { account, tree } = request.context;
  const { paginate } = endpoint;
  const { end } = next;
  // When its run began, by the third party's clock, as far as it tells one, or by the database's, whichever is behind: the rows may
  // have neither. A worker's own clock may be anything.
  const nowMs = databaseNow(unit);
  const latestMs =
    Math.min(answer ? answeredAt(answer.headers, nowMs) : Infinity, nowMs) - (performance.now() - unit.runBeganAt);
  const marks = mapping(node, 'incremental.field', () => highestMark(options.incremental, rows.items, unit, latestMs));
  return {
    ...next,
    end: end?.reason === undefined ? end : { ...end, reason: cleanText(end.reason, 1_000) },
    ...fenceOf(attempt, unit.pages),
    account,
    resource: node.resource,
    records: rows.keys.map((key, index) => [key, rows.data[index]] as const),
    gone: rows.gone,
    children: mapping(node, 'when or uniqueBy of a child', () =>
      childUnits(sync, node, rows.keys, rows.data, tree, unit.mode),
    ),
    calls: callsOf(attempt),
    range: attempt.asked.range ?? null,
    since: attempt.since ?? null,
    watermark: marks.highest,
    guard: { ...next.guard, ...marks.memory },
    kept,
    isMember: keepsMembers(options),
    retryOf: unit.retryOf,
    mayHaveLanes: paginate.lanes > 1 || unit.lane > 0,
    stalledLimit: stalledLimit(paginate),
    expectsNew: rows.keys.length > 0 && memory.newRows.expected(account, node.resource),
    aside: rows.aside,
    flaws:
      marks.doubt === undefined ? rows.flaws : allFlaws(rows.flaws, { count: 1, reason: marks.doubt, holds: false }),
    ifShrunken: ifShrunken(attempt, next, rows.keys.length + rows.aside.length),
  };
}

function stalledLimit({ guards, comesInPieces }: Pagination): number | null {
  if (comesInPieces) return STALLED_PIECES;
  return guards['repeated-rows'] ? STALLED_PAGES_LIMIT : null;
}

/** What would now be read from the database: the unit's row as `commitPage` has left it. */
function standingAfter({ unit, asked }: Attempt, page: PageToCommit, fresh: number): LoadedUnit {
  const { position, guard, range, watermark, since } = page;
  const came = page.records.length + page.aside.length;
  return {
    ...unit,
    state: 'running',
    position,
    guard,
    range,
    highest: watermark ?? unit.highest,
    isBegun: true,
    since,
    pages: unit.pages + 1,
    items: unit.items + came,
    rows: unit.rows + fresh,
    attempts: 0,
    error: null,
    isOut: false,
    given: Math.max(unit.given ?? 0, givenOf(came, asked)),
    followed: Math.max(unit.followed, shownOfBefore(unit, came, page).followed),
  };
}
