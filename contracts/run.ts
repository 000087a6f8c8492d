/**
 * The state of a run as everybody sees it: client, CLI, workflow query, page. Read with one query from Postgres
 * (`db/stores/sync/run-store.ts`).
 */

/** `incremental`: lists are asked for what changed since their watermark; `full`: for everything, so that deletions show. */
export type RunMode = 'incremental' | 'full';

export type RunState = 'running' | 'paused' | 'done' | 'incomplete' | 'failed' | 'cancelled';
export type NodeState = 'waiting' | 'running' | 'done' | 'failed' | 'skipped';

/** How a list ended. Only `complete` means that everything the third party has was read. */
export type EndKind = 'complete' | 'flawed' | 'capped' | 'looped' | 'truncated' | 'skipped' | 'failed';

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
  /** Of a paused run: `auth` goes on by itself when its account has been connected again. */
  readonly pausedBy?: 'operator' | 'auth';
  readonly pausedReason?: string;
  readonly nodes: readonly NodeProgress[];
}

/** Why a result is not complete: one entry for each node, way of ending and reason. */
export interface Flaw {
  readonly node: string;
  readonly kind: Exclude<EndKind, 'complete'>;
  readonly reason: string;
  readonly count: number;
  /** The key of one parent that it happened to. */
  readonly example: string;
}

export interface RunResult {
  readonly runId: string;
  readonly state: Exclude<RunState, 'running' | 'paused'>;
  /** True when every list was read to its end. */
  readonly complete: boolean;
  readonly flaws: readonly Flaw[];
  readonly rows: number;
  readonly calls: number;
}

/** What some lists of a run wait for. Lists whose call is on its way wait for nothing. */
export interface RunWait {
  /**
   * `limit`: their turns at a limit · `backoff`: they are called again after a failed call · `provider`: the whole provider is
   * failing, closed or paused · `worker`: no worker takes its workflow's task, or the task, or a step of it, fails again and
   * again for a reason that is not the third party's.
   */
  readonly kind: 'limit' | 'backoff' | 'provider' | 'worker';
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
