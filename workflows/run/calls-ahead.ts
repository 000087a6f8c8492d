/**
 * Several calls of one list, asked for at once. Each is an activity of its own and they are made one after another; the
 * workflow hears of all of them together. Otherwise the way from a fast call to the next one leads through the workflow
 * each time, which takes longer than the call. Next: `activities/sync/serialize-calls.ts`.
 */
import type { Activities } from '../../activities/index.ts';
import type { FetchPageInput, PageFact } from '../../contracts/messages.ts';

/**
 * @param count calls to ask for, ≥ 1.
 * @param onFact is told once, when all have ended, what the last one that was made has said.
 * @param onError is told instead when one of them has thrown.
 */
export function callAhead(
  call: Activities['fetchPage'],
  request: FetchPageInput,
  count: number,
  onFact: (fact: PageFact) => void,
  onError: (error: unknown) => void,
): void {
  let open = count;
  let last: PageFact = { unit: request.unit, state: 'idle' };
  let hasChildren = false;
  let hasMoved = false;
  let failure: { readonly error: unknown } | undefined;
  const onEnd = (): void => {
    if (--open > 0) return;
    if (failure) onError(failure.error);
    else
      onFact(isPage(last) ? { ...last, ...(hasChildren && { children: true }), ...(hasMoved && { hasMoved }) } : last);
  };
  const onEach = (fact: PageFact): void => {
    if (isPage(fact) && fact.children) hasChildren = true;
    if (isPage(fact) && fact.hasMoved) hasMoved = true;
    if (isLater(fact, last)) last = fact;
    onEnd();
  };
  const onThrown = (error: unknown): void => {
    failure ??= { error };
    onEnd();
  };
  for (let ahead = 0; ahead < count; ahead++) {
    const { pages = 0 } = request;
    call(ahead === 0 ? request : { ...request, pages: pages + ahead, ahead }).then(onEach, onThrown);
  }
}

function isPage(fact: PageFact): fact is PageFact & { readonly state: 'more' | 'ended' } {
  return fact.state === 'more' || fact.state === 'ended';
}

/** Facts may arrive in any order. After one without a page there are only idle ones. */
function isLater(fact: PageFact, than: PageFact): boolean {
  if (fact.state === 'idle' || than.state === 'idle') return than.state === 'idle';
  if (fact.state === 'more' && than.state === 'more') return (fact.pages ?? Infinity) > (than.pages ?? Infinity);
  return than.state === 'more';
}
