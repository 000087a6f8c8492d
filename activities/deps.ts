/**
 * What activities need from the process they run in. Given once by `workers/create-worker.ts`; no module state.
 */
import type { CallTracer } from './call/call-tracer.ts';
import type { Credentials } from '../contracts/secrets/credentials.ts';
import type { SyncInput } from '../contracts/messages.ts';
import type { RunningRun } from '../contracts/running-run.ts';
import type { OutcomeKind } from '../contracts/answers/outcome.ts';
import type { TreePath } from '../contracts/plan.ts';
import type { ReportEnd } from '../contracts/report.ts';
import type { Pool } from '../db/pool.ts';
import type { Limiter } from '../limiter/index.ts';
import type { ActionDefinition } from '../providers/define/define-action.ts';
import type { SagaDefinition } from '../providers/define/define-saga.ts';
import type { CompiledSync } from '../providers/define/define-sync.ts';
import type { CallPlaces } from './call/call-places.ts';
import type { HttpSender } from './http/send.ts';
import type { PageBatches } from './page/page-batcher.ts';
import type { RunEnds } from './run/end-batcher.ts';

export interface ActivityDeps {
  readonly pool: Pool;
  /** Stores plain pages of several units together. */
  readonly pageBatches: PageBatches;
  /** Ends several runs together. */
  readonly runEnds: RunEnds;
  readonly limiter: Limiter;
  readonly http: HttpSender;
  /** @throws Error when this worker does not have the sync. */
  readonly syncNamed: (name: string) => CompiledSync;
  /** By `provider/action`. @throws Error when this worker does not have the action. */
  readonly actionNamed: (id: string) => ActionDefinition;
  /** @throws Error when this worker does not have the saga. */
  readonly sagaNamed: (name: string) => SagaDefinition;
  readonly credentials: CredentialSource;
  /** Identity of the address that calls leave from; workers behind one NAT have the same. */
  readonly egress: string;
  /** Tells the workflow of an operation that it holds the lock of its entity. One that is not there is no error. */
  readonly tellLock: (workflowId: string) => Promise<void>;
  /** The run that is going on under this workflow id. */
  readonly findRunning: (workflowId: string) => Promise<RunningRun | undefined>;
  /** Starts the workflow of a run that has a report of this id, unless one is there. */
  readonly startRun: (provider: string, input: SyncInput, reportId: string) => Promise<unknown>;
  /** The worker takes no new work and wants to end: calls inside workflow tasks must not go on and on. */
  readonly isStopping: () => boolean;
  /** The worker's memory is nearly full: no call is made until there is room, here or in another worker. Default: never. */
  readonly isFull?: () => boolean;
  /** How many calls it makes at once. Default: as many as it is asked for. */
  readonly places?: CallPlaces;
  /** Whether a worker may be there that has all of this tree: of the build before, or of another program. Default: none is. */
  readonly othersMayServe?: (sync: string, tree: readonly TreePath[]) => Promise<boolean>;
  readonly log: Log;
  /** Makes a span of every call, where the worker traces. */
  readonly tracer?: CallTracer;
  /** Told of every call and of every report that ended, for metrics. */
  readonly meter?: Meter;
}

export interface Meter {
  /** @param outcome what the answer meant, or `redirected`. */
  called(call: {
    readonly provider: string;
    readonly endpoint: string;
    readonly outcome: OutcomeKind | 'redirected';
    readonly ms: number;
  }): void;
  /** Rows of a page that were stored. */
  stored(rows: number): void;
  reported(status: ReportEnd['status']): void;
}

/**
 * Where the secrets of accounts are kept. The default is the encrypted store in Postgres (`credentials/stored-credentials.ts`); bring
 * your own by implementing this.
 */
export interface CredentialSource {
  /**
   * What to call with now.
   * @returns undefined when the account has none (public endpoints).
   * @throws NeedsReconnect when only the account's user can mend it: its syncs pause until `accounts.reconnected()`.
   * @throws CredentialsBusy when it takes longer than `wait` allows: the call comes back later.
   * @throws CredentialsMistake when neither time nor the user mends it: the call ends as failed, kind `config`.
   */
  get(provider: string, account: string, wait?: CredentialWait): Promise<Credentials | undefined>;
  /**
   * The third party has refused the credentials. Without this, what `get` gives then is tried, and when that is the same
   * the account's user is needed.
   * @param usedVersion `version` of the refused ones: when the current ones are newer, they are the answer.
   * @param reason for people; holds no secret.
   * @throws NeedsReconnect, CredentialsBusy and CredentialsMistake as `get` does.
   */
  refresh?(
    provider: string,
    account: string,
    usedVersion: string | undefined,
    reason: string,
    wait?: CredentialWait,
  ): Promise<Credentials | undefined>;
}

export interface CredentialWait {
  /** In milliseconds. Default 1,000. */
  readonly maxWaitMs?: number;
  /** Of a refresh: the third party has not refused them, but answered as it may do to bad ones (`suspectAuth()`). Default false. */
  readonly isDoubt?: boolean;
}

export interface Log {
  info(fields: object, message: string): void;
  warn(fields: object, message: string): void;
  error(fields: object, message: string): void;
}
