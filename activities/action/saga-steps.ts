/**
 * Makes a saga's next step from its input and the outputs before it. The row of the action, its report and its place in
 * the queue of an entity are written in one transaction. The saga then starts it as a child workflow.
 * Next: `workflows/action.ts`.
 */
import type { LockPlace, PreparedStep, PrepareStepInput } from '../../contracts/action.ts';
import { readSteady } from '../../contracts/values/misfits.ts';
import { entityOf, sagaStepWorkflowId } from '../../contracts/names.ts';
import { idempotencyKeyOf, insertActionStep } from '../../db/stores/action/action-store.ts';
import { takeLock } from '../../db/stores/action/entity-lock-store.ts';
import { inTransaction, type Queryable } from '../../db/pool.ts';
import { insertReport } from '../../db/stores/report/report-store.ts';
import { TenantMismatch, tenantOfAccount } from '../../db/stores/account/tenant-store.ts';
import { loadSaga, type LoadedSaga } from '../../db/stores/action/saga-store.ts';
import type { ActionDefinition } from '../../providers/define/define-action.ts';
import type { ActivityDeps } from '../deps.ts';
import { isInfrastructure } from '../call/infrastructure.ts';
import { actionFailed } from '../call/to-failure.ts';
import { UNWANTED } from './attempt.ts';
import { issuesOf, issuesText } from '../bodies/parse-body.ts';

/**
 * Doing it twice makes one step.
 * @throws ApplicationFailure `bug` when the step's own function throws, `conflict` when the entity's lock is refused,
 *   by policy or because waiting for it would never end.
 */
export async function prepareStep(deps: ActivityDeps, request: PrepareStepInput): Promise<PreparedStep> {
  const { sagaWorkflowId, sagaRunId, step: stepName, undo = false } = request;
  const { steps, parseInput } = deps.sagaNamed(request.saga);
  const step = steps.find(({ name }) => name === stepName);
  if (!step) throw new Error(`This worker's saga "${request.saga}" has no step "${stepName}" any more.`);
  const saga = await loadSaga(deps.pool, sagaWorkflowId);
  if (!saga) throw actionFailed('bug', `Nothing is known of saga ${sagaWorkflowId}.`);
  if (saga.isUnwanted && !undo) throw actionFailed('cancelled', UNWANTED);
  const outputs = steps.map(({ name }) => [name, saga.outputs.get(sagaStepWorkflowId(sagaWorkflowId, name))] as const);
  const { action } = step;
  const doing = sagaStepWorkflowId(sagaWorkflowId, stepName);
  const workflowId = undo ? sagaStepWorkflowId(sagaWorkflowId, stepName, 'undo') : doing;
  const { input, account, what, stated } = asOneFailure(stepName, () => {
    const facts = { ...Object.fromEntries(outputs), input: parseInput(saga.input), account: saga.account };
    const account = step.account?.(facts) ?? saga.account;
    if (undo) return { input: null, account, what: `takes back ${stepName} of ${saga.name}`, stated: undefined };
    const input = step.input(facts);
    const parsed = readSteady(action.parseInput, input, `the input of step "${stepName}"`);
    return { input, account, what: action.what(parsed), stated: action.conflicts?.entity(parsed, { account }) };
  });
  const { tenant, startedBy, boundTo } = saga;
  const owner = boundTo ? await tenantOfAccount(deps.pool, action.provider.id, account) : undefined;
  if (boundTo && owner !== undefined && owner !== boundTo)
    throw actionFailed('auth', new TenantMismatch({ provider: action.provider.id, account }, boundTo).message);
  // The same on every attempt of this activity, another for every run of the saga.
  const reportId = idempotencyKeyOf(`report/${sagaRunId}/${workflowId}`);
  const made = { workflowId, reportId, action, account, input, what, stated, undoes: undo ? doing : undefined };
  const accepting = inTransaction(deps.pool, (tx) => acceptStep(tx, saga, made));
  const lock = await accepting.catch((error: unknown) => {
    if (isInfrastructure(error)) throw error;
    // An input, or a name of an entity, that the database does not take, now or ever.
    throw actionFailed('bug', `step "${stepName}" can't be stored: ${(error as Error).message}`, error as Error);
  });
  return { workflowId, reportId, account, tenant, startedBy, ...(lock ? { lock } : {}) };
}

/** What the step's own functions made of the saga's input. */
interface MadeStep {
  readonly workflowId: string;
  readonly reportId: string;
  readonly action: ActionDefinition;
  readonly account: string;
  readonly input: unknown;
  readonly what: string;
  /** The entity that it works on, as the action names it. */
  readonly stated: string | undefined;
  /** Workflow id of the write that it takes back. */
  readonly undoes: string | undefined;
}

/** Its row, its report and its place in the queue of the entity, in one transaction. @returns undefined where nothing is locked. */
async function acceptStep(tx: Queryable, saga: LoadedSaga, step: MadeStep): Promise<LockPlace | undefined> {
  const { workflowId, action, account, undoes, stated } = step;
  const { workflowId: rootWorkflowId, tenant, startedBy } = saga;
  await insertActionStep(tx, {
    workflowId,
    rootWorkflowId,
    provider: action.provider.id,
    action: action.name,
    account,
    tenant,
    input: step.input,
    ...(undoes === undefined ? {} : { undoes }),
  });
  const common = { kind: 'action', name: action.id, account, startedBy, workflowId, rootWorkflowId } as const;
  await insertReport(tx, { ...common, id: step.reportId, tenant, what: step.what });
  if (stated === undefined || !action.conflicts) return undefined;
  const entity = entityOf(stated, saga.boundTo);
  const { policy } = action.conflicts;
  const answer = await takeLock(tx, { ...common, entity, policy });
  if (answer.state === 'refused') {
    const circle = answer.isCircle ? ', which waits for what this saga holds' : '';
    throw actionFailed('conflict', `"${entity}" is being worked on by ${answer.ahead.join(', ')}${circle}`);
  }
  if (answer.byRoot) return undefined;
  return { entity, mustWait: answer.state === 'waiting', cancels: policy === 'cancel-previous' ? answer.ahead : [] };
}

/** What the saga's own functions throw is a bug of theirs, and is mended in code, not by trying again. */
function asOneFailure<T>(step: string, work: () => T): T {
  try {
    return work();
  } catch (error) {
    const cause = error instanceof Error ? error : new Error(String(error));
    if (!('issues' in cause)) throw actionFailed('bug', `${cause.name}: ${cause.message}`, cause);
    const issues = issuesText(issuesOf(cause), undefined);
    throw actionFailed('bug', `the input that was made for step "${step}" does not fit: ${issues}`, cause);
  }
}
