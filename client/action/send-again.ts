/**
 * Sends a failed action once more, with the same input or another one. It is a new action of its own, with a key of its
 * own at the third party.
 * Next: `act.ts`.
 */
import type { StartedBy } from '../../contracts/report.ts';
import { loadActionStep, type ActionStep } from '../../db/index.ts';
import type { ActionDefinition } from '../../providers/define/define-action.ts';
import { act } from './act.ts';
import type { ActionHandle, ActionRequest } from './action-handle.ts';
import type { ClientParts } from '../start-workflow.ts';

export interface SendAgainOptions<Input = unknown> {
  /** Default: the input that it had. */
  readonly input?: Input;
  /** The same key is sent once, as with `act()`. Default: a new one each time. */
  readonly idempotencyKey?: string;
  /** Default: `by` of the client. */
  readonly startedBy?: StartedBy;
}

/** @returns undefined when no such action is known. */
export async function readRequest({ pool }: ClientParts, workflowId: string): Promise<ActionRequest | undefined> {
  const step = await loadActionStep(pool, workflowId);
  if (!step) return undefined;
  const { provider, action, account, tenant, input } = step;
  const whyNot = whyNotAgain(step);
  return { action: `${provider}/${action}`, account, tenant, input, ...(whyNot === undefined ? {} : { whyNot }) };
}

/**
 * @throws TypeError when it can't be sent again: it is open or done, its fate is not decided, or it is a step of a saga.
 * @throws ZodError when the input does not fit the action.
 */
export async function sendAgain(
  parts: ClientParts,
  definition: ActionDefinition,
  workflowId: string,
  { input, ...options }: SendAgainOptions,
): Promise<ActionHandle<never>> {
  const step = await loadActionStep(parts.pool, workflowId);
  if (!step) throw new Error(`No action "${workflowId}" is known.`);
  if (`${step.provider}/${step.action}` !== definition.id)
    throw new TypeError(`"${workflowId}" is a ${step.provider}/${step.action}, not a ${definition.id}.`);
  const whyNot = whyNotAgain(step);
  if (whyNot !== undefined) throw new TypeError(`"${workflowId}" is not sent again: ${whyNot}`);
  const { account, tenant } = step;
  return act<unknown, never>(
    parts,
    { definition },
    {
      account,
      tenant,
      input: input === undefined ? step.input : input,
      ...options,
    },
  );
}

function whyNotAgain({ workflowId, rootWorkflowId, state, errorType, resolvedBy }: ActionStep): string | undefined {
  if (rootWorkflowId !== workflowId) return 'it is a step of a saga. Start a new saga.';
  if (errorType === 'output-lost') return 'it has happened, and only its output is missing.';
  if (errorType === 'unknown-write' && resolvedBy === null)
    return 'nobody knows whether it has happened. Look at the third party, and resolve it first.';
  if (state !== 'failed' && state !== 'cancelled') return `it is ${state}; only one that failed or was cancelled is.`;
  return undefined;
}
