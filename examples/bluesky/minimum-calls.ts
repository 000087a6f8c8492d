/**
 * What a walk of a seeded network costs at least: how many calls, and how many seconds under a fixed window. Pure
 * arithmetic, so that a measured run can be put beside it.
 */
import type { SeededNetwork } from './seed.ts';

/** The part of a `SeededNetwork` that decides how long its lists are. */
export interface NetworkSize {
  readonly accounts: readonly {
    readonly posts: number;
    readonly follows: readonly string[];
  }[];
  readonly followedDids: SeededNetwork['followedDids'];
}

/**
 * The fewest calls of a walk repos → each repo's posts and follows → each followed account once.
 *
 * A list ends only where no cursor comes back, and the PDS sends one with every page that has an item on it. So a list of
 * n items costs ceil(n / pageLimit) pages and one empty page: 1 call for 0 items, 2 for 1 to 100, 3 for 101.
 * The default network at 100 a page: 2 (`listRepos`) + 40 × 2 (posts) + 40 × 2 (follows) + 40 (`describeRepo`) = 202.
 *
 * @param options.pageLimit Items on a full page, the same for all three lists; `listRecords` allows at most 100.
 */
export function minimumCalls(expected: NetworkSize, options: { readonly pageLimit: number }): number {
  const callsOfList = (items: number): number => Math.ceil(items / options.pageLimit) + 1;
  const callsOfAccounts = expected.accounts.map(
    (account) => callsOfList(account.posts) + callsOfList(account.follows.length),
  );
  return (
    callsOfList(expected.accounts.length) +
    callsOfAccounts.reduce((sum, calls) => sum + calls, 0) +
    expected.followedDids.length
  );
}

/**
 * The fewest seconds in which `calls` fit under a fixed window: every window but the last is used up and waited out, and
 * the calls themselves take no time. 202 calls at 50 per 10 s need 5 windows, so 40 s; calls that fit in one need 0.
 *
 * @param limit Calls allowed in one window, at least 1.
 */
export function idealSeconds(calls: number, limit: number, windowSeconds: number): number {
  return Math.max(0, Math.ceil(calls / limit) - 1) * windowSeconds;
}
