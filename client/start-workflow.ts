/**
 * Starts a workflow that has a report of its own from before it exists. The row is written first. Temporal then accepts
 * the workflow, or says that one is there already. An app that dies in between leaves a row that the reconciler ends.
 * Next: the workflow, as `workflows/sync.ts` or `workflows/action.ts`; `workflows/reported.ts` ends the report.
 */
import { quotedForShell } from '../contracts/values/shell-word.ts';
import { chainIdOf } from './describe-workflow.ts';
import {
  defineSearchAttributeKey,
  SearchAttributeType,
  TypedSearchAttributes,
  type SearchAttributePair,
} from '@temporalio/common';
import {
  WorkflowExecutionAlreadyStartedError,
  WorkflowIdConflictPolicy,
  WorkflowIdReusePolicy,
  type Client,
} from '@temporalio/client';
import type { Priority } from '../contracts/limits/limit.ts';
import { searchAttributes, taskQueueOf, withinBytes } from '../contracts/names.ts';
import { REPORT_MEMO, type StartedBy } from '../contracts/report.ts';
import { pageLink } from './page-link.ts';
import type { StartTracer } from './tracing/trace-starts.ts';
import { removeUnstartedReport, setReportRun, type Pool } from '../db/index.ts';

export interface ClientParts {
  readonly client: Client;
  readonly pool: Pool;
  readonly taskQueue: string;
  /** The tenant that this client sees alone. */
  readonly boundTo?: string;
  /** Who acts, where a start does not say it. */
  readonly startedBy: StartedBy;
  readonly tracer: StartTracer;
  /** Public address of the dashboard. */
  readonly pageUrl?: string;
  /** Aborted when the client is closed. */
  readonly closing: AbortSignal;
}

export interface ReportedStart {
  readonly workflow: 'sync' | 'action' | 'saga';
  readonly workflowId: string;
  readonly input: object;
  /** Undefined when it could not be written: then the workflow writes it. */
  readonly reportId: string | undefined;
  /** For the Web UI. */
  readonly summary: string;
  readonly provider?: string;
  readonly name: string;
  readonly account: string;
  readonly tenant: string;
  readonly priority: Priority;
  readonly weight: number;
  /** False: a workflow id that was ever used is not used again. */
  readonly mayRunAgain: boolean;
}

/** A task that makes calls tells the server of itself after four fifths of it, and hears of signals then. Temporal warns after 5 s. */
export const WORKFLOW_TASK_TIMEOUT = '6 seconds';

const priorityKeys = { interactive: 1, bulk: 3, background: 5 } satisfies Record<Priority, number>;

/** Its place in task queues. Temporal limits fairness keys to 64 bytes. */
export function placement(priority: Priority, tenant: string, weight: number) {
  return { priorityKey: priorityKeys[priority], fairnessKey: withinBytes(tenant, 64), fairnessWeight: weight };
}

/** @returns its run id; undefined when a workflow of this id is there already: then the report that was written is removed. */
export function startReported(parts: ClientParts, start: ReportedStart): Promise<string | undefined> {
  return parts.tracer.traced(`start ${start.workflow} ${start.name}`, (trace) =>
    startOne(parts, trace === undefined ? start : { ...start, input: { ...start.input, trace } }),
  );
}

async function startOne(
  { client, pool, taskQueue, pageUrl }: ClientParts,
  start: ReportedStart,
): Promise<string | undefined> {
  const { workflowId, reportId, priority, tenant, weight } = start;
  try {
    const handle = await client.workflow.start(start.workflow, {
      workflowId,
      taskQueue: taskQueueOf(taskQueue, priority),
      args: [start.input],
      workflowIdConflictPolicy: WorkflowIdConflictPolicy.FAIL,
      workflowIdReusePolicy: start.mayRunAgain
        ? WorkflowIdReusePolicy.ALLOW_DUPLICATE
        : WorkflowIdReusePolicy.REJECT_DUPLICATE,
      workflowTaskTimeout: WORKFLOW_TASK_TIMEOUT,
      priority: placement(priority, tenant, weight),
      // At most 400 bytes.
      staticSummary: withinBytes(start.summary, 200),
      staticDetails: detailsOf(start, pageUrl),
      ...(reportId === undefined ? {} : { memo: { [REPORT_MEMO]: reportId } }),
      typedSearchAttributes: new TypedSearchAttributes([
        ...(start.provider === undefined ? [] : [keyword('provider', start.provider)]),
        keyword('account', start.account),
        keyword('sync', start.name),
        keyword('tenant', tenant),
        keyword('status', 'running'),
      ]),
    });
    if (reportId !== undefined) await noteRun(pool, reportId, handle.firstExecutionRunId);
    return handle.firstExecutionRunId;
  } catch (error) {
    if (!(error instanceof WorkflowExecutionAlreadyStartedError)) throw error;
    return reportId === undefined ? undefined : foundThere({ client, pool }, workflowId, reportId);
  }
}

/** Markdown, for who looks at it in Temporal's Web UI. At most 20,000 bytes. */
function detailsOf(
  { workflow, workflowId, name, account, tenant }: ReportedStart,
  pageUrl: string | undefined,
): string {
  const commands = [
    `npx sluice status ${quotedForShell(workflowId)}`,
    ...(workflow === 'sync' ? [`npx sluice explain ${quotedForShell(workflowId)}`] : []),
    `npx sluice accounts show ${quotedForShell(account)}`,
  ];
  return [
    `- ${workflow} **${name}** of account ${code(account)}, tenant ${code(tenant)}`,
    `- more: ${commands.map(code).join(', ')}`,
    ...(pageUrl === undefined ? [] : [`- ${pageLink(pageUrl, workflowId)}`]),
  ].join('\n');
}

/** A name may hold anything: it must not end the span of code. */
const code = (text: string) => `\`${text.replaceAll('`', '’')}\``;

/** It is there: another start's, or this one's, whose first answer was lost on the way. */
async function foundThere(
  { client, pool }: Pick<ClientParts, 'client' | 'pool'>,
  workflowId: string,
  reportId: string,
): Promise<string | undefined> {
  // Where this can't be told now, the row stays, and the reconciler finds out.
  const there = await client.workflow
    .getHandle(workflowId)
    .describe()
    .catch(() => undefined);
  if (there === undefined) return undefined;
  if (there.memo?.[REPORT_MEMO] === reportId) {
    const runId = chainIdOf(there);
    await noteRun(pool, reportId, runId);
    return runId;
  }
  await removeUnstartedReport(pool, reportId);
  return undefined;
}

/**
 * Temporal has accepted it. Whoever is told otherwise, as the database has just gone away, asks for it once more. Its end writes
 * its run, too.
 */
async function noteRun(pool: Pool, reportId: string, runId: string): Promise<void> {
  await setReportRun(pool, reportId, runId).catch(() => {});
}

/** Of Sluice's own search attributes. */
export function keyword(name: keyof typeof searchAttributes, value: string): SearchAttributePair {
  return { key: defineSearchAttributeKey(searchAttributes[name], SearchAttributeType.KEYWORD), value };
}
