/**
 * What one answer of a third party means, as a closed union.
 *
 * A provider's rules decide it from status, headers and body text, before the body is parsed. Retry policy, limiter and
 * unit state act on the outcome and never on message text.
 * Next: `providers/rules/default-rules.ts` and a provider's own rules decide it, `activities/sync/fetch-page.ts` acts on it.
 */

/** Who must act before the same call can succeed. */
export type PermanentCause = 'config' | 'auth' | 'gone' | 'bug';

export type Outcome =
  /** The body may be parsed. */
  | { readonly kind: 'ok' }
  /** A good page, but not all of what was asked for is in it: its rows are stored, and its list ends as `flawed`. */
  | { readonly kind: 'flawed'; readonly reason: string }
  /** The same call may succeed later. Without `afterMs` the retry policy's backoff decides. Costs one attempt. */
  | { readonly kind: 'retry'; readonly reason: string; readonly afterMs?: number }
  /**
   * The third party refused because of a limit: blocks the key for every caller. Costs no attempt.
   * `limit` names the limit that was hit (as declared by the provider); without it the limiter finds
   * out which. `afterMs` is how long the third party asked to wait, if it said so.
   */
  | { readonly kind: 'limited'; readonly reason: string; readonly limit?: string; readonly afterMs?: number }
  /**
   * The token is bad or expired: refresh once for all, then repeat. With `isDoubt` it may also be a good answer (an empty
   * list): with a token that has just been refreshed it is taken as one.
   */
  | { readonly kind: 'refresh-auth'; readonly reason: string; readonly isDoubt?: boolean }
  /** This one item can't be had (deleted, private): counted and listed, the tree goes on. */
  | { readonly kind: 'skip'; readonly reason: string }
  /** The list ends here although the answer is not a page. */
  | { readonly kind: 'end-of-data'; readonly reason: string }
  /** The third party does not know the cursor any more that an earlier page gave: the list goes on by its `onDeadCursor`. */
  | { readonly kind: 'dead-cursor'; readonly reason: string }
  /** What the list was asked from is not known any more: it is read from its beginning. */
  | { readonly kind: 'checkpoint-expired'; readonly reason: string }
  /** The list is longer than the third party gives: its range is halved, or it ends as `capped`. */
  | { readonly kind: 'capped'; readonly reason: string }
  /** The same position again with a smaller page. */
  | { readonly kind: 'shrink-page'; readonly reason: string }
  /** No retry will help. */
  | { readonly kind: 'permanent'; readonly cause: PermanentCause; readonly reason: string }
  /**
   * A write was sent and its fate is not known: look it up before it is repeated. With `doubtsToken` its answer speaks of a bad token: a new
   * one is got before that.
   */
  | { readonly kind: 'unknown-write'; readonly reason: string; readonly doubtsToken?: boolean };

export type OutcomeKind = Outcome['kind'];
