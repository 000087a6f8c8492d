/**
 * The call of an attempt, and what becomes of its answer; of a file that comes in pieces also of all that follows.
 * Used by: `fetch-page.ts`, `activities/batch/fetch-batch.ts`. Next: `activities/call/make-call.ts`, then `settle-answer.ts`.
 */
import type { RequestSpec } from '../../contracts/answers/answer.ts';
import type { PageFact } from '../../contracts/messages.ts';
import { deferUnit, SENT, type LoadedUnit } from '../../db/stores/sync/unit-store.ts';
import type { BodyHold } from '../bodies/body-budget.ts';
import { makeCall, type Call, type MadeCall } from '../call/make-call.ts';
import type { FileToReceive } from '../files/receive-file.ts';
import type { Endpoint } from '../../providers/define/define-provider.ts';
import type { Facts } from './decide.ts';
import { WAIT_IN_PLACE_MS, type SendGate } from '../call/with-permit.ts';
import { isPlaceKept } from '../../providers/pagination/dead-cursor.ts';
import { isMaybeItsOwn } from '../http/to-observation.ts';
import { applyDecision, end, notNow } from './apply-decision.ts';
import { stateOf, type Attempt } from './attempt.ts';
import { changeUnit } from './write-down.ts';
import { makeAnew } from '../job/move-job.ts';
import { isOpenAddress } from '../call/open-request.ts';
import { piecesOf, readOn } from './read-on.ts';
import { settle } from './settle-answer.ts';
import { conditionsFor } from './kept-state.ts';
import { requestBy, userCode } from './user-code.ts';
import { attemptAt, loadList } from './make-attempt.ts';

/** In a workflow task nothing may wait: longer than this and the call is made durably instead. */
const FAST_WAIT_MS = 50;
/** A durable call that waited longer is followed by durable ones. Less is what a busy process needs to ask. */
const LONG_WAIT_MS = 250;
/** A call slower than this should not hold a workflow task, which lasts some seconds. A busy process alone is not slow. */
const SLOW_CALL_MS = 2_500;
/** What becomes of an answer that is not for one list. */
export type SettleWith = (made: MadeCall, facts: Pick<Facts, 'isProbe' | 'asksForChanges'>) => Promise<PageFact>;

function fileOf(format: NonNullable<Endpoint['file']>, { node, of, input }: Attempt): FileToReceive {
  const expected = userCode(`\`format.expect\` of endpoint "${node.endpoint.name}"`, () => format.expect(input));
  return { format, account: of.account, expected };
}

/** The body's memory is taken until its page is stored. */
export async function callOnce(
  attempt: Attempt,
  signal: AbortSignal | undefined,
  calls: { made: 0 | 1 },
  settleWith?: SettleWith,
): Promise<PageFact> {
  const hold = attempt.deps.http.bodies.hold();
  try {
    return await callWith(attempt, signal, hold, calls, settleWith);
  } finally {
    hold.release();
  }
}

async function callWith(
  attempt: Attempt,
  signal: AbortSignal | undefined,
  hold: BodyHold,
  calls: { made: 0 | 1 },
  settleWith?: SettleWith,
): Promise<PageFact> {
  const { deps, request, node, unit, memory } = attempt;
  const { endpoint } = node;
  const { mode } = request;
  const stated = statedBy(attempt);
  const conditions = conditionsFor(endpoint, unit);
  const isConditional = Object.keys(conditions).length > 0;
  const spec = isConditional ? { ...stated, headers: { ...stated.headers, ...conditions } } : stated;
  const call = await makeCall(deps, callOf(attempt, spec, hold, signal));
  if (!call.sent) {
    if (call.mistake !== undefined) return end(attempt, unit.pages, 'failed', call.mistake, 0);
    if (call.needsReconnect) return applyDecision(attempt, { do: 'pause' }, 0);
    return notNow(attempt, call.because, call.retryAfterMs);
  }
  calls.made = 1;
  const { rest, outcome } = call.value;
  if (endpoint.job && outcome.kind !== 'ok' && outcome.kind !== 'flawed') {
    // Its address may have grown old: it is asked for anew.
    memory.results.forget(request.unit);
    if (outcome.kind === 'permanent' && outcome.cause === 'gone')
      return makeAnew(attempt, endpoint.job, `its result is gone: ${outcome.reason}`, 1);
  }
  const hadToWait = mode === 'durable' && call.waitedMs > LONG_WAIT_MS;
  // A workflow task is too short for a file of several pieces.
  const wantsDurable = hadToWait || call.value.answer.elapsedMs > SLOW_CALL_MS || rest !== undefined;
  // An outage must cost nobody attempts, but a page that always fails must not be what finds out whether it is over, for ever.
  const isProbe = call.isProbe === true && !isMaybeItsOwn(call.value.answer);
  const asksForChanges = isConditional || (attempt.since !== undefined && hasConditions(spec));
  if (settleWith) return settleWith(call.value, { isProbe, asksForChanges });
  try {
    const fact = await settle(attempt, call.value, { isProbe, asksForChanges }, wantsDurable);
    if (!rest || mode === 'now') return fact;
    const at = (next: LoadedUnit): Attempt => attemptAt(attempt, node, next, performance.now());
    return await readOn({ attempt, made: call.value, rest, signal, load: () => loadList(attempt, node), at }, fact);
  } finally {
    rest?.close();
  }
}

/** The request as the endpoint makes it, or as the page before named it: that has the headers of the endpoint's own. */
function statedBy({ node, of, input, asked, job, sync }: Attempt): RequestSpec {
  const { endpoint } = node;
  const { url } = asked;
  if (url !== undefined && isOpenAddress(sync.provider, of, endpoint.openHosts, url))
    return { method: 'GET', path: url };
  const stated = requestBy(`\`request\` of endpoint "${endpoint.name}"`, () =>
    endpoint.request(input, job ? { ...asked, job: job.result } : asked, of),
  );
  return url === undefined ? stated : { method: 'GET', path: url, headers: headersOfNext(stated) };
}

/** There is no body to speak of, and a later page may be the one that has changed. */
function headersOfNext({ headers = {} }: RequestSpec): Readonly<Record<string, string>> {
  return Object.fromEntries(Object.entries(headers).filter(([name]) => !/^(?:content|if)-/i.test(name)));
}

/** All that the call is made with: for whom, by which limits, and how its answer is read. */
function callOf(attempt: Attempt, spec: RequestSpec, hold: BodyHold, signal: AbortSignal | undefined): Call {
  const { deps, request, sync, node, unit, of, input, asked } = attempt;
  const { endpoint } = node;
  const { provider } = sync;
  const { context, mode } = request;
  const { openHosts } = endpoint;
  const isOpen = isOpenAddress(provider, of, openHosts, spec.path);
  const facts = { ...of, ip: deps.egress, input, pageSize: asked.size };
  return {
    provider,
    ...of,
    callKey: `unit/${request.unit}`,
    endpoint: endpoint.name,
    charges: userCode(`a limit of provider "${provider.id}"`, () =>
      isOpen ? endpoint.openCharges(facts) : endpoint.charges(facts),
    ),
    weight: context.weight,
    priority: context.priority,
    trace: context.trace,
    maxWaitMs: request.waitMs ?? (mode === 'now' ? FAST_WAIT_MS : WAIT_IN_PLACE_MS),
    spec,
    hold,
    format: endpoint.format,
    pieces: piecesOf(endpoint, unit),
    ...(endpoint.file ? { file: fileOf(endpoint.file, attempt) } : {}),
    open: { hosts: openHosts, decide: endpoint.decideOpen },
    decide: endpoint.decide,
    ...(isPlaceKept(endpoint.paginate, stateOf(attempt)) ? { gate: gateOf(attempt) } : {}),
    totalMs: endpoint.totalTimeoutMs,
    ...(signal ? { signal } : {}),
  };
}

/** Where a page can't be asked for again, it is written down that it is asked for: whoever finds that, later, knows that it may be lost. */
function gateOf(attempt: Attempt): SendGate {
  const note = (riddle?: string): Promise<unknown> => {
    const deferral = { costs: 'nothing', calls: 0, delayMs: null, why: null, ...(riddle ? { riddle } : {}) } as const;
    return changeUnit(attempt, attempt.unit.pages, (fence) => deferUnit(attempt.deps.pool, fence, deferral));
  };
  return {
    open: async () => (await note(SENT)) !== undefined,
    close: async () => void (await note()),
  };
}

/** Its answer may be that nothing has changed (RFC 9110 §13.1). */
function hasConditions({ headers }: RequestSpec): boolean {
  return Object.keys(headers ?? {}).some((name) => /^if-(none-match|modified-since)$/i.test(name));
}
