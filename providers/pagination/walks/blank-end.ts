/**
 * A list whose pages name the next one, and that ends with a page without rows. Behind a page that came full, or said
 * that more follows, it may be none. The row that the cursor names was deleted meanwhile, or the third party is out of
 * order for a moment. Or it has forgotten the cursor and does not say so. The page before is asked for once more, and
 * what it names now is followed. Pure.
 * Used by: `token-walk.ts`. Lists by number look again by themselves: `providers/pagination/list-end.ts`.
 */
import { afterDeadCursor, itemsOfReading } from '../dead-cursor.ts';
import { indexOfName, type Memory } from '../loop-guard.ts';
import type { Pagination } from '../pagination.ts';
import { isPageful } from '../told/paging-words.ts';
import { FRONT_IS_GONE, step, type ListState, type PageAnswer, type Step } from '../step.ts';

/** Looks at one list, after each of which its last page ends with another row. */
const MOST_LOOKS = 5;
/** No third party cuts its pages smaller by itself. */
const SMALLEST_PAGE = 10;

/** A page that leads on: what it was asked by, and what it brought. */
export function noteLeading(memory: Memory, at: ListState, { itemCount }: PageAnswer, saysMore: boolean): void {
  delete memory['again'];
  delete memory['before'];
  // A page that a filter has left empty leads on to nothing in particular.
  if (itemCount === 0) return;
  memory['before'] = at.position?.cursor ?? at.position?.url ?? '';
  memory['beforeItems'] = itemCount;
  if (saysMore) memory['beforeMore'] = 1;
  else delete memory['beforeMore'];
}

/**
 * What a page shows of the one before it, for the other lists of its endpoint: how many rows that one had, where others came behind it, or
 * where none did twice.
 */
export function shownOfBefore(
  { guard }: Pick<ListState, 'guard'>,
  itemCount: number,
  next: Pick<Step, 'end' | 'isReread' | 'isQuietEnd'>,
): { readonly followed: number; readonly closed: number } {
  const { beforeItems = 0, lookedBehind, tail } = guard ?? {};
  const isToldOtherwise = next.isReread || next.isQuietEnd || (next.end !== null && next.end.kind !== 'complete');
  const isClosed = itemCount === 0 && next.end !== null && lookedBehind !== undefined && lookedBehind === tail;
  return {
    followed: itemCount > 0 && !isToldOtherwise ? Number(beforeItems) : 0,
    closed: isClosed && !isToldOtherwise ? Number(beforeItems) : 0,
  };
}

/** The page before a blank one has come once more: its rows are no sign of a list that goes round. */
export function isLookedAt({ guard }: Pick<ListState, 'guard'>): boolean {
  return guard?.['again'] === 1;
}

/**
 * The page before a blank one has come with fewer rows, since the third party gives smaller pages by now: up to the row that was the last one
 * the list brings known rows, under names that it had before. @returns whether this page is among them.
 */
export function isCutAnew(memory: Memory, at: ListState, { keys }: PageAnswer): boolean {
  if (isLookedAt(at) && keys.length < Number(memory['beforeItems'])) {
    for (const name of Object.keys(memory)) if (/^(token|keys)\./.test(name)) delete memory[name];
    memory['until'] = memory['lookedBehind'] ?? '';
  }
  const { until } = memory;
  if (indexOfName(keys, until) >= 0) delete memory['until'];
  return until !== undefined;
}

/** @returns the step after a page that would end its list; undefined when that end is to be believed. */
export function afterBlankEnd(p: Pagination, at: ListState, page: PageAnswer, memory: Memory): Step | undefined {
  if (!isDoubtful(p, page)) return undefined;
  const begun = memory['begunAgain'] === 1 && itemsOfReading(at) === 0;
  if (begun || (isLookedAt(at) && memory['before'] === '')) return step(at, { end: FRONT_IS_GONE });
  if (isLookedAt(at))
    return afterDeadCursor(p, { ...at, guard: memory }, 'a page that had rows came again without any');
  if (!wasPromised(at, memory) || memory['lookedBehind'] === memory['tail']) return undefined;
  const looks = Number(memory['looks'] ?? 0) + 1;
  if (looks > MOST_LOOKS) {
    const reason = `its last page was another one in each of ${MOST_LOOKS} looks at it: the list changes faster than it is read`;
    return step(at, { end: { kind: 'truncated', reason } });
  }
  const { before = '', beforeItems = 0, tail = '', itemsBefore = 0 } = memory;
  const behind = at.position?.behind === undefined ? {} : { behind: at.position.behind };
  const asked = before === '' ? {} : { [p.kind === 'cursor' ? 'cursor' : 'url']: String(before) };
  const position = { ...behind, ...asked };
  return step(at, {
    position: Object.keys(position).length === 0 ? null : position,
    guard: { ...memory, looks, again: 1, lookedBehind: tail, itemsBefore: Number(itemsBefore) + Number(beforeItems) },
    isReread: true,
  });
}

/**
 * A page without rows that names a next one, behind one as full as any. It may be so for a moment only, and is asked for once more. What a
 * filter has left empty comes so again.
 */
export function isMaybeBlank(
  p: Pagination,
  at: ListState,
  page: PageAnswer,
  { memory, next }: { readonly memory: Memory; readonly next: string },
): boolean {
  const { before, tail = '', looksAtBlank = 0 } = memory;
  const isLooked = isLookedAt(at) || memory['blankBehind'] === tail || Number(looksAtBlank) >= MOST_LOOKS;
  if (before === undefined || isLooked || !isDoubtful(p, page, next) || !isFullBefore(at, memory)) return false;
  memory['blankBehind'] = tail;
  memory['looksAtBlank'] = Number(looksAtBlank) + 1;
  return true;
}

/**
 * A place that is kept by the third party can't be asked for again. A token for the next run is told at the end alone, but for one that is
 * the name of the next page.
 */
function isDoubtful(p: Pagination, page: PageAnswer, next = ''): boolean {
  if (page.itemCount > 0 || page.isEnd || !p.guards['moved-rows'] || !p.guards['repeated-token']) return false;
  return ['', next].includes(String(p.checkpoint?.(page.response, page) ?? ''));
}

/**
 * As full as it was asked for, or as pages before it that others followed, which shows where this third party cuts
 * them. Or with a word that more follows. Where the blank page itself had failed just before, it is a part of that.
 */
function wasPromised(at: ListState, memory: Memory): boolean {
  if (memory['before'] === undefined) return false;
  if (memory['beforeMore'] === 1 || (at.attempts ?? 0) > 0) return true;
  const rows = Number(memory['beforeItems']);
  if (at.pages === 1 && isFullElsewhere(at, rows)) return true;
  return (at.pages > 1 || rows >= at.asked.size) && isFullBefore(at, memory);
}

/**
 * Is the only page of a list as full as one of another list, of any account, behind which rows came? Where none is known, a round
 * number may be a full page, also where more were asked for. It is none once a list of so many rows was looked at again and had ended.
 */
function isFullElsewhere({ followed, closed }: ListState, rows: number): boolean {
  if (rows < SMALLEST_PAGE) return false;
  if (followed > 0 && closed <= followed) return rows >= followed;
  return isPageful(rows) && rows > closed;
}

/** Has the page before brought as many rows as it was asked for, or as the largest page of its list? */
function isFullBefore({ asked, given }: ListState, memory: Memory): boolean {
  const most = Math.max(SMALLEST_PAGE, Number(memory['most'] ?? given ?? 0));
  return Number(memory['beforeItems']) >= Math.min(asked.size, most);
}
