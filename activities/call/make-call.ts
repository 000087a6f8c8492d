/**
 * One third-party call, the same for pages, writes and look-ups: credentials, request, permit, send, outcome, and the
 * limiter told. Reasons leave here without the account's secrets. Next: `with-permit.ts`, then `activities/http/send.ts`,
 * then `understand.ts`.
 */
import type { AccountFacts } from '../../contracts/account.ts';
import type { Answer, RequestSpec } from '../../contracts/answers/answer.ts';
import { ACCEPTED, formatNamed, type BodyFormat } from '../../contracts/answers/body-format.ts';
import type { Credentials } from '../../contracts/secrets/credentials.ts';
import type { Charge, Priority } from '../../contracts/limits/limit.ts';
import type { Outcome } from '../../contracts/answers/outcome.ts';
import type { Traceparent } from '../../contracts/trace.ts';
import { clockSkew } from '../../contracts/values/clock-skew.ts';
import { redact } from '../../contracts/secrets/redact.ts';
import type { Provider } from '../../providers/define/define-provider.ts';
import { accessTo, renewAccess, type Access } from '../credentials/credentials.ts';
import { secretsOfCall } from '../credentials/known-secrets.ts';
import { isBelieved, renewDoubted, settleDoubt, type DoubtfulCall } from '../credentials/settle-doubt.ts';
import type { ActivityDeps } from '../deps.ts';
import type { BodyHold } from '../bodies/body-budget.ts';
import { withData } from '../bodies/body-data.ts';
import { hideSecrets } from '../http/hide-secrets.ts';
import { MAX_REDIRECTS, redirectTarget } from '../http/redirect.ts';
import { asFile } from '../files/as-file.ts';
import type { FileToReceive } from '../files/receive-file.ts';
import type { PieceOptions } from '../bodies/read-pieces.ts';
import { withRest, type RestOfBody, type SentAnswer } from '../bodies/rest-of-body.ts';
import type { OutgoingRequest } from '../http/send.ts';
import { toObservation } from '../http/to-observation.ts';
import { beginSpan } from './call-tracer.ts';
import { isInfrastructure } from './infrastructure.ts';
import { isOpenAddress, openRequest } from './open-request.ts';
import { requestFor, sign, type SignedRequest } from './sign-request.ts';
import { thrown } from './thrown.ts';
import { understand } from './understand.ts';
import { askOf, withPermit, type SendGate, type Sent } from './with-permit.ts';

export interface Call extends AccountFacts {
  readonly provider: Provider;
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
  /** In which format good answers are. Default: what the content type says clearly, else JSON. */
  readonly format?: BodyFormat | undefined;
  readonly decide: (answer: Answer) => Outcome;
  /** Ceiling of the whole call in milliseconds. */
  readonly totalMs: number;
  readonly gate?: SendGate;
  /** Hosts that are asked without credentials, also by a redirect, and what their answers mean. */
  readonly open?: { readonly hosts: readonly string[]; readonly decide: (answer: Answer) => Outcome };
  /** A good answer is read piece by piece. */
  readonly pieces?: PieceOptions | undefined;
  /** A good answer is a file. */
  readonly file?: FileToReceive | undefined;
  /** Keeps the memory of the body until it is released. Default: until the answer is there. */
  readonly hold?: BodyHold;
  /** Ends the wait for a permit, and the call itself. */
  readonly signal?: AbortSignal;
  readonly trace?: Traceparent | undefined;
  /** A write that is on its way is not interrupted by a cancellation: its fate would be unknown. */
  readonly isWrite?: boolean;
}

export interface MadeCall {
  readonly answer: Answer;
  /** Address of the request as its endpoint states it, without what authenticates. */
  readonly url: string;
  readonly outcome: Outcome;
  /** With the outcome `refresh-auth`: whether the call may be repeated with new credentials now. */
  readonly renewed?: Renewed;
  /** Of an answer that is read piece by piece: what follows. To be closed. */
  readonly rest?: RestOfBody;
}

/** What a refusal leads to, when it is not a mistake. */
export type Renewed = Exclude<Access, { state: 'mistake' }>;

export async function makeCall(deps: ActivityDeps, call: Call): Promise<Sent<MadeCall>> {
  const { provider, account } = call;
  const wait = { maxWaitMs: call.maxWaitMs };
  const access = await accessTo(deps, provider, account, wait);
  const accessedAt = performance.now();
  if (access.state !== 'ready') return notAccessible(access);
  const { credentials } = access;
  const built = build(call, credentials);
  if (typeof built === 'string') return { sent: false, because: built, retryAfterMs: 0, mistake: built };
  const doubtful = { provider, ...accountOf(call), used: credentials, accessedAt, sentAt: 0, answeredAt: 0 };
  const made = notOfTheClock(provider, await follow(deps, call, built, doubtful));
  if (!made.sent) return made;
  const { outcome } = made.value;
  if (outcome.kind === 'unknown-write' && outcome.doubtsToken) await renewDoubted(deps, doubtful, outcome.reason, wait);
  if (outcome.kind !== 'refresh-auth') return made;
  const value = await afterRefusal(deps, made.value, doubtful, outcome, wait).catch((error: unknown) => {
    // What it was refused with is in hand: a write is recorded as refused, and the next attempt asks for credentials again.
    if (call.isWrite && isInfrastructure(error)) return made.value;
    throw error;
  });
  return { ...made, value };
}

/** The call and, where it is redirected, the calls that follow: each takes a permit, for the third party counts each. */
async function follow(
  deps: ActivityDeps,
  call: Call,
  built: Built,
  times: { sentAt: number; answeredAt: number },
): Promise<Sent<MadeCall>> {
  const { provider, callKey } = call;
  const { unsigned } = built;
  let { signed }: { signed?: SignedRequest } = built;
  let target = deps.http.hops.take(callKey, unsigned.url) ?? unsigned.url;
  let leftMs = call.totalMs;
  let waitedMs = 0;
  for (let hop = 0; ; hop++) {
    const isOpen = isOpenTo(call, target);
    const request = isOpen ? openHop(call, unsigned, target) : { ...unsigned, url: target };
    const limits = { ...provider.timeouts, totalMs: leftMs, maxBodyBytes: provider.maxBodyBytes };
    const made = await withPermit<MadeCall | Hop>(deps, askOf(call), call.gate, async (isFresh) => {
      // The first is signed already, to see whether it can be.
      const { outgoing, secrets } =
        signed && target === unsigned.url ? signed : signHop(call, request, built.credentials, isOpen);
      signed = undefined;
      times.sentAt = performance.now();
      const signal = call.isWrite ? undefined : call.signal;
      const { endpoint, account, trace } = call;
      const { method } = outgoing;
      const span = beginSpan(deps.tracer, { provider: provider.id, endpoint, account, method, url: target, trace });
      const traced = isOpen ? outgoing : { ...outgoing, headers: { ...outgoing.headers, ...span.headers } };
      const answer = await deps.http.send(traced, limits, {
        signal,
        hold: call.hold,
        mayWrite: isFresh,
        pieces: call.pieces,
        file: call.file,
      });
      times.answeredAt = performance.now();
      if (answer.error?.code === 'permit-over') {
        span.end(answer, 'not-sent');
        return undefined;
      }
      const next =
        call.isWrite || hop >= MAX_REDIRECTS
          ? undefined
          : redirectTarget(request, answer, (url) => isOpenTo(call, url));
      const metered = { provider: provider.id, endpoint: call.endpoint, ms: answer.elapsedMs };
      if (next !== undefined) {
        deps.meter?.called({ ...metered, outcome: 'redirected' });
        span.end(answer, 'redirected');
        return { value: { next, answer }, observation: toObservation({ kind: 'ok' }, answer) };
      }
      const read = async (sent: SentAnswer): Promise<SentAnswer> =>
        withRest(dataOf(await hideSecrets(sent, secrets), call), sent.rest, read);
      const { rest, ...whole } = await read(answer);
      const understood = understand(
        deps,
        isOpen && call.open ? { ...call, decide: call.open.decide } : call,
        unsigned.url,
        secrets,
        whole,
      );
      deps.meter?.called({ ...metered, outcome: understood.value.outcome.kind });
      span.end(answer, understood.value.outcome.kind);
      if (!rest) return understood;
      return { ...understood, value: { ...understood.value, rest } };
    });
    if (!made.sent) {
      if (target !== unsigned.url) deps.http.hops.keep(callKey, unsigned.url, target);
      return made;
    }
    waitedMs += made.waitedMs;
    if (!('next' in made.value)) return { ...made, value: made.value, waitedMs };
    target = made.value.next;
    leftMs = Math.max(1, leftMs - made.value.answer.elapsedMs);
  }
}

function dataOf(answer: Answer, { file, format }: Call): Answer {
  return file ? asFile(answer, file.format.types) : withData(answer, format);
}

/** A signature that is refused because this machine's clock is wrong is no fault of the account: another machine may do better. */
function notOfTheClock({ auth }: Provider, made: Sent<MadeCall>): Sent<MadeCall> {
  if (!made.sent || !auth.isTimed) return made;
  const { outcome, answer } = made.value;
  const isRefused = outcome.kind === 'refresh-auth' || (outcome.kind === 'permanent' && outcome.cause === 'auth');
  const skew = isRefused ? clockSkew(answer, Date.now()) : undefined;
  if (skew === undefined || !isRefused) return made;
  return { ...made, value: { ...made.value, outcome: { kind: 'retry', reason: `${outcome.reason}; ${skew}` } } };
}

interface Hop {
  readonly next: string;
  readonly answer: Answer;
}

/** Why a call can't be made with what is known of its account. */
export function notAccessible(access: Exclude<Access, { state: 'ready' }>): Extract<Sent<never>, { sent: false }> {
  const { reason: because } = access;
  if (access.state === 'busy') return { sent: false, because, retryAfterMs: access.retryAfterMs };
  const why = access.state === 'mistake' ? { mistake: because } : { needsReconnect: true };
  return { sent: false, because, retryAfterMs: 0, ...why };
}

/** New credentials for a call that was refused, or may have been. */
async function afterRefusal(
  deps: ActivityDeps,
  made: MadeCall,
  call: DoubtfulCall,
  { reason, isDoubt = false }: Extract<Outcome, { kind: 'refresh-auth' }>,
  wait: { readonly maxWaitMs: number },
): Promise<MadeCall> {
  if (isDoubt && isBelieved(call)) return { ...made, outcome: { kind: 'ok' } };
  const settled = isDoubt
    ? await settleDoubt(deps, call, reason, wait)
    : {
        isTrue: false as const,
        renewed: await renewAccess(deps, call.provider, call.account, call.used, { reason, isDoubt }, wait),
      };
  if (settled.isTrue) return { ...made, outcome: { kind: 'ok' } };
  const { renewed } = settled;
  if (renewed.state === 'mistake')
    return { ...made, outcome: { kind: 'permanent', cause: 'config', reason: renewed.reason } };
  return { ...made, renewed };
}

interface Built {
  /** Without what authenticates. */
  readonly unsigned: OutgoingRequest;
  readonly signed: SignedRequest;
  readonly credentials: Credentials | undefined;
}

function accountOf({ account, tenant, settings }: AccountFacts): AccountFacts {
  return { account, tenant, settings };
}

function isOpenTo(call: Call, address: string): boolean {
  return call.open !== undefined && isOpenAddress(call.provider, accountOf(call), call.open.hosts, address);
}

/** A redirect to an open host: nothing of the request goes along but what it takes. */
function openHop({ provider, open }: Call, { headers }: OutgoingRequest, target: string): OutgoingRequest {
  const { accept = '*/*' } = headers;
  return openRequest(provider, open?.hosts ?? [], { method: 'GET', path: target, headers: { accept } });
}

function signHop(
  call: Call,
  request: OutgoingRequest,
  credentials: Credentials | undefined,
  isOpen: boolean,
): SignedRequest {
  const { provider } = call;
  if (isOpen) return { outgoing: request, secrets: secretsOfCall(provider, credentials) };
  return sign(provider, request, credentials, accountOf(call));
}

/** @returns the request, or what is wrong with it: where it leads, what its credentials lack, or the code of its auth. */
function build(call: Call, credentials: Credentials | undefined): Built | string {
  const { provider, format, file } = call;
  const accepted = file ? (file.format.types?.join(', ') ?? '*/*') : format && ACCEPTED[formatNamed(format).kind];
  const accept = accepted === undefined ? {} : { accept: accepted };
  try {
    const of = accountOf(call);
    const spec = { ...call.spec, headers: { ...accept, ...call.spec.headers } };
    const isOpen = isOpenTo(call, spec.path);
    const unsigned = isOpen ? openRequest(provider, call.open?.hosts ?? [], spec) : requestFor(provider, spec, of);
    return { unsigned, signed: signHop(call, unsigned, credentials, isOpen), credentials };
  } catch (error) {
    const { name, message } = thrown(error);
    const text =
      error instanceof TypeError
        ? message
        : `the auth or the address of provider "${provider.id}" threw ${name}: ${message}`;
    return redact(text, secretsOfCall(provider, credentials));
  }
}
