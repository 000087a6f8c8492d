/**
 * A job of the third party's, as the unit's row keeps it (`sluice.unit.job`): made before anything of its list can be read. Plain JSON.
 * Used by: `activities/job/`, `db/stores/sync/job-store.ts`.
 */

interface Common {
  /** Jobs that were made for this list, this one included. */
  readonly n: number;
  /** Names this job to the third party, the same for all attempts to make it. A UUID. */
  readonly key: string;
}

/** Of one that is to be cancelled: not before this time, epoch milliseconds. */
interface Postponed {
  readonly after?: number;
}

export type UnitJob =
  /** None is known: the one before has failed, or was refused. */
  | (Common & { readonly state: 'none' })
  /** It is about to be made, was made, or was not: written down before the first byte is sent. `at`: epoch milliseconds. */
  | (Common & { readonly state: 'sending'; readonly at: number })
  | (Common & { readonly state: 'made'; readonly id: string; readonly at: number; readonly polls: number } & Postponed)
  /**
   * It is given up, and is being cancelled, or was. That is written down before the first byte is sent, so that it is
   * cancelled once at most. `said`: what became of that; undefined: not known.
   */
  | (Common & { readonly state: 'left'; readonly id: string; readonly at: number; readonly said?: string })
  /** `parts`: number of its results; null: the list is read by the id alone. Addresses are not kept: they let anybody in. */
  | (Common & {
      readonly state: 'done';
      readonly id: string;
      readonly at: number;
      readonly parts: number | null;
      /** Digests of what its results are called by, in the order in which they are read. */
      readonly names?: readonly string[];
    } & JobTold);

/** What a job that is done has said of its results. */
export interface JobTold {
  /** Rows that they have. */
  readonly rows?: number;
  /** What went wrong with it all the same. */
  readonly flaw?: string;
}

/** The job of a list that is being read, for `request`. */
export interface JobResult {
  readonly id: string;
  /** The address or the name of the part that is to be read, as `state` gave it; '' where it gave none. */
  readonly result: string;
}

/** Of endpoints without a job. */
export const NO_JOB: JobResult = { id: '', result: '' };
