/**
 * Reports: one row for each action, saga and sync run, from its start to its end, for people and for the app.
 * Next: `db/stores/report/report-store.ts` keeps them, `workflows/reported.ts` ends them.
 */

import type { RunResult } from './run.ts';

export type ReportKind = 'sync' | 'action' | 'saga';
export type ReportStatus = 'pending' | 'ok' | 'failed' | 'cancelled';

/** Who wanted it: `user:<id>` as the app knows them, or `system`. */
export type StartedBy = `user:${string}` | 'system';

export interface Report {
  readonly id: string;
  /** Keep it, and pass it as `after` to go on behind this report. */
  readonly sequence: string;
  readonly kind: ReportKind;
  /** Of the sync, action (`provider/action`) or saga. */
  readonly name: string;
  readonly account: string;
  readonly tenant: string;
  readonly startedBy: string;
  readonly workflowId: string;
  /** Temporal's id of this very run; null until Temporal has accepted it. */
  readonly runId: string | null;
  readonly status: ReportStatus;
  /** One line for people: what was to be done. */
  readonly what: string;
  /**
   * What went wrong, how it came to be cancelled, or why a pending run can't go on. It has no secrets, and is null
   * where there is nothing to say.
   */
  readonly error: string | null;
  /**
   * For code, beside `error`: `auth`, `config`, `gone`, `bug`, `attempts-spent`, `unknown-write`, `conflict`, `terminated`,
   * `timed-out`, `incomplete`, `compensation-failed`, `not-started`, …; `cancelled`; of a pending run `needs-reconnect` and
   * `no-progress`.
   */
  readonly errorType: string | null;
  /** Where it went wrong, without secrets; null when there is none. */
  readonly traceback: string | null;
  /** Real calls to third parties, waits not counted. */
  readonly attempts: number;
  readonly startedAt: string;
  readonly endedAt: string | null;
}

/** How a run ended, as its report says it. */
export type ReportEnd =
  | { readonly status: 'ok' }
  /** Its end was asked for: by its caller, an operator, or a later operation on its entity. */
  | { readonly status: 'cancelled'; readonly error: string }
  | {
      readonly status: 'failed';
      readonly error: string;
      readonly errorType: string;
      readonly traceback?: string;
    };

/** What a workflow says of itself when nobody wrote its report before it was started. */
export interface OpenReportInput {
  readonly id: string;
  readonly kind: ReportKind;
  readonly name: string;
  readonly account: string;
  readonly tenant: string;
  readonly startedBy: StartedBy;
  readonly workflowId: string;
  readonly rootWorkflowId: string;
  readonly what: string;
  readonly runId: string;
}

export interface EndReportInput {
  readonly id: string;
  readonly runId: string;
  readonly end: ReportEnd;
}

/** Memo field of a workflow: the id of the report that its starter has written. */
export const REPORT_MEMO = 'sluiceReport';

/** @throws TypeError when it is neither `user:…` nor `system`. */
export function checkStartedBy(startedBy: string, option = 'startedBy'): void {
  if (startedBy !== 'system' && !/^user:.+/s.test(startedBy))
    throw new TypeError(`\`${option}\` is ${JSON.stringify(startedBy)}; it must be "user:<id>" or "system".`);
}

/** Which report a workflow ends. */
export interface ReportRef {
  readonly id: string;
  /** The first run of its workflow's chain. */
  readonly runId: string;
}

/** The report of a sync that came to its end by itself: anything short of everything is a failure to tell of. */
export function endOfSync(result: RunResult): ReportEnd {
  if (result.state === 'done') return { status: 'ok' };
  if (result.state === 'cancelled') return { status: 'cancelled', error: 'it was cancelled' };
  const worst = result.flaws[0];
  const flaw = worst ? `${worst.node}: ${worst.count} × ${worst.kind}, e.g. "${worst.example}": ${worst.reason}` : '';
  return { status: 'failed', errorType: result.state, error: flaw || result.state };
}
