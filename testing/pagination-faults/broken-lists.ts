/**
 * Lists that never end, end early, or lie: seventeen kinds that real products have met, and their relatives. Each is a
 * fixture with the end that an honest client must come to. Installed on a fake third party, walked by the client under
 * test. Next: `broken-loops.ts` has the endless ones, `broken-ends.ts` those that end wrongly or just look broken.
 */
import { brokenCaps } from './broken-caps.ts';
import { brokenEnds } from './broken-ends.ts';
import { brokenLoops } from './broken-loops.ts';
import type { FakeApi } from '../fake-api/fake-api.ts';
import type { PageKind } from '../fake-api/lists/page-answer.ts';

/** How a client is told to page: what a provider's definition would say. */
export interface BrokenListPaging {
  readonly kind: PageKind;
  /** Rows to ask for in a page. */
  readonly pageSize: number;
  /** Query parameters: all of them, whatever the kind uses. */
  readonly params: { readonly cursor: string; readonly page: string; readonly offset: string; readonly limit: string };
  /** Where the rows are; the empty string is a bare array. */
  readonly items: string;
  /** Where the token or the next address is, for `cursor` and `next-url`. */
  readonly next: string;
  /** Where the answer says that there is more, if it does. */
  readonly hasMore?: string;
  /** Where the number of all rows is, and whether it can be relied on. */
  readonly total?: { readonly field: string; readonly kind: 'exact' | 'estimate' };
  /** Query parameters of a range of the numeric field `n` (both ends included), if the endpoint offers one. */
  readonly range?: { readonly from: string; readonly to: string; readonly field: 'n' };
}

/** What must notice first; a client may well have more than one that would. */
export type BrokenListGuard =
  /** The next token or address is one that was followed before. */
  | 'repeated-token'
  /** A page has the same rows as an earlier one. */
  | 'repeated-rows'
  /** Empty page after empty page, each promising more. */
  | 'empty-pages'
  /** It stopped at, or refused to go past, a well-known round number of rows. */
  | 'result-cap'
  /** Fewer rows than the exact total. */
  | 'missing-rows'
  /** A maximum of pages, of time or of calls: nothing in the answers gives it away. */
  | 'page-maximum'
  /** Nothing: it only looks broken, and a careless guard would end it too early. */
  | 'none';

export interface BrokenList {
  /** Unique; the path is `/broken/<name>`. */
  readonly name: string;
  /** Which of the seventeen kinds it is; undefined for a relative. */
  readonly number?: number;
  /** Where it was seen: `owner/repo#number`, or the address of a document. */
  readonly source: string;
  /** What the third party does, in a sentence. */
  readonly story: string;
  readonly path: string;
  readonly pagination: BrokenListPaging;
  /** Serves it. State (drift) begins anew with each installation. */
  readonly install: (api: FakeApi) => void;
  readonly expectedEnd: 'complete' | 'capped' | 'looped' | 'truncated';
  readonly guard: BrokenListGuard;
  /** Keys (`id`) of all rows that the third party has; for drifting lists those that were there all the time. */
  readonly trueKeys: readonly string[] | null;
  /** Keys that a right client holds at the end, at least; equal to `trueKeys` where the end is `complete`. */
  readonly reachableKeys: readonly string[];
}

/** All of them. */
export const brokenLists: readonly BrokenList[] = [...brokenLoops, ...brokenEnds, ...brokenCaps];
