/**
 * What was erased of an account, and what is left: the proof that `accounts.erase` gives. Next: `client/erase/erase-account.ts`.
 */
export interface ErasureProof {
  readonly provider: string;
  readonly account: string;
  /** False: nothing of it was found, and it was neither connected nor erased before. Its name may be misspelt. */
  readonly wasKnown: boolean;
  /** ISO time by the database's clock. */
  readonly at: string;
  /** Open runs, actions and sagas that were ended: by themselves, or terminated because they did not end in time. */
  readonly stopped: { readonly ended: number; readonly terminated: number };
  /**
   * Its secrets at the third party. `told`: it was told that they are not wanted any more · `waiting`: a worker tells it, for a day at
   * most; the secrets are kept encrypted until then · `not-told`: it could not be told, or its auth does not say how · `none`: there
   * were no secrets.
   */
  readonly revocation: 'told' | 'waiting' | 'not-told' | 'none';
  /** Rows that were deleted, by table; tables without any are left out. */
  readonly deleted: Readonly<Record<string, number>>;
  /** Histories that Temporal was asked to delete; it does so within a minute. */
  readonly histories: number;
  /** What is left of it now. Nothing of it is there by default. */
  readonly left: ErasureRest;
  /** Rows that stay, by table: who did what with the account, without what it had. They are removed by their age. */
  readonly kept: Readonly<Record<string, number>>;
  /** True: nothing is left, and the third party was told or need not be. */
  readonly isComplete: boolean;
}

export interface ErasureRest {
  /** By table; tables without any are left out. */
  readonly rows: Readonly<Record<string, number>>;
  /** Workflow ids that Temporal's visibility still lists, 100 at most. */
  readonly histories: readonly string[];
  /** Temporal schedules that would start a run of it again: delete them. */
  readonly schedules: readonly string[];
}
