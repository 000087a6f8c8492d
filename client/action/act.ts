/**
 * Starts an action or a saga from app code. Its row, its report and its place in the queue of an entity are written in one
 * transaction, then the workflow is started; it returns when Temporal has accepted it, so it fits a request handler.
 * Next: `start-action.ts`, then `workflows/action.ts`, `workflows/saga.ts`.
 */
import type { SagaInput } from '../../contracts/action.ts';
import type { Priority } from '../../contracts/limits/limit.ts';
import { readSteady } from '../../contracts/values/misfits.ts';
import { actionWorkflowId, sagaWorkflowId } from '../../contracts/names.ts';
import type { StartedBy } from '../../contracts/report.ts';
import {
  hasInput,
  hasSagaInput,
  insertActionStep,
  insertReport,
  insertSaga,
  loadActionStep,
  reopenActionStep,
  reopenToRepeat,
  type PoolClient,
} from '../../db/index.ts';
import type { Action } from '../../providers/define/define-action.ts';
import type { Saga } from '../../providers/define/define-saga.ts';
import { inOneTransaction, placeFor } from './accept.ts';
import { createActionHandle, createSagaHandle, endOf, type ActionHandle, type SagaHandle } from './action-handle.ts';
import { launchAction } from './start-action.ts';
import { startReported, type ClientParts } from '../start-workflow.ts';
import type { NamesOf } from '../../contracts/values/option-mistakes.ts';
import { checkKind, checkOptions } from '../options/check-options.ts';
import { tenantOfStart } from '../tenant/tenant-of-start.ts';

export interface ActOptions<Input> {
  /** Whose connection. */
  readonly account: string;
  readonly input: Input;
  /** Who wants it, for its report: `user:<id>` or `system`. Default: `by` of the client. */
  readonly startedBy?: StartedBy;
  /**
   * The app's own key, 1 … 200 bytes: the same key for the same account is the same action, started once, whatever
   * happens to the app in between. Default: a new one each time.
   */
  readonly idempotencyKey?: string;
  /** Default: the tenant that the account was connected for, else the account's own name. */
  readonly tenant?: string;
  /** Default `interactive`. */
  readonly priority?: Priority;
  /** Default 1. */
  readonly weight?: number;
}

const ACT_OPTIONS: NamesOf<ActOptions<unknown>> = {
  account: true,
  input: true,
  startedBy: true,
  idempotencyKey: true,
  tenant: true,
  priority: true,
  weight: true,
};

/**
 * @throws TypeError when account, `startedBy` or key do not fit, or the key was used with another input.
 * @throws ZodError when the input does not fit the action.
 * @throws TenantMismatch when the account belongs to another tenant than `tenant`.
 * @throws EntityBusy when its policy is `refuse` and its entity is being worked on.
 */
export async function act<Input, Output>(
  parts: ClientParts,
  action: Action<Input, Output>,
  options: ActOptions<Input>,
): Promise<ActionHandle<Output>> {
  checkKind('act', action, 'way');
  const { definition } = action;
  const start = checked(parts, options);
  const { account, startedBy, priority, weight } = start;
  const workflowId = actionWorkflowId(definition.id, account, start.key);
  const handle = createActionHandle<Output>(parts, workflowId, definition);
  const input = readInput(definition, `action "${definition.id}"`, options.input);
  const tenant = (await tenantOfStart(parts.pool, [definition.provider.id], account, options.tenant)) ?? account;
  let isOver = false;
  const accept = async (tx: PoolClient): Promise<boolean> => {
    const isNew = await insertActionStep(tx, {
      workflowId,
      rootWorkflowId: workflowId,
      provider: definition.provider.id,
      action: definition.name,
      account,
      tenant,
      input: options.input,
    });
    if (isNew) return true;
    if (!(await hasInput(tx, workflowId, options.input)))
      throw new TypeError(`The key ${JSON.stringify(start.key)} was used for ${definition.id} with another input.`);
    const known = await loadActionStep(tx, workflowId);
    if (known?.state === 'done' || known?.errorType === 'output-lost') return false;
    // Its workflow, which has its id, may have a last step to do: it is started anew behind that, or not at all.
    if (!isOver && (known?.state === 'failed' || known?.state === 'cancelled')) throw new StillEnding();
    // Its write may have happened: only where the third party tells a repeat from a second one.
    if (known?.errorType === 'unknown-write') return reopenToRepeat(tx, workflowId, definition.repeatWithinMs);
    await reopenActionStep(tx, workflowId);
    return true;
  };
  const startOnce = () =>
    launchAction(parts, definition, { workflowId, account, tenant, startedBy, priority, weight, input }, accept);
  await startOnce().catch(async (error: unknown) => {
    if (!(error instanceof StillEnding)) throw error;
    await endOf(parts, workflowId);
    isOver = true;
    await startOnce();
  });
  return handle;
}

/** Rolls the acceptance back: an action is asked for again whose workflow may not have ended. */
class StillEnding extends Error {}

/** As `act`, for several actions one after another. A saga's key is never used again, however it ended. */
export async function startSaga<Input, Parsed, Outputs>(
  parts: ClientParts,
  saga: Saga<Input, Parsed, Outputs>,
  options: ActOptions<Input>,
): Promise<SagaHandle<Outputs>> {
  checkKind('saga', saga, 'steps');
  const { definition } = saga;
  const start = checked(parts, options);
  const { account, startedBy, priority, weight } = start;
  const { name } = definition;
  const workflowId = sagaWorkflowId(name, account, start.key);
  const handle = createSagaHandle<Outputs>(parts, workflowId, definition);
  const input = readInput(definition, `saga "${name}"`, options.input);
  const providers = definition.steps.map(({ action }) => action.provider.id);
  const tenant = (await tenantOfStart(parts.pool, providers, account, options.tenant)) ?? account;
  const reportId = crypto.randomUUID();
  const lock = await inOneTransaction(parts, async (tx) => {
    const isNew = await insertSaga(tx, {
      workflowId,
      name,
      account,
      tenant,
      boundTo: parts.boundTo ?? null,
      startedBy,
      input: options.input,
    });
    if (!isNew && !(await hasSagaInput(tx, workflowId, options.input)))
      throw new TypeError(`The key ${JSON.stringify(start.key)} was used for ${name} with another input.`);
    const asker = {
      ...start,
      tenant,
      workflowId,
      kind: 'saga',
      name,
      isAgain: !isNew,
      boundTo: parts.boundTo,
    } as const;
    const place = await placeFor(tx, definition.conflicts, input, asker);
    const what = definition.what(input);
    await insertReport(tx, {
      id: reportId,
      kind: 'saga',
      name,
      account,
      tenant,
      startedBy,
      workflowId,
      rootWorkflowId: workflowId,
      what,
    });
    return place;
  });
  const message: SagaInput = {
    saga: name,
    account,
    tenant,
    startedBy,
    priority,
    weight,
    steps: definition.plan,
    ...(lock ? { lock } : {}),
  };
  await startReported(parts, {
    workflow: 'saga',
    workflowId,
    input: message,
    reportId,
    summary: `${name} of ${account}`,
    name,
    account,
    tenant,
    priority,
    weight,
    mayRunAgain: false,
  });
  return handle;
}

/** @throws TypeError for one that does not fit, or that its schema makes anew each time. */
function readInput(definition: ReadsInput, of: string, value: unknown): unknown {
  return readSteady((given) => definition.parseInput(given), value, `The input of ${of}`);
}

type ReadsInput = Pick<Action['definition'] | Saga['definition'], 'parseInput'>;

interface Checked {
  readonly account: string;
  readonly tenant: string;
  readonly startedBy: StartedBy;
  readonly priority: Priority;
  readonly weight: number;
  readonly key: string;
}

function checked<Input>(parts: ClientParts, options: ActOptions<Input>): Checked {
  const { account, tenant = account, startedBy = parts.startedBy, priority = 'interactive', weight = 1 } = options;
  checkOptions({ account, tenant, startedBy, priority, weight }, options, ACT_OPTIONS);
  const { idempotencyKey: key = crypto.randomUUID() } = options as { readonly idempotencyKey?: unknown };
  // A null that was meant to be an id would be a new key each time.
  if (typeof key !== 'string') throw new TypeError(`\`idempotencyKey\` is ${JSON.stringify(key)}; it must be a text.`);
  const bytes = Buffer.byteLength(key);
  if (bytes < 1 || bytes > 200) throw new TypeError(`\`idempotencyKey\` has ${bytes} bytes; it must have 1 to 200.`);
  return { account, tenant, startedBy, priority, weight, key };
}
