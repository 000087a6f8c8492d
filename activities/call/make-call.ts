/**
 * One third-party call, the same for pages, writes and look-ups: credentials, request, permit, send, outcome, and the
 * limiter told. Reasons leave here without the account's secrets. Next stop: `with-permit.ts`, then `activities/http/send.ts`.
 */
import type { Answer, RequestSpec } from '../../contracts/answer.ts';
import { cleanText } from '../../contracts/clean-text.ts';
import type { Credentials } from '../../contracts/credentials.ts';
import type { Charge, Priority } from '../../contracts/limit.ts';
import type { Outcome } from '../../contracts/outcome.ts';
import { redact, secretsOf } from '../../contracts/redact.ts';
import type { Provider } from '../../providers/define/define-provider.ts';
import { accessTo, isDoubtSettled, renewAccess, type Access } from '../credentials/credentials.ts';
import type { ActivityDeps } from '../deps.ts';
import { addressOf, buildRequest } from '../http/build-request.ts';
import { hideTokens } from '../http/hide-tokens.ts';
import type { BodyHold } from '../http/body-budget.ts';
import type { OutgoingRequest } from '../http/send.ts';
import { toObservation } from '../http/to-observation.ts';
import { withPermit, type SendGate, type Sent } from './with-permit.ts';

/** Characters of a reason, from whatever rule, that are kept. */
const MOST_REASON = 1_000;

export interface Call {
  readonly provider: Provider;
  readonly account: string;
  /** Its place in the queues of the limits: the same over all retries. */
  readonly callKey: string;
  readonly charges: readonly Charge[];
  /** Name of the endpoint or action: an outage of it alone holds up no other. */
  readonly endpoint: string;
  readonly weight: number;
  readonly priority: Priority;
  /** Wait in place for a permit at most this long, in milliseconds. */
  readonly maxWaitMs: number;
  readonly spec: RequestSpec;
  readonly decide: (answer: Answer) => Outcome;
  /** Ceiling of the whole call in milliseconds. */
  readonly totalMs: number;
  readonly gate?: SendGate;
  /** Keeps the memory of the body until it is released. Default: until the answer is there. */
  readonly hold?: BodyHold;
  /** Ends the wait for a permit, and the call itself. */
  readonly signal?: AbortSignal;
  /** A write that is on its way is not interrupted by a cancellation: its fate would be unknown. */
  readonly isWrite?: boolean;
}

export interface MadeCall {
  readonly answer: Answer;
  /** Address of the request as its endpoint states it, without what authenticates. */
  readonly url: string;
  readonly outcome: Outcome;
  /** With the outcome `refresh-auth`: whether the call may be repeated with new credentials now. */
  readonly renewed?: Access;
}

/** A cost that can't be read stays as it was reserved: the most that it may be. */
function costsOf(deps: ActivityDeps, provider: Provider, answer: Answer): Readonly<Record<string, number>> {
  try {
    return provider.actualCosts(answer);
  } catch (error) {
    deps.log.warn({ provider: provider.id, error: String(error) }, '`actualCost` of a limit has failed');
    return {};
  }
}

export async function makeCall(deps: ActivityDeps, call: Call): Promise<Sent<MadeCall>> {
  const { provider, account, signal } = call;
  const wait = { maxWaitMs: call.maxWaitMs };
  const access = await accessTo(deps, provider, account, wait);
  if (access.state === 'busy') return { sent: false, because: access.reason, retryAfterMs: access.retryAfterMs };
  if (access.state === 'needs-reconnect')
    return { sent: false, because: access.reason, retryAfterMs: 0, needsReconnect: true };
  const { credentials } = access;
  const built = build(call, credentials);
  if (typeof built === 'string') return { sent: false, because: built, retryAfterMs: 0, mistake: built };
  const { outgoing, url } = built;
  const limits = { ...provider.timeouts, totalMs: call.totalMs, maxBodyBytes: provider.maxBodyBytes };
  const ask = {
    callKey: call.callKey,
    charges: call.charges,
    endpoint: call.endpoint,
    account,
    weight: call.weight,
    priority: call.priority,
    maxWaitMs: call.maxWaitMs,
    ...(signal ? { signal } : {}),
  };
  const made = await withPermit<MadeCall>(deps, ask, call.gate, async () => {
    const answer = hideTokens(
      await deps.http.send(outgoing, limits, call.isWrite ? undefined : signal, call.hold),
      credentials,
    );
    const verdict = call.decide(answer);
    const isTrue = verdict.kind === 'refresh-auth' && verdict.isDoubt && isDoubtSettled(deps.credentials, credentials);
    const decided: Outcome = isTrue ? { kind: 'ok' } : verdict;
    const outcome = 'reason' in decided ? { ...decided, reason: toldReason(decided.reason, credentials) } : decided;
    return {
      value: { answer, url, outcome },
      observation: toObservation(outcome, answer, costsOf(deps, provider, answer)),
    };
  });
  if (!made.sent || made.value.outcome.kind !== 'refresh-auth') return made;
  const renewed = await renewAccess(deps, provider, account, credentials, made.value.outcome.reason, wait);
  if (renewed.state === 'pointless') {
    const outcome: Outcome = { kind: 'permanent', cause: 'config', reason: renewed.reason };
    return { ...made, value: { ...made.value, outcome } };
  }
  return { ...made, value: { ...made.value, renewed } };
}

/** Reasons are written down: without secrets, and as every store takes text. */
function toldReason(reason: string, credentials: Credentials | undefined): string {
  return cleanText(redact(cleanText(reason, MOST_REASON), secretsOf(credentials)));
}

/** @returns the request, or what is wrong with it: where it leads, or what its credentials lack. */
function build(
  { provider, spec }: Call,
  credentials: Credentials | undefined,
): { readonly outgoing: OutgoingRequest; readonly url: string } | string {
  try {
    const baseUrl = provider.baseUrl();
    const url = addressOf(spec, baseUrl);
    return { outgoing: buildRequest(spec, baseUrl, provider.auth.apply(credentials), provider.headers), url };
  } catch (error) {
    if (!(error instanceof TypeError)) throw error;
    return redact(error.message, secretsOf(credentials));
  }
}
