/**
 * What the search of a window of few calls remembers: a part of the law's state, in all phases.
 * Next: `limiter/adaptive/windows/few-calls.ts`.
 */
export interface FewCalls {
  /** When the last calls were accepted, one more than it holds; latest last. */
  readonly times: readonly number[];
  /** While a shorter length is tried: the one before, and since when; 0 when none is. */
  readonly wasMs: number;
  readonly triedAtMs: number;
  readonly tries: number;
  /** Its length is known well enough. */
  readonly isKnown: boolean;
}

/** A window of few calls is known, and its length is searched. */
export function isSearched(window: { readonly few?: FewCalls; readonly max: number }): boolean {
  return window.few !== undefined && !window.few.isKnown && window.max > 0;
}
