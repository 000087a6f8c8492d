/** What the law of refusals remembers, hears and says: JSON in the bucket's row. Used by: `law.ts`, `pace.ts`. */

/** What is remembered. Null until it is refused first. */
export interface RefusalState {
  /** The next wait that nobody told is `FIRST_WAIT_MS` × 2^level. */
  readonly level: number;
  /** A call that was granted since the last refusal was answered. */
  readonly isAnswered: boolean;
  /** When the last refusal was (the store's clock), and units granted since the last one that was not one of several in a row. */
  readonly refusedAtMs: number;
  readonly sent: number;
  /** Refusals since then of calls that were on their way already, and ones in a row before a call was answered. */
  readonly late: number;
  readonly inARow: number;
  /** Part of the limit that is given out, above 0 and at most 1. */
  readonly share: number;
  /** It is given out evenly over its length, and not as soon as there is room. */
  readonly isPaced: boolean;
  /** Before the present run of decreases; when the last was; and what was refused and sent up to each refusal, newest first. */
  readonly shareBefore: number;
  readonly loweredAtMs: number;
  readonly runs: readonly Run[];
  /** This share of calls is refused whatever is given out; 0 = none is known. */
  readonly sporadic: number;
  /** The last step up: from which share, when, and how large the next one is. */
  readonly raisedFrom: number;
  readonly raisedAtMs: number;
  readonly stepUp: number;
  /** Units that must be granted without a refusal before the next step up. */
  readonly patience: number;
  /** What the last refusal would leave of the share if it was no chance; 0 = that has been done. */
  readonly doubtedUse?: number;
  /** When the last refusal was that followed no other. */
  readonly refusedFromMs?: number;
  /** Of a long limit: how fast it is given out evenly, in the place of over its length. */
  readonly pace?: Pace;
  /** So many times in a row several calls were refused together. */
  readonly crowds?: number;
  /** What was refused and sent lately: half of it is forgotten in a minute. */
  readonly lately?: Lately;
}

export interface Pace {
  /** Units. */
  readonly perSecond: number;
  /** Before the last step to a faster one. */
  readonly before?: number;
  /** The next step adds this share. */
  readonly step: number;
  /** Units that must be granted before it. */
  readonly patience: number;
  /** Since it is so: when that was, what was granted and refused. */
  readonly sinceMs: number;
  readonly sent: number;
  readonly refused: number;
}

export type Lately = Run & { readonly atMs: number };

/** Up to one refusal since the one before. */
export interface Run {
  readonly refused: number;
  readonly sent: number;
}

export interface RefusalEvent {
  /** The store's clock, milliseconds. */
  readonly atMs: number;
  /** Refused calls that were granted since the last refusal, and ones that were on their way before it. */
  readonly refused: number;
  readonly late: number;
  /** A call that was granted since the last refusal was answered. */
  readonly isAnswered: boolean;
  /** How long the third party asked to wait. */
  readonly toldMs?: number;
  /** The answer said how much is left, so what others use is known without this law. */
  readonly isCounted: boolean;
  /** Part of what is given out that is in use, 0 … 1; 0 where there is nothing to count. */
  readonly used: number;
  /** Units granted since the last step. */
  readonly sent: number;
  /** The limit itself, in units: the smallest share is one of them. */
  readonly units: number;
  /** In which all of it comes back, in milliseconds. */
  readonly lengthMs: number;
  /** The longest time for which it may let nothing through, in milliseconds: of a bucket that is less. Default `lengthMs`. */
  readonly closedMs?: number;
}

export interface RefusalOutput {
  readonly state: RefusalState;
  /** Nothing is given out for so long. */
  readonly blockMs?: number;
  /** When time alone changes something, if somebody waits. */
  readonly dueAtMs?: number;
  /** The change in words, for the bucket's event log. */
  readonly event?: string;
}
