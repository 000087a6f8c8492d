/**
 * What a log line is about: run or action, account, node, trace. Every line that is written while an activity is at work has it, from
 * however deep below. Used by: `activities/index.ts`, `workers/create-worker.ts`.
 */
import { asyncLocalStorage } from '@temporalio/activity';
import { accountOf } from '../contracts/names.ts';
import { parseTraceparent } from '../contracts/trace.ts';
import type { Log } from './deps.ts';

export interface LogFields {
  /** Id of the run. */
  readonly run?: string;
  /** Workflow id of an action, a saga, or what else is at work. */
  readonly workflow?: string;
  readonly sync?: string;
  readonly account?: string;
  readonly node?: string;
  /** Trace id, where what is at work was started with one. */
  readonly trace?: string;
}

/**
 * The request of each activity that is at work, by Temporal's context of it. A storage of our own would be handed on to
 * every promise, and most activities write no line.
 */
const requests = new WeakMap<object, unknown>();

/** The fields of a line itself come before those of the activity. */
export function withLogFields(log: Log): Log {
  const about = (fields: object): object => ({ ...fieldsOf(atWork()), ...fields });
  return {
    info: (fields, message) => log.info(about(fields), message),
    warn: (fields, message) => log.warn(about(fields), message),
    error: (fields, message) => log.error(about(fields), message),
  };
}

/** From here on all lines of this activity say what this request is about. */
export function isAbout(request: unknown): void {
  const context = asyncLocalStorage.getStore();
  if (context) requests.set(context, request);
}

function atWork(): unknown {
  const context = asyncLocalStorage.getStore();
  return context && requests.get(context);
}

/** @param request of any activity: each names what it is about by the same words. */
export function fieldsOf(request: unknown): LogFields {
  if (typeof request !== 'object' || request === null) return {};
  const { runId, workflowId, node, sync, account, context, trace } = request as Readonly<Record<string, unknown>>;
  const call = (typeof context === 'object' && context !== null ? context : {}) as Readonly<Record<string, unknown>>;
  const parent = text(trace) ?? text(call['trace']);
  const named = typeof node === 'object' && node !== null ? (node as { readonly name?: unknown }).name : node;
  const whose = text(account) ?? text(call['account']) ?? (text(workflowId) && accountOf(text(workflowId) as string));
  return {
    ...field('run', text(runId)),
    ...field('workflow', text(workflowId)),
    ...field('sync', text(sync) ?? text(call['sync'])),
    ...field('account', whose),
    ...field('node', text(named)),
    ...field('trace', parent === undefined ? undefined : parseTraceparent(parent)?.traceId),
  };
}

const text = (value: unknown): string | undefined => (typeof value === 'string' ? value : undefined);
const field = (name: keyof LogFields, value: string | undefined): LogFields =>
  value === undefined ? {} : { [name]: value };
