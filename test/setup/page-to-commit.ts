/** A page of a list as `commitPage` takes it: the first one, which brings nothing, unless `more` says otherwise. */
import { newChange, type PageToCommit } from '../../db/index.ts';

export function pageToCommit(
  of: Pick<PageToCommit, 'unit' | 'run' | 'node' | 'account' | 'resource'>,
  more: Partial<PageToCommit> = {},
): PageToCommit {
  return {
    ...of,
    pages: 0,
    change: newChange(),
    records: [],
    children: [],
    position: { cursor: '1' },
    guard: {},
    calls: 1,
    end: null,
    split: null,
    range: null,
    since: null,
    watermark: null,
    kept: null,
    total: null,
    start: null,
    move: null,
    isMember: false,
    retryOf: [],
    isReread: false,
    known: 0,
    isQuietEnd: false,
    checks: null,
    ifShrunken: null,
    mayHaveLanes: true,
    gone: [],
    aside: [],
    flaws: null,
    stalledLimit: null,
    expectsNew: false,
    ...more,
  };
}
