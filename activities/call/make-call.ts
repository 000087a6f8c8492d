/**
 * One third-party call, the same for pages, writes and look-ups: credentials, request, permit, send, outcome, and the
 * limiter told. Reasons leave here without the account's secrets. Next stop: `with-permit.ts`, then `activities/http/send.ts`.
 */
import type { Answer, RequestSpec } from '../../contracts/answer.ts';
import type { Credentials } from '../../contracts/credentials.ts';
import type { Charge, Priority } from '../../contracts/limit.ts';
import type { Outcome } from '../../contracts/outcome.ts';
import { redact, secretsOf } from '../../contracts/redact.ts';
import type { AcquireRequest, Observation } from '../../limiter/index.ts';
import type { Provider } from '../../providers/define/define-provider.ts';
import { accessTo, isDoubtSettled, renewAccess, type Access } from '../credentials/credentials.ts';
import type { ActivityDeps } from '../deps.ts';
import { addressOf, buildRequest } from '../http/build-request.ts';
import { hideTokens } from '../http/hide-tokens.ts';
import { MAX_REDIRECTS, redirectTarget } from '../http/redirect.ts';
import type { OutgoingRequest } from '../http/send.ts';
import { toObservation } from '../http/to-observation.ts';
import { isInfrastructure } from './infrastructure.ts';
import { withPermit, type SendGate, type Sent } from './with-permit.ts';

export interface Call {
  readonly provider: Provider;
  readonly account: string;
  /** Its place in the queues of the limits: the same over all retries. */
  readonly callKey: string;
  readonly charges: readonly Charge[];
  readonly weight: number;
  readonly priority: Priority;
  /** Wait in place for a permit at most this long, in milliseconds. */
  readonly maxWaitMs: number;
  readonly spec: RequestSpec;
  readonly decide: (answer: Answer) => Outcome;
  /** Ceiling of the whole call in milliseconds. */
  readonly totalMs: number;
  readonly gate?: SendGate;
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

export async function makeCall(deps: ActivityDeps, call: Call): Promise<Sent<MadeCall>> {
  const { provider, account } = call;
  const wait = { maxWaitMs: call.maxWaitMs };
  const access = await accessTo(deps, provider, account, wait);
  if (access.state === 'busy') return { sent: false, because: access.reason, retryAfterMs: access.retryAfterMs };
  if (access.state === 'needs-reconnect')
    return { sent: false, because: access.reason, retryAfterMs: 0, needsReconnect: true };
  const { credentials } = access;
  const built = build(call, credentials);
  if (typeof built === 'string') return { sent: false, because: built, retryAfterMs: 0, mistake: built };
  const made = await follow(deps, call, built, credentials);
  if (!made.sent || made.value.outcome.kind !== 'refresh-auth') return made;
  const renewing = renewAccess(deps, provider, account, credentials, made.value.outcome.reason, wait);
  const renewed = await renewing.catch((error: unknown) => {
    // What it was refused with is in hand: a write is recorded as refused, and the next attempt asks for credentials again.
    if (call.isWrite && isInfrastructure(error)) return undefined;
    throw error;
  });
  if (renewed?.state === 'pointless') {
    const outcome: Outcome = { kind: 'permanent', cause: 'config', reason: renewed.reason };
    return { ...made, value: { ...made.value, outcome } };
  }
  return { ...made, value: { ...made.value, ...(renewed ? { renewed } : {}) } };
}

/** The call and, where it is redirected, the calls that follow: each takes a permit, for the third party counts each. */
async function follow(
  deps: ActivityDeps,
  call: Call,
  { outgoing, url }: Built,
  credentials: Credentials | undefined,
): Promise<Sent<MadeCall>> {
  const { provider, callKey } = call;
  let target = deps.http.hops.take(callKey, outgoing.url) ?? outgoing.url;
  let leftMs = call.totalMs;
  let waitedMs = 0;
  for (let hop = 0; ; hop++) {
    const request = { ...outgoing, url: target };
    const limits = { ...provider.timeouts, totalMs: leftMs, maxBodyBytes: provider.maxBodyBytes };
    const made = await withPermit<MadeCall | Hop>(deps, askOf(call), call.gate, async (isFresh) => {
      const answer = await deps.http.send(request, limits, call.isWrite ? undefined : call.signal, isFresh);
      if (answer.error?.code === 'permit-over') return undefined;
      const next = call.isWrite || hop >= MAX_REDIRECTS ? undefined : redirectTarget(request, answer);
      if (next !== undefined) return { value: { next, answer }, observation: toObservation({ kind: 'ok' }, answer) };
      return understand(deps, call, url, hideTokens(answer, credentials), credentials);
    });
    if (!made.sent) {
      if (target !== outgoing.url) deps.http.hops.keep(callKey, outgoing.url, target);
      return made;
    }
    waitedMs += made.waitedMs;
    if (!('next' in made.value)) return { ...made, value: made.value, waitedMs };
    target = made.value.next;
    leftMs = Math.max(1, leftMs - made.value.answer.elapsedMs);
  }
}

interface Hop {
  readonly next: string;
  readonly answer: Answer;
}

function askOf(call: Call): AcquireRequest {
  return {
    callKey: call.callKey,
    charges: call.charges,
    account: call.account,
    weight: call.weight,
    priority: call.priority,
    maxWaitMs: call.maxWaitMs,
    ...(call.signal ? { signal: call.signal } : {}),
  };
}

function understand(
  deps: ActivityDeps,
  call: Call,
  url: string,
  answer: Answer,
  credentials: Credentials | undefined,
): { readonly value: MadeCall; readonly observation: Observation } {
  const verdict = call.decide(answer);
  const isTrue = verdict.kind === 'refresh-auth' && verdict.isDoubt && isDoubtSettled(deps.credentials, credentials);
  const decided: Outcome = isTrue ? { kind: 'ok' } : verdict;
  const outcome =
    'reason' in decided ? { ...decided, reason: redact(decided.reason, secretsOf(credentials)) } : decided;
  return { value: { answer, url, outcome }, observation: toObservation(outcome, answer) };
}

interface Built {
  readonly outgoing: OutgoingRequest;
  readonly url: string;
}

/** @returns the request, or what is wrong with it: where it leads, or what its credentials lack. */
function build({ provider, spec }: Call, credentials: Credentials | undefined): Built | string {
  try {
    const baseUrl = provider.baseUrl();
    const url = addressOf(spec, baseUrl);
    return { outgoing: buildRequest(spec, baseUrl, provider.auth.apply(credentials), provider.headers, provider), url };
  } catch (error) {
    if (!(error instanceof TypeError)) throw error;
    return redact(error.message, secretsOf(credentials));
  }
}
