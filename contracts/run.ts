/**
 * The state of a run as everybody sees it: client, CLI, workflow query, page. Read with one query from Postgres
 * (`db/stores/run/run-store.ts`).
 */

/** `incremental`: lists are asked for what changed since their watermark; `full`: for everything, so that deletions show. */
export type RunMode = 'incremental' | 'full';

export type RunState = 'running' | 'paused' | 'done' | 'incomplete' | 'failed' | 'cancelled';
/** `incomplete`: it has ended, and some of its lists were not read to their end, or not wholly kept. */
/** `unread`: its run was ended (cancelled, or from outside) before it was; lists that it has left count as waiting. */
export type NodeState = 'waiting' | 'running' | 'done' | 'incomplete' | 'failed' | 'skipped' | 'unread';

/** How a list ended. Only `complete` means that everything the third party has was read and kept. */
export type EndKind = 'complete' | FlawKind;
export type FlawKind = (typeof FLAW_KINDS)[number];
/** Ends that a retry leaves as they are unless it is asked for them. */
export const OTHER_FLAWS = ['skipped', 'truncated', 'capped', 'looped', 'flawed'] as const;
export const FLAW_KINDS = ['failed', ...OTHER_FLAWS] as const;

export interface NodeProgress {
  readonly name: string;
  readonly parent: string | null;
  readonly resource: string;
  readonly state: NodeState;
  /** Units of work (lists, or lanes of one list) by state. */
  readonly units: {
    readonly waiting: number;
    readonly running: number;
    readonly done: number;
    readonly failed: number;
    readonly skipped: number;
  };
  /** Units that ended otherwise than `complete`. */
  readonly flawed: number;
  readonly pages: number;
  readonly rows: number;
  /** Real calls to the third party, refused and failed ones included. */
  readonly calls: number;
}

/** `auth` goes on by itself when its account has been connected again; `cancel` is paused until its workflow has ended it. */
export type PausedBy = 'operator' | 'auth' | 'cancel';

export interface RunProgress {
  readonly runId: string;
  readonly workflowId: string;
  readonly provider: string;
  readonly sync: string;
  readonly account: string;
  readonly state: RunState;
  readonly startedAt: string;
  readonly endedAt: string | null;
  readonly error: string | null;
  /** Of a paused run. */
  readonly pausedBy?: PausedBy;
  readonly pausedReason?: string;
  /** Workflow id of the fleet that carries it out, or has: then it has none of its own. */
  readonly fleet?: string;
  readonly nodes: readonly NodeProgress[];
}

/** Why a result is not complete: one entry for each node, way of ending and reason. */
export interface Flaw {
  readonly node: string;
  readonly kind: FlawKind;
  readonly reason: string;
  readonly count: number;
  /** The key of one parent that it happened to. */
  readonly example: string;
}

/** One list that did not end `complete`. */
export interface FlawedList {
  /** Keep it, and pass it as `after` to continue behind this list. */
  readonly place: string;
  readonly node: string;
  /** The key of its parent; empty for a list without one. */
  readonly key: string;
  /** Which part of a list that had to be split; undefined when it is whole. */
  readonly part?: string;
  /** Which of its parallel lanes; undefined for the first. */
  readonly lane?: number;
  readonly kind: Flaw['kind'];
  readonly reason: string;
  readonly pages: number;
  readonly rows: number;
  readonly calls: number;
}

export interface RunResult {
  readonly runId: string;
  readonly state: Exclude<RunState, 'running' | 'paused'>;
  /** True when every list was read to its end. */
  readonly complete: boolean;
  /** By node, kind and reason: the 50 that most lists have. `flawedLists(runId)` of the client reads every list. */
  readonly flaws: readonly Flaw[];
  readonly rows: number;
  readonly calls: number;
}

/** What a run, or some of its lists, wait for. */
export interface RunWait {
  /**
   * `limit`: their turns at a limit · `backoff`: they are called again after a failed call · `call`: an answer that takes long ·
   * `provider`: the whole provider, or one endpoint, is failing or paused · `account`: it must be connected again · `operator`: it is
   * paused · `cancel`: it is being cancelled · `worker`: no worker takes its workflow's task, or the task, or a step of it, fails
   * again and again for a reason that is not the third party's · `entity`: an earlier operation works on its entity (actions, sagas) ·
   * `run`: the run that it is queued behind, the fleet that has not come to it, or its own workflow was ended from outside ·
   * `again`: lists wait for nothing, and are read from their beginning once more.
   */
  readonly kind:
    | 'limit'
    | 'backoff'
    | 'call'
    | 'provider'
    | 'account'
    | 'operator'
    | 'cancel'
    | 'worker'
    | 'entity'
    | 'run'
    | 'again';
  /** Node of the tree; undefined when it is about all of them. */
  readonly node?: string;
  /** The limit's key, as `sluice limits` shows it. */
  readonly limit?: string;
  /** Lists that wait so, of those in hand; 0 when it is about the provider or a whole workflow. */
  readonly calls: number;
  /**
   * Milliseconds until the first and until the last of them go on, as known now; undefined: until somebody does something, or
   * the provider is back.
   */
  readonly firstInMs?: number;
  readonly lastInMs?: number;
  /** All of it in words. */
  readonly text: string;
}
