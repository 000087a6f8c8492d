/**
 * The geometry of a ring of counters: how many slots, how long, and how they lie to the clock. SQL walks it in
 * `db/functions/limiter/acquire/advance.sql`. Next: `bucket-row.ts`.
 */

export interface Ring {
  readonly winUs: number;
  readonly guardUs: number;
  readonly slotUs: number;
  readonly slots: number;
  /** Slots of them that lie in the future: a slow worker's grants are counted ahead of time. */
  readonly slotsAhead: number;
  /** Null: the window slides. Else it begins at multiples of its length on the clock, or at midnights of a zone. */
  readonly align: 'clock' | 'day' | 'week' | 'month' | null;
  readonly zone: string | null;
  /** Of `clock`: so much after the multiples. */
  readonly alignUs: number;
}

// More slots waste less of the window and make a bigger row; at 120 the row stays near 1.3 kB and the waste below 1 %.
const SLOTS = 120;
const SHORTEST_SLOT_US = 5_000;
// A ring that is served the moment a slot is freed is served just before the next slot begins. That holds if slots
// divide the period with this much over. Then a saturated window loses this, and not a whole slot, in every round. It
// also has to cover how late a caller comes who was sent away, or its successors' estimates slip by a slot.
const SLACK_US = 250_000;
const SLOTS_AHEAD = 30;
/** An aligned window has two slots: its inner part, and the edge around its end, in which clocks may disagree. */
const ALIGNED_SLOTS = 8;
const ALIGNED_SLOTS_AHEAD = 3;

/**
 * A window that slides. It has a whole number of equal slots in window and guard, and the one that is being filled. It
 * also has those in which a slow worker's grants are counted ahead of time.
 */
export function ring(winUs: number, guardUs: number): Ring {
  const target = Math.max(winUs / SLOTS, SHORTEST_SLOT_US);
  const parts = Math.ceil((winUs + guardUs) / target);
  const slack = Math.min(target / 2, SLACK_US);
  const slotUs = Math.ceil((winUs + guardUs + slack) / parts);
  const slots = parts + 1 + SLOTS_AHEAD;
  return { winUs, guardUs, slotUs, slots, slotsAhead: SLOTS_AHEAD, align: null, zone: null, alignUs: 0 };
}

/** One that begins by the clock. Its slots are not of one length; `slotUs` is the shortest, the edge. */
export function alignedRing(
  winUs: number,
  guardUs: number,
  align: NonNullable<Ring['align']>,
  zone: string | null,
  alignUs: number,
): Ring {
  const edgeUs = Math.max(1, 2 * guardUs);
  return {
    winUs,
    guardUs,
    slotUs: edgeUs,
    slots: ALIGNED_SLOTS,
    slotsAhead: ALIGNED_SLOTS_AHEAD,
    align,
    zone,
    alignUs,
  };
}
