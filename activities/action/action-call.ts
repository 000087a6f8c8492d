/**
 * One call of an action: the write, the look-up of a write whose fate is unknown, or its compensation. It is made as a
 * request, or through the action's own `perform`. Says what came of it and stores nothing. Next:
 * `activities/call/make-call.ts`.
 */
import { SettingsMistake } from '../../contracts/account.ts';
import type { Answer, RequestSpec } from '../../contracts/answers/answer.ts';
import type { BodyFormat } from '../../contracts/answers/body-format.ts';
import { jsonOf } from '../../contracts/answers/answer-json.ts';
import { isPageForPeople } from '../../contracts/answers/page-for-people.ts';
import type { PerformActionInput } from '../../contracts/action.ts';
import type { Outcome } from '../../contracts/answers/outcome.ts';
import { redact } from '../../contracts/secrets/redact.ts';
import type { SecretFinder } from '../../contracts/secrets/secret-finder.ts';
import type { ActionStep } from '../../db/stores/action/action-store.ts';
import type { Observation } from '../../limiter/index.ts';
import type { ActionContext, ActionDefinition, PerformContext } from '../../providers/define/define-action.ts';
import { mayBeBehind } from '../../providers/pagination/told/look-up-told.ts';
import { accessTo, renewAccess } from '../credentials/credentials.ts';
import { secretsOfCall } from '../credentials/known-secrets.ts';
import type { ActivityDeps } from '../deps.ts';
import { issuesOf, issuesText, parseBody } from '../bodies/parse-body.ts';
import { accountFacts } from '../call/account-facts.ts';
import { ABSENT, absentIn } from './absent.ts';
import { deletedBefore } from './deleted-before.ts';
import { makeCall, notAccessible, type Renewed } from '../call/make-call.ts';
import { hideInValue } from '../http/hide-secrets.ts';
import { namingKnown } from '../call/understand.ts';
import { untilAborted } from '../call/until-aborted.ts';
import { userCode } from '../sync/user-code.ts';
import { askOf, WAIT_IN_PLACE_MS, withPermit, type SendGate, type Sent } from '../call/with-permit.ts';

export interface ActionCall {
  readonly action: ActionDefinition;
  readonly step: ActionStep;
  readonly request: PerformActionInput;
  readonly kind: 'write' | 'lookup' | 'undo';
  /** Of the write that is taken back: its output and input. Only for `undo`. */
  readonly undone?: { readonly input: unknown; readonly output: unknown };
  readonly gate?: SendGate;
  readonly signal?: AbortSignal;
}

export type ActionAnswer =
  | { readonly outcome: { readonly kind: 'ok' }; readonly output: unknown }
  | {
      readonly outcome: Exclude<Outcome, { kind: 'ok' }>;
      readonly renewed?: Renewed;
      /** It was taken, and what it was answered with can't be read. */
      readonly isAccepted?: boolean;
    };

/** @throws UserCodeError with what the action's own functions throw before anything is sent. */
export async function makeActionCall(deps: ActivityDeps, call: ActionCall): Promise<Sent<ActionAnswer>> {
  try {
    return await (call.action.way.kind === 'request' ? request(deps, call) : perform(deps, call));
  } catch (error) {
    if (!(error instanceof SettingsMistake)) throw error;
    return { sent: false, because: error.message, retryAfterMs: 0, mistake: error.message };
  }
}

async function request(deps: ActivityDeps, call: ActionCall): Promise<Sent<ActionAnswer>> {
  const { action, kind, gate, signal } = call;
  const way = action.way as Extract<ActionDefinition['way'], { kind: 'request' }>;
  const context = contextOf(call);
  const input = inputOf(call);
  const spec = userCode(`The request to ${kind} action "${action.id}"`, () =>
    kind === 'write'
      ? way.request(input, context)
      : kind === 'lookup'
        ? way.whenUnknown?.lookup(input, context)
        : way.compensate?.(call.undone?.output, input, context),
  );
  if (!spec) throw new Error(`Action "${action.id}" has no way to ${kind}.`);
  const sent = await makeCall(deps, {
    ...shared(deps, call, input),
    spec,
    format: kind === 'undo' ? undefined : way.format,
    decide: (answer) => decided(call, answer),
    totalMs: action.totalTimeoutMs,
    isWrite: kind !== 'lookup',
    ...(gate ? { gate } : {}),
    ...(signal ? { signal } : {}),
  });
  if (!sent.sent) return sent;
  const { answer, url, outcome, renewed } = sent.value;
  const value: ActionAnswer =
    outcome.kind === 'ok'
      ? read(call, way, { spec, answer, url }, input, context)
      : (deletedBefore(call, spec, answer, outcome) ?? { outcome, ...(renewed === undefined ? {} : { renewed }) });
  return { ...sent, value };
}

/** A rule that throws has decided nothing: what was sent may have happened. */
function decided({ action, kind }: ActionCall, answer: Answer): Outcome {
  try {
    if (kind === 'write') return action.decide(answer);
    return kind === 'lookup' ? action.decideLookup(answer) : action.decideUndo(answer);
  } catch (error) {
    const reason = `the rules for HTTP ${answer.status} threw ${error instanceof Error ? `${error.name}: ${error.message}` : String(error)}`;
    return { kind: kind === 'lookup' ? 'retry' : 'unknown-write', reason };
  }
}

/** What an accepted answer holds. A write whose answer can't be read has happened all the same. */
function read(
  { action, kind }: ActionCall,
  way: Extract<ActionDefinition['way'], { kind: 'request' }>,
  { spec, answer, url }: { readonly spec: RequestSpec; readonly answer: Answer; readonly url: string },
  input: unknown,
  context: ActionContext,
): ActionAnswer {
  if (kind === 'undo') return { outcome: { kind: 'ok' }, output: null };
  if (kind === 'write') {
    const outputOf = (json: unknown): unknown =>
      way.made ? way.made(action.parseResponse(json), { headers: answer.headers, url, input }, input) : json;
    const parseResponse = (json: unknown) => action.parseOutput(outputOf(json));
    const body = parseBody({ name: action.id, parseResponse }, withText(answer, way.format));
    if (body.ok) return { outcome: { kind: 'ok' }, output: body.value };
    // 202: it is being done, and may be told at the next call.
    const isAccepted = answer.status !== 202;
    return { outcome: { kind: 'unknown-write', reason: `it was accepted, but ${body.reason}` }, isAccepted };
  }
  const body = parseBody({ name: action.id, parseResponse: (json) => json }, answer);
  if (!body.ok) return { outcome: { kind: 'retry', reason: body.reason } };
  const guards = way.whenUnknown?.guards;
  const looked = found(
    action,
    () => way.whenUnknown?.found(body.value, input, context),
    () => mayBeBehind({ spec, answer, body: body.json, guards }),
  );
  return looked === ABSENT ? absentIn(action, answer) : looked;
}

/** What answers a write in words, as "ok", is its text; a page for people says nothing to a program, and no body is null in any format. */
function withText(answer: Answer, format: BodyFormat | undefined): Answer {
  if (answer.text === '') return { ...answer, data: { ok: true, value: null } };
  if (format !== undefined) return answer;
  if (!/^text\/(?!json\b|xml\b|csv\b)/i.test(answer.headers['content-type'] ?? '') || jsonOf(answer).ok) return answer;
  return { ...answer, data: { ok: true, value: isPageForPeople(answer) ? null : answer.text } };
}

/**
 * What a look-up has found goes through the schema of outputs, as what a write answers does.
 * @param behind why what was not found may be there all the same.
 */
function found(
  action: ActionDefinition,
  output: () => unknown,
  behind: () => string | undefined = () => undefined,
): ActionAnswer {
  try {
    const value = output();
    if (value === undefined) {
      const why = behind();
      if (why !== undefined) return { outcome: { kind: 'permanent', cause: 'bug', reason: why } };
      return ABSENT;
    }
    return { outcome: { kind: 'ok' }, output: action.parseOutput(value) };
  } catch (error) {
    // The action's own function or its schema: no second look-up mends it.
    const reason = `what it found is no output of "${action.id}": ${issuesText(issuesOf(error), undefined)}`;
    return { outcome: { kind: 'permanent', cause: 'bug', reason } };
  }
}

/** What `perform` gives goes through the schema of outputs: it has happened, whatever is wrong with it. */
function made(action: ActionDefinition, given: unknown): ActionAnswer {
  try {
    return { outcome: { kind: 'ok' }, output: action.parseOutput(given) };
  } catch (error) {
    const reason = `it was accepted, but its output has another shape than its schema: ${issuesText(issuesOf(error), undefined)}`;
    return { outcome: { kind: 'unknown-write', reason }, isAccepted: true };
  }
}

/** The action's own code makes the call: permit, ceiling and outcome are the same, the wire is its own. */
async function perform(deps: ActivityDeps, call: ActionCall): Promise<Sent<ActionAnswer>> {
  const { action, kind, step, gate } = call;
  const way = action.way as Extract<ActionDefinition['way'], { kind: 'perform' }>;
  const input = inputOf(call);
  const facts = shared(deps, call, input);
  const access = await accessTo(deps, action.provider, step.account, { maxWaitMs: WAIT_IN_PLACE_MS });
  if (access.state !== 'ready') return notAccessible(access);
  const { credentials } = access;
  const secrets = secretsOfCall(action.provider, credentials);
  const run = async (context: PerformContext): Promise<ActionAnswer> => {
    if (kind === 'undo') {
      await way.compensate?.(call.undone?.output, input, context);
      return { outcome: { kind: 'ok' }, output: null };
    }
    if (kind === 'write') return made(action, hideInValue(await way.perform(input, context), secrets));
    const output = hideInValue(await way.whenUnknown?.lookup(input, context), secrets);
    return found(action, () => output);
  };
  const ask = askOf({ ...facts, ...(call.signal ? { signal: call.signal } : {}) });
  const sent = await withPermit<ActionAnswer>(deps, ask, gate, async (isFresh) => {
    if (!isFresh()) return undefined;
    const startedAt = performance.now();
    const signal = AbortSignal.timeout(action.totalTimeoutMs);
    const value = await untilAborted(run({ ...contextOf(call), credentials, signal }), signal).catch(
      (error: unknown): ActionAnswer => ({ outcome: outcomeOfError(error, secrets, signal.aborted) }),
    );
    const { outcome } = value;
    const observation = observationOf(outcome, performance.now() - startedAt);
    return {
      value: outcome.kind === 'ok' ? value : { ...value, outcome: namingKnown(action.provider, outcome) },
      observation,
    };
  });
  if (!sent.sent || sent.value.outcome.kind !== 'refresh-auth') return sent;
  const { outcome } = sent.value;
  const wait = { maxWaitMs: WAIT_IN_PLACE_MS };
  const refusal = { reason: outcome.reason, isDoubt: false };
  const renewed = await renewAccess(deps, action.provider, step.account, credentials, refusal, wait);
  if (renewed.state === 'mistake')
    return { ...sent, value: { outcome: { kind: 'permanent', cause: 'config', reason: renewed.reason } } };
  return { ...sent, value: { outcome, renewed } };
}

function inputOf({ action, step, undone }: ActionCall): unknown {
  return userCode(`\`input\` of action "${action.id}"`, () => action.parseInput(undone?.input ?? step.input));
}

function shared(deps: ActivityDeps, { action, step, request }: ActionCall, input: unknown) {
  const of = accountFacts(action.provider, step);
  return {
    provider: action.provider,
    ...of,
    callKey: `action/${step.workflowId}`,
    endpoint: action.name,
    charges: userCode(`a limit of provider "${action.provider.id}"`, () =>
      action.charges({ ...of, ip: deps.egress, input, pageSize: 0 }),
    ),
    weight: request.weight,
    priority: request.priority,
    trace: request.trace,
    maxWaitMs: WAIT_IN_PLACE_MS,
  };
}

function contextOf({ action, step }: ActionCall): ActionContext {
  return { ...accountFacts(action.provider, step), idempotencyKey: step.idempotencyKey, acceptedAt: step.createdAt };
}

/** No connection was made: nothing can have arrived. */
const neverConnected = ['ECONNREFUSED', 'ENOTFOUND', 'EAI_AGAIN'];
/** The same, while connecting only: a connection that is open ends in these as well. */
const unreachable = ['EHOSTUNREACH', 'ENETUNREACH'];

/** `fetch` has what happened as its cause. */
function wasNeverSent(error: unknown, depth = 0): boolean {
  if (!(error instanceof Error) || depth > 3) return false;
  const { code = '' } = error as NodeJS.ErrnoException;
  const isIt = neverConnected.includes(code) || (unreachable.includes(code) && wasConnecting(error));
  return isIt || wasNeverSent(error.cause, depth + 1);
}

/** Of several addresses that were tried, each has an error of its own. */
function wasConnecting(error: unknown): boolean {
  const { syscall, errors } = error as { readonly syscall?: string; readonly errors?: readonly unknown[] };
  return syscall === 'connect' || (errors !== undefined && errors.length > 0 && errors.every(wasConnecting));
}

function outcomeOfError(
  error: unknown,
  secrets: SecretFinder,
  isLate: boolean,
): Exclude<Outcome, { readonly kind: 'ok' }> {
  const stated = (error as { outcome?: Outcome }).outcome;
  if (error instanceof Error && error.name === 'CallFailed' && stated && stated.kind !== 'ok')
    return { ...stated, reason: redact(stated.reason, secrets) };
  const { name, message } = error instanceof Error ? error : new Error(String(error));
  const text = 'issues' in Object(error) ? `the output has another shape than its schema: ${issuesText(issuesOf(error), undefined)}` : `${name}: ${message}`; // prettier-ignore
  const reason = isLate ? 'no answer within the ceiling of the call' : redact(text, secrets);
  if (wasNeverSent(error)) return { kind: 'retry', reason };
  return { kind: 'unknown-write', reason };
}

function observationOf(outcome: Outcome, latencyMs: number): Observation {
  switch (outcome.kind) {
    case 'limited':
      return {
        result: 'refused',
        latencyMs,
        reason: outcome.reason,
        ...(outcome.limit === undefined ? {} : { limit: outcome.limit }),
        ...(outcome.afterMs === undefined ? {} : { blockForMs: outcome.afterMs }),
      };
    case 'retry':
    case 'unknown-write':
      return { result: 'failed', latencyMs, reason: outcome.reason };
    default:
      return { result: 'ok', latencyMs };
  }
}
