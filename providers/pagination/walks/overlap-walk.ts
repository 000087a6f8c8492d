/**
 * Lists by page number or offset, read in order with an overlap. Each page begins with the last row of the one before, or just ahead of it.
 * While that row comes again nothing has slipped. Rows that were added only push old ones over the border a second time. When it does not,
 * rows before the border were removed and others moved over it unseen: the list steps back a page. Pure. Used by: `numbered-walk.ts`.
 */
import type { Position } from '../../../contracts/list.ts';
import { hasBegunAgain } from '../dead-cursor.ts';
import { endSeen, saysMore, totalOf } from '../end-seen.ts';
import { checksOf, keptOf, noteProbe, readAgain, totalAtBegin } from '../list-end.ts';
import { fullPage, memoryOf, nameOf, watchForLoop, type Memory } from '../loop-guard.ts';
import type { Pagination } from '../pagination.ts';
import { behindPins, noteFront, withoutPins, type Unpinned } from '../pinned-rows.ts';
import { notePlaces, placesOf } from '../places.ts';
import { cappedEnd, endedAfter, isAtStatedCap, isJustAtCap, isSuspicious, isTooLong } from '../result-cap.ts';
import { COMPLETE, step, type ListState, type PageAnswer, type Step } from '../step.ts';
import { FROM_ZERO, isFromZero, noteFromZero } from '../told/counted-from-zero.ts';
import { fallBack } from './fall-back.ts';

/** Steps back in a row after which the list changes faster than it can be read. */
const MAX_STEPS_BACK = 5;
/** Times that a list steps back from one place, or one before it, after which it is in no order that lasts. */
const MOST_LOSSES = 5;
/** Looks at the front, after the end, in each of which other rows came in. */
const MOST_LOOKS = 5;
/** Pages in a row of the same rows, each farther back than the one before. */
const MOST_PUSHES = 10;
/** Where they are gone, that many pages at the front without a new row are enough. */
const MOST_LOOK_PAGES = 5;

export function nextOverlapping(p: Pagination, at: ListState, page: PageAnswer): Step {
  const memory = memoryOf(at.guard);
  const isFront = at.asked.offset === 0 || at.position?.again === 'head';
  const unpinned = isFront ? { page, pins: 0 } : withoutPins(memory, page);
  return behindPins(overlapping(p, at, memory, unpinned), unpinned.pins);
}

function overlapping(p: Pagination, at: ListState, memory: Memory, { page, pins }: Unpinned): Step {
  const { itemCount } = page;
  const { offset, size } = at.asked;
  const { told, exact } = totalOf(p, at, page, memory);
  // As it was when this reading began.
  if (exact !== undefined) memory['total'] ??= exact;
  const { border = [], backs = 0, again } = at.position ?? {};
  const isHead = again === 'head';
  const facts: Partial<Step> = {
    guard: memory,
    total: p.guards['missing-rows'] ? (exact ?? null) : null,
    isReread: isHead || at.position?.pass !== undefined || hasBegunAgain(at),
  };
  if (offset === 0 && isTooLong(p, told)) {
    const early = cappedEnd(p, at.asked.range, `there are ${told} items`);
    if (early.split) return step(at, { ...facts, ...early });
  }
  // More than was asked for: the server does not look at the size, so its pages can't overlap. Nor is a place by number where rows without one fill it.
  if (p.kind === 'page' && (itemCount > size || pins > 0)) return fallBack(at, memory);

  const names = page.keys.map(nameOf);
  const found = names.findLastIndex((name) => border.includes(name));
  // Short pages with others behind them: rows are left out after pages are cut, so that no page is where its rows say.
  if (p.kind === 'page' && backs === 0 && !isHead && isUneven(at, memory, itemCount, itemCount > found + 1))
    return fallBack(at, memory, 0);
  const expected = (at.position?.borderAt ?? 0) + border.length - 1 - offset;
  const isBehindOthers = noteFromZero(p, at, memory, names, found, expected);
  if (isBehindOthers || (isHead && offset === 0 && isFromZero(memory, page.keys)))
    return step(at, { ...facts, end: FROM_ZERO });
  if (
    border.length > 0 &&
    itemCount > 0 &&
    found === itemCount - 1 &&
    found !== expected &&
    isRounded(p, memory, names, at)
  )
    return fallBack(at, memory);
  // Filtered lists have gaps: an empty page that promises more says nothing about the border, unless all pages came full.
  const isFiltered = Number(memory['leftOut'] ?? 0) > 0 || memory['uneven'] !== undefined;
  const isGap = itemCount === 0 && isFiltered && saysMore(p, at, page) === true;
  if (border.length > 0 && found < 0 && pins > 0 && backs === 0 && memory['unplaced'] === undefined) {
    // The first page was counted with rows that have no place.
    memory['unplaced'] = pins;
    memory['places'] = Number(memory['places'] ?? 0) - pins;
    const { borderAt = 0 } = at.position ?? {};
    const position = { ...at.position, offset: Math.max(0, offset - pins), borderAt: borderAt - pins };
    return step(at, { ...facts, isReread: true, position, skip: itemCount });
  }
  if (border.length > 0 && found < 0 && !isGap)
    return stepBack(p, at, { memory, facts, backs, isBlank: itemCount === 0 });
  // It stands where it stood, and was not found from where the page should have begun: if that happens again, the server rounds.
  if (backs > 0 && found === expected) memory['stood'] = at.position?.borderAt ?? 0;
  // A blank page where the border should be, while it stands at the end of the first page. By number no other size was
  // ever seen to work.
  if (p.kind === 'page' && offset === 0 && memory['stood'] !== undefined && memory['blank'] === 1)
    return fallBack(at, memory);
  // Rows were added before the border: there are new ones at the front, or were.
  if (border.length > 0 && found > expected) memory['shift'] = Number(memory['shift'] ?? 0) + found - expected;
  // It stands before where it stood: rows were removed, or the list is in another order now. The front tells one from the other.
  else if (border.length > 0 && found >= 0 && found < expected) memory['shift'] = Number(memory['shift'] ?? 0) + 1;
  return onwards(p, at, page, { memory, names, found, expected, backs, exact, facts, isHead, pins });
}

interface Found {
  readonly memory: Memory;
  readonly names: readonly string[];
  /** Place of the last row of the border on this page, where it is and where it should be; -1 when there is none. */
  readonly found: number;
  readonly expected: number;
  readonly backs: number;
  readonly exact: number | undefined;
  readonly facts: Partial<Step>;
  readonly isHead: boolean;
  readonly pins: number;
}

function onwards(p: Pagination, at: ListState, page: PageAnswer, here: Found): Step {
  const { offset, size } = at.asked;
  const { itemCount } = page;
  const { memory, names, found, expected, backs, exact, isHead } = here;
  const { border = [] } = at.position ?? {};
  // Where the border stands as it stood, what is before it was read.
  const isAsItStood = found === expected && border.every((name, n) => name === names[found + 1 - border.length + n]);
  const facts = { ...here.facts, skip: border.length > 0 && isAsItStood && backs === 0 ? found + 1 : 0 };
  if (!isHead) notePlaces(memory, at, page.keys, expected + 1);
  const reached = offset + itemCount;
  const isCounted = reached === exact && backs === 0;
  // What is pinned fills a page as well.
  const whole = itemCount === 0 ? page : { ...page, itemCount: itemCount + here.pins };
  const seen = endSeen(p, at, whole, memory, isCounted);
  // A page with the border alone is as good as a blank one, if it stands where it should.
  const bringsNothing = border.length > 0 && itemCount > 0 && itemCount - 1 === found;
  const isPromised = saysMore(p, at, page) === true;
  const isOnlyBorder = bringsNothing && found === expected && itemCount < size && !isPromised;
  if (seen || isOnlyBorder) {
    const how = seen && itemCount - 1 > found ? seen : 'blank';
    const isCut = isJustAtCap(p, reached, exact) || (offset > 0 && isSuspicious(p, at, how, exact, reached));
    if (!isHead && isCut) return step(at, { ...facts, ...cappedEnd(p, at.asked.range, endedAfter(reached, exact)) });
    // Rows came in meanwhile, and not all of them were met: some were inserted into what had been read.
    const most = at.rows + itemCount - (found + 1);
    if (exact !== undefined && most < exact && exact !== memory['total'] && p.guards['moved-rows'])
      return step(at, { ...facts, isReread: true, ...readAgain(p, at, memory, `${most} rows came of ${exact}`) });
    return step(at, { ...facts, ...endOf(p, at, memory) });
  }
  if (isAtStatedCap(p, reached))
    return step(at, { ...facts, ...cappedEnd(p, at.asked.range, `the list goes on behind ${reached} items`) });
  const end = isHead ? undefined : watchForLoop(p, memory, at, page);
  // Rows that were added before them push the last rows of a list back to where it is read, again and again.
  const isPushed = found > expected && Number(memory['pushed'] ?? 0) < MOST_PUSHES;
  if (end && !(end.kind === 'looped' && (backs > 0 || isPushed))) return step(at, { ...facts, end });
  memory['pushed'] = end && isPushed ? Number(memory['pushed'] ?? 0) + 1 : 0;
  memory['page.offset'] = offset;
  memory['page.first'] = names[0] ?? '';
  // The most that the server gives: a larger page can't be asked for by number. Each reading begins with it anew.
  const known = offset === 0 && !isHead ? undefined : at.position?.size;
  const most = known ?? (itemCount > 0 && itemCount < size ? itemCount : size);
  const overlap = Math.min(Math.max(1, p.overlap), Math.min(size, most) - 1);
  if (overlap < 1) return fallBack(at, memory, reached, most);
  // The border alone came, and more is promised: what follows is looked for behind it, where nothing can be found again.
  const isBehindBorder = bringsNothing && isPromised && backs === 0;
  const position: Position = {
    ...(at.position?.pass === undefined ? {} : { pass: at.position.pass }),
    ...(isHead ? { again: 'head' } : {}),
    // At least one row on, or an overlap as large as what came would stand still.
    offset: itemCount === 0 ? offset + size : Math.max(offset + 1, isBehindBorder ? reached : reached - overlap),
    ...(itemCount === 0 || isBehindBorder
      ? {}
      : { border: names.slice(-overlap), borderAt: reached - Math.min(overlap, itemCount) }),
    size: most,
    // From the beginning again: only a border that is found shows that reading keeps up.
    ...(found < 0 && backs > 0 ? { backs } : {}),
  };
  // No size of pages reaches over this border by number: 60 items and pages of six, five, four or three.
  const next = p.request(position, most, at.asked.range);
  const isStuck = backs === 0 && bringsNothing && (itemCount === size || (isPromised && p.kind === 'page'));
  if (itemCount > 0 && (isStuck || next.offset + next.size <= reached)) return fallBack(at, memory, reached);
  if (offset === 0) {
    noteFront(memory, page.keys);
    noteProbe(memory, 0, page.keys);
  }
  const isBehind = isHead && isBehindFront(memory, names, reached, size);
  if (isBehind && memory['shift']) return step(at, { ...facts, ...endOf(p, at, memory) });
  // Nothing behind the border, or a place that was read before the list stepped back: that it brings no new row means nothing.
  const farthest = Number(memory['farthest'] ?? 0);
  const isNothingNew = backs > 0 || reached <= farthest || bringsNothing;
  const isReread = facts.isReread === true || isNothingNew;
  if (!isHead) memory['farthest'] = Math.max(farthest, reached);
  const checks = isBehind ? checksOf(p, at, memory) : null;
  // Those that were pushed came twice, and are met at the front.
  return step(at, {
    ...facts,
    position,
    isReread,
    isQuietEnd: isBehind,
    checks: checks && { ...checks, isTwiceDoubtful: false },
  });
}

/**
 * The end of one reading. Rows that came in before a border are at the front now: new ones, or old ones that moved there before they
 * were read. The front is looked at until nothing comes in meanwhile.
 */
function endOf(p: Pagination, at: ListState, memory: Memory): Partial<Step> {
  const shift = Number(memory['shift'] ?? 0);
  // Rows that stood still at each border may have changed places all the same: then one that was read comes again.
  if (shift === 0 || !p.guards['moved-rows']) return { end: COMPLETE, checks: checksOf(p, at, memory) };
  const looks = Number(memory['looks'] ?? 0) + 1;
  if (looks > MOST_LOOKS) {
    const reason = `rows came to its front in each of ${MOST_LOOKS} looks at it: the list changes faster than it is read`;
    return { end: { kind: 'truncated', reason } };
  }
  const { pass, size = at.asked.size } = at.position ?? {};
  return {
    position: { ...(pass === undefined ? {} : { pass }), again: 'head', offset: 0, size },
    guard: {
      ...keptOf(memory),
      ...placesOf(memory),
      looks,
      moved: shift,
      began: memory['front'] ?? '',
      ...totalAtBegin(memory),
    },
  };
}

/**
 * Whether a look at the front has come to where the list began before, and as far as rows were seen to move. Two of its rows, in
 * their order, show that: one alone can have moved to the front itself.
 */
function isBehindFront(memory: Memory, names: readonly string[], reached: number, size: number): boolean {
  const began = String(memory['began'] ?? '').split('\n');
  for (const name of names) {
    const place = began.indexOf(name) + 1;
    if (place > Number(memory['met'] ?? began.length)) memory['behind'] = 1;
    if (place > 0) memory['met'] = place;
  }
  if (reached < 2 * Number(memory['moved'] ?? 0)) return false;
  return memory['behind'] === 1 || began.length < 2 || reached >= MOST_LOOK_PAGES * size;
}

interface Lost extends Pick<Found, 'memory' | 'facts' | 'backs'> {
  readonly isBlank: boolean;
}

function stepBack(p: Pagination, at: ListState, { memory, facts, backs, isBlank }: Lost): Step {
  const { offset = 0, borderAt = 0, size = at.asked.size } = at.position ?? {};
  if (isBlank) memory['blank'] = 1;
  if (backs === 0 && memory['stood'] === borderAt) {
    // It stands there, and pages that should begin with it do not: the server rounds offsets, or takes no such size.
    // A cursor that nobody has given out may be answered so as well.
    if (!isBlank || p.kind === 'page' || p.next) return fallBack(at, memory);
    const reason =
      `item ${borderAt + 1} is there, but the page that begins with it came blank twice: ` +
      "where the third party's offset counts pages, it is a list of kind `page`";
    return step(at, { ...facts, end: { kind: 'truncated', reason } });
  }
  if (backs === 0) {
    memory['losses'] = borderAt > Number(memory['lostAt'] ?? -1) ? 1 : Number(memory['losses'] ?? 0) + 1;
    memory['lostAt'] = Math.max(borderAt, Number(memory['lostAt'] ?? 0));
  }
  const isLostAgain = Number(memory['losses'] ?? 0) > MOST_LOSSES;
  if (backs >= MAX_STEPS_BACK || isLostAgain) {
    const often = isLostAgain ? `${MOST_LOSSES} times` : `after ${backs} steps back`;
    const why = `the row before item ${borderAt + 1} was not found again ${often}`;
    if (p.kind === 'page') memory['apart'] = 1;
    delete memory['places']; // This reading has come to no end: they are no measure for another one.
    return step(at, { ...facts, isReread: true, ...readAgain(p, at, memory, why) });
  }
  const back = Math.max(0, offset - Math.min(size, at.asked.size) + 1);
  return step(at, { ...facts, isReread: true, position: { ...at.position, offset: back, backs: backs + 1 } });
}

/** Has a page that was shorter than the server's pages been followed by another one, twice? Once, rows may have been added to the end. */
function isUneven(at: ListState, memory: Memory, itemCount: number, hasNew: boolean): boolean {
  if (memory['short'] === 1 && hasNew) memory['uneven'] = Number(memory['uneven'] ?? 0) + 1;
  memory['short'] = itemCount > 0 && itemCount < fullPage(at, memory) ? 1 : 0;
  return Number(memory['uneven'] ?? 0) > 1;
}

/** The page that came is the one before, or another one than was asked for: the server rounds offsets or sizes. */
function isRounded(p: Pagination, memory: Memory, names: readonly string[], { asked }: ListState): boolean {
  if (p.kind === 'page') return true;
  return names[0] === memory['page.first'] && asked.offset > Number(memory['page.offset']);
}
