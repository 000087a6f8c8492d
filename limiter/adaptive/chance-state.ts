/** What is remembered of refusals that may come whatever the rate; part of the law's state. Used by: `chance.ts`, `state.ts`. */
export interface Chance {
  /** The share of calls that is refused by chance; 0: none is known. */
  share: number;
  readonly evidence: Evidence;
  readonly trial: Trial;
}

/** Before a share is known: what makes it likely. With one: what speaks against it. */
export interface Evidence {
  /**
   * Refusals that came singly, how many of them close to the one before, and since when (with a share: the last
   * excess). Also how many raise a suspicion.
   */
  singles: number;
  close: number;
  sinceMs: number;
  suspicion: number;
  /** Calls and refusals since the first of them; where a share is known, lately. */
  calls: number;
  refused: number;
  /** Refusals with no accepted call between, and how often there were more than the share. */
  inARow: number;
  excesses: number;
}

/** A good deal more is given out, to see whether more is refused. */
export interface Trial {
  /** The estimate before it; 0: there is none. */
  from: number;
  atMs: number;
  /** The share that is expected, the calls that it takes, and what came of it so far. */
  expected: number;
  needs: number;
  calls: number;
  refused: number;
  /** The next one may begin: the last one showed chance, or was so many spans of calls ago. */
  isWanted: boolean;
  spans: number;
  patience: number;
}

/** Refusals that raise the suspicion first; twice as many after each trial that was refused. */
export const FIRST_SUSPICION = 4;

export function noChance(): Chance {
  return {
    share: 0,
    evidence: {
      singles: 0,
      close: 0,
      sinceMs: 0,
      suspicion: FIRST_SUSPICION,
      calls: 0,
      refused: 0,
      inARow: 0,
      excesses: 0,
    },
    trial: { from: 0, atMs: 0, expected: 0, needs: 0, calls: 0, refused: 0, isWanted: false, spans: 0, patience: 1 },
  };
}

export function copyOfChance({ share, evidence, trial }: Chance): Chance {
  return { share, evidence: { ...evidence }, trial: { ...trial } };
}
