/**
 * The audit: what operators did, as a person reads it. Next: `client/audit/acts.ts` says which acts there are,
 * `db/stores/operate/audit-store.ts` keeps them.
 */
import type { StartedBy } from '../report.ts';

/** Where an act came from: app code, the command line, or the page. */
export type Via = 'client' | 'cli' | 'page';

export interface Actor {
  /** Who acts: `user:<id>` as the app knows them, or `system`. */
  readonly by: StartedBy;
  /** Default `client`. */
  readonly via?: Via;
  /** Why, in a sentence; without secrets. */
  readonly why?: string;
}

/** What an act is about. */
export interface Subject {
  /** `account`, `accounts` (all of them), `run`, `action`, `saga`, `limit`, `lists`, `quarantine`, `rows`, `schema`, `build` or `worker`. */
  readonly kind: string;
  /** Of an account `provider/account`, of workflows the workflow id, of a limit its key; else what it is by name. */
  readonly id: string;
  /** The account that it belongs to. */
  readonly account?: string;
  /** Whose it is, where the act itself says so. */
  readonly tenant?: string;
  /** Providers at which it starts something: where the act says no tenant, the account's is asked there. */
  readonly providers?: readonly string[];
}

export interface AuditEntry {
  /** Keep it, and pass it as `after` to go on behind this entry. */
  readonly id: number;
  /** ISO times of its begin and its end; `endedAt` is null while it is at work, or when its process died. */
  readonly at: string;
  readonly endedAt: string | null;
  readonly by: string;
  readonly via: Via;
  /** As the client names it: `accounts.disconnect`, `run.pause`, `limits.override`, … */
  readonly act: string;
  readonly subject: Omit<Subject, 'tenant' | 'providers'>;
  /** Null where it concerns all, or an account that is its own tenant. */
  readonly tenant: string | null;
  readonly why: string | null;
  /** How the subject stood before and after it, or what came of it, without secrets; null where there is nothing to say. */
  readonly before: unknown;
  readonly after: unknown;
  /** `begun`: at work, or its process died: it may have happened. `failed`: `error` says why. */
  readonly outcome: 'begun' | 'done' | 'failed';
  readonly error: string | null;
}

export interface AuditFilter {
  /** Id of a subject (`social/acct_42`, `sync/network/acct_42`, `social/app-hour/app`) or the name of an account. */
  readonly subject?: string;
  readonly by?: string;
  /** The act, or the first part of its name: `accounts`, `run.pause`. */
  readonly act?: string;
  readonly tenant?: string;
  /** ISO time: nothing that began before it. */
  readonly since?: string;
  /** `id` of the last entry that was seen: older ones only. */
  readonly after?: number;
  /** 1 … 1,000. Default 100. */
  readonly limit?: number;
}
