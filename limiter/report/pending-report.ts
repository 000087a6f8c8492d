/**
 * What is to be told about one bucket: sums up until it is sent. Next: `send-reports.ts` sends it.
 */

export interface Tally {
  readonly id: number;
  /** By slot. */
  readonly refunds: Map<number, number>;
  charge: number;
  blockMs: number | undefined;
  reason: string | undefined;
  /** By the permits' epoch. */
  readonly outcomes: Map<number, Outcomes>;
  releases: number;
  heldMs: number;
  remaining: number | undefined;
  /** `performance.now()` of the reset. */
  resetAt: number | undefined;
  /** `performance.now()` when the call that was told `remaining` got its permit. */
  askedAt: number;
  max: number | undefined;
}

export interface Outcomes {
  oks: number;
  refusals: number;
  failures: number;
}

export function emptyTally(id: number): Tally {
  return {
    id,
    refunds: new Map(),
    charge: 0,
    blockMs: undefined,
    reason: undefined,
    outcomes: new Map(),
    releases: 0,
    heldMs: 0,
    remaining: undefined,
    resetAt: undefined,
    askedAt: 0,
    max: undefined,
  };
}

export function addRefund(tally: Tally, slot: number, amount: number): void {
  tally.refunds.set(slot, (tally.refunds.get(slot) ?? 0) + amount);
}

export function outcomesOf(tally: Tally, epoch: number): Outcomes {
  let outcomes = tally.outcomes.get(epoch);
  if (outcomes === undefined) tally.outcomes.set(epoch, (outcomes = { oks: 0, refusals: 0, failures: 0 }));
  return outcomes;
}

/** Without what the third party said: what we counted ourselves, and for how long the key is blocked. */
export function ownCountsOf(tally: Tally): Tally {
  return { ...tally, reason: undefined, remaining: undefined, resetAt: undefined, max: undefined };
}

/** As `sluice.limit_report` reads it. */
export function tallyJson(tally: Tally): object {
  const json: Record<string, unknown> = { id: tally.id };
  if (tally.refunds.size > 0) {
    json['refundSlots'] = [...tally.refunds.keys()];
    json['refunds'] = [...tally.refunds.values()];
  }
  if (tally.outcomes.size > 0) {
    const outcomes = [...tally.outcomes.values()];
    json['epochs'] = [...tally.outcomes.keys()];
    json['oks'] = outcomes.map(({ oks }) => oks);
    json['refusals'] = outcomes.map(({ refusals }) => refusals);
    json['failures'] = outcomes.map(({ failures }) => failures);
  }
  for (const name of ['charge', 'releases', 'heldMs'] as const) if (tally[name] > 0) json[name] = tally[name];
  for (const name of ['blockMs', 'reason', 'remaining', 'max'] as const) {
    if (tally[name] !== undefined) json[name] = tally[name];
  }
  if (tally.remaining !== undefined) {
    json['ageMs'] = performance.now() - tally.askedAt;
    if (tally.resetAt !== undefined) json['resetMs'] = tally.resetAt - performance.now();
  }
  return json;
}
