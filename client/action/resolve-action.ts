/**
 * A person decides on a write whose fate could not be found out: it happened, or it did not and is sent again. A step of a saga is closed instead.
 * Next: `start-action.ts` for what is sent again.
 */
import { checkStartedBy, type StartedBy } from '../../contracts/report.ts';
import { closeAsAbsent, inTransaction, loadActionStep, reopenUnknown, resolveAsDone } from '../../db/index.ts';
import type { ActionDefinition } from '../../providers/define/define-action.ts';
import { launchAction } from './start-action.ts';
import type { ClientParts } from '../start-workflow.ts';

export type Resolution<Output> = {
  /** Who says so: `user:<id>` or `system`. Kept with the action. Default: `by` of the client. */
  readonly by?: StartedBy;
} & (
  | {
      /** It is there: the action is done, and `output` is its result. */
      readonly happened: true;
      readonly output: Output;
    }
  /**
   * It is not there: sent again under the same key to the third party, with a new budget of attempts and a new report. A step of a saga, which
   * has ended, is closed as `cancelled` instead.
   */
  | { readonly happened: false }
);

/**
 * @throws TypeError when the output does not fit, or a write that is known to have happened is to be sent again.
 *   TypeError too when `happened` is neither true nor false, or `by` is no name.
 * @throws Error when the action is unknown or was not left to a person; also for the second of two who decide.
 * @throws EntityBusy when it is to be sent again, its policy is `refuse` and its entity is being worked on.
 */
export async function resolveAction<Output>(
  parts: ClientParts,
  definition: ActionDefinition,
  workflowId: string,
  resolution: Resolution<Output>,
): Promise<void> {
  const { by = parts.startedBy } = resolution;
  checkStartedBy(by);
  const { happened } = resolution as { readonly happened?: unknown };
  // Anything else that is not true would send it again.
  if (typeof happened !== 'boolean')
    throw new TypeError(`\`happened\` is ${JSON.stringify(happened)}; it must be true or false.`);
  const step = await loadActionStep(parts.pool, workflowId);
  if (!step) throw new Error(`No action "${workflowId}" is known.`);
  if (`${step.provider}/${step.action}` !== definition.id)
    throw new TypeError(`"${workflowId}" is a ${step.provider}/${step.action}, not a ${definition.id}.`);
  const decided = (isMine: boolean): true => {
    if (isMine) return true;
    const state = step.errorType === null ? step.state : `${step.state} (${step.errorType})`;
    throw new Error(`"${workflowId}" has nothing to resolve: only a write that was left as unknown-write or output-lost has. It is or was ${state}.`); // prettier-ignore
  };
  if (!resolution.happened && step.errorType === 'output-lost')
    throw new TypeError(`"${workflowId}" happened: only its output is missing. Resolve it with \`happened: true\` and the output.`); // prettier-ignore
  if (resolution.happened) {
    // What takes a write back has no output.
    const output = step.undoes === null ? definition.parseKept(resolution.output) : null;
    decided(await inTransaction(parts.pool, (tx) => resolveAsDone(tx, workflowId, output, by)));
    return;
  }
  if (step.rootWorkflowId !== workflowId) {
    decided(await inTransaction(parts.pool, (tx) => closeAsAbsent(tx, workflowId, by)));
    return;
  }
  await launchAction(
    parts,
    definition,
    {
      workflowId,
      account: step.account,
      tenant: step.tenant,
      startedBy: by,
      priority: 'interactive',
      weight: 1,
      input: definition.parseInput(step.input),
    },
    async (tx) => decided(await reopenUnknown(tx, workflowId, by)),
  );
}
