/**
 * One run for each sync and account, however it is started: a Temporal Schedule adds the time to the workflow id that it was given, and
 * other clients may name any. Such a workflow only starts the one that is called as runs are, and waits for it. Next stop: `sync.ts`.
 */
import {
  defineSearchAttributeKey,
  SearchAttributeType,
  TypedSearchAttributes,
  WorkflowExecutionAlreadyStartedError,
} from '@temporalio/common';
import { executeChild, ParentClosePolicy, setCurrentDetails, workflowInfo } from '@temporalio/workflow';
import type { SyncInput } from '../contracts/messages.ts';
import { searchAttributes, syncWorkflowId } from '../contracts/names.ts';
import type { RunResult } from '../contracts/run.ts';
import { statusAttribute } from './signals.ts';

/** The end of a workflow that found its run started before. */
export interface Attached {
  /** Workflow id of the run that is open; nothing was started. */
  readonly attachedTo: string;
}

const keyword = (name: keyof typeof searchAttributes) =>
  defineSearchAttributeKey(searchAttributes[name], SearchAttributeType.KEYWORD);

/** @returns the result of the run, or where it is when one was running already: its schedule's next time comes. */
export function onePerAccount(
  run: (input: SyncInput) => Promise<RunResult>,
): (input: SyncInput) => Promise<RunResult | Attached> {
  return async (input) => {
    const { sync, account, tenant = account } = input;
    const workflowId = syncWorkflowId(sync, account);
    if (workflowInfo().workflowId === workflowId) return run(input);
    setCurrentDetails(`The run is ${workflowId}`);
    try {
      return await executeChild<(input: SyncInput) => Promise<RunResult>>('sync', {
        workflowId,
        args: [input],
        // A run that is ended with its schedule is written down as cancelled.
        parentClosePolicy: ParentClosePolicy.REQUEST_CANCEL,
        workflowTaskTimeout: '6 seconds',
        staticSummary: `${sync} of ${account}`,
        typedSearchAttributes: new TypedSearchAttributes([
          { key: keyword('account'), value: account },
          { key: keyword('sync'), value: sync },
          { key: keyword('tenant'), value: tenant },
          { key: statusAttribute, value: 'running' },
        ]),
      });
    } catch (error) {
      if (!(error instanceof WorkflowExecutionAlreadyStartedError)) throw error;
      setCurrentDetails(`A run was there already: ${workflowId}. Nothing was started.`);
      return { attachedTo: workflowId };
    }
  };
}
