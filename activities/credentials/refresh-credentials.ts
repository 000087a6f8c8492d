/**
 * One refresh of one account's credentials, once for all workers: lease, permit, call, store. A worker that holds the
 * lease reads the refresh token under it, and stores what comes before anybody can use it. The store takes new tokens
 * only over the version that they were made from, so a worker that was late can't overwrite newer ones. One case can't
 * be saved. A worker dies between the answer and the store, and the third party neither gives the same tokens again nor
 * leaves the old ones alive. Then the next refresh is refused and the account's user is needed.
 * Next: `make-refresh-call.ts`, `keep-refreshed.ts`, then `db/stores/account/credential-store.ts`.
 */
import { randomUUID } from 'node:crypto';
import { setTimeout as delay } from 'node:timers/promises';
import { markNeedsReconnect, type AccountRef } from '../../db/stores/account/account-store.ts';
import {
  giveBackLease,
  loadCredentials,
  takeRefreshLease,
  type GivenBackLease,
  type RefreshLease,
  type StoredCredentials,
} from '../../db/stores/account/credential-store.ts';
import type { Answer } from '../../contracts/answers/answer.ts';
import type { Credentials } from '../../contracts/secrets/credentials.ts';
import type { Keyring } from '../../db/encryption.ts';
import type { Pool } from '../../db/pool.ts';
import type { Provider } from '../../providers/define/define-provider.ts';
import type { Refresh } from '../../providers/auth/refresh.ts';
import type { HttpSender, OutgoingRequest } from '../http/send.ts';
import { accountFacts, type StoredAccount } from '../call/account-facts.ts';
import { backoffMs } from '../call/backoff.ts';
import { takeAuthPermit, type AuthPermitDeps } from './auth-permit.ts';
import { CredentialsBusy, CredentialsMistake, NeedsReconnect } from './errors.ts';
import { keepRefreshed } from './keep-refreshed.ts';
import { refreshRequest, understandRefresh, type Refreshed } from './make-refresh-call.ts';

export interface RefreshDeps extends AuthPermitDeps {
  readonly pool: Pool;
  readonly keyring: Keyring;
  readonly http: HttpSender;
  /** When this source of credentials came to be, `performance.now()`: with the code and the settings that it has. */
  readonly startedAt: number;
}

/** Of one refresh: a form's token, a login, a token for writes, and what nobody has thought of. */
const MOST_CALLS = 5;
/** Ceiling of its calls together: short, because the whole account waits for it. */
const CALL_MS = 15_000;
const PERMIT_WAIT_MS = 1_000;
/**
 * A lease that was never given back may be of one who still tries to store what it got. It has this long to come
 * through.
 */
const LEFT_OVER_MS = 2_000;
/** Longer than permits and calls can take together; it is renewed while the store does not take what came. After that, its holder is dead. */
const LEASE_MS = LEFT_OVER_MS + MOST_CALLS * PERMIT_WAIT_MS + CALL_MS + 5_000;
/** Somebody else's refresh is looked at this often, and waited for this long. */
const POLL_MS = 100;
const POLL_LIMIT_MS = 2_000;
/** After the app itself was refused. One who has just changed a setting is given some tries; then what needs the token ends. */
const MISCONFIGURED_PAUSES_MS = [5_000, 25_000, 60_000];
const REPEAT_LOST_MS = 500;
/** No pause that a token endpoint asks for is believed beyond this. */
const LONGEST_PAUSE_MS = 3_600_000;

/**
 * @param version of the credentials that have ended; newer ones, whoever made them, are the answer.
 * @param refusal what the third party said, when it was a refusal that asked for this.
 * @throws NeedsReconnect when it is refused; the account is marked then.
 * @throws CredentialsBusy when somebody else is at it for long, no permit is had, or the third party fails.
 * @throws CredentialsMistake when the provider's code or the app's set-up is at fault.
 */
export async function refreshCredentials(
  deps: RefreshDeps,
  provider: Provider,
  account: string,
  version: number,
  refusal?: { readonly reason: string; readonly isDoubt: boolean },
): Promise<StoredCredentials> {
  const of = { provider: provider.id, account };
  const { refresh } = provider.auth;
  // Its own words tell the user what to do; ours only why nothing else was tried.
  const noRefresh = `provider "${provider.id}" does not define how to refresh credentials`;
  if (!refresh) return giveUp(deps, of, version, refusal ? `${refusal.reason} (${noRefresh})` : noRefresh);
  const owner = randomUUID();
  const lease = { version, owner, leaseMs: LEASE_MS, isRefused: refusal !== undefined && !refusal.isDoubt };
  let isMended = false;
  for (const startedAt = performance.now(); ; await delay(POLL_MS)) {
    const held = await takeRefreshLease(deps.pool, deps.keyring, of, { ...lease, mayBeMended: isMended });
    if (held) return refreshUnderLease(deps, { provider, refresh, of, held, owner, isAsked: refusal !== undefined });
    const now = await current(deps, of);
    if (now.version !== version) return now;
    isMended = mayBeMended(now, deps);
    if (now.retryMs > 0 && !isMended) throw afterFailure(now);
    if (performance.now() - startedAt > POLL_LIMIT_MS)
      throw new CredentialsBusy('another worker refreshes the token', Math.min(now.leaseMs, 1_000));
  }
}

/** Was the app's set-up refused before this process began? It may have begun with another one. */
export function mayBeMended(
  { isMisconfigured, failures, retryMs }: StoredCredentials,
  { startedAt }: Pick<RefreshDeps, 'startedAt'>,
): boolean {
  return isMisconfigured && pauseAfter(failures) - retryMs > performance.now() - startedAt;
}

/** @param failures in a row, with the last one. */
function pauseAfter(failures: number): number {
  return MISCONFIGURED_PAUSES_MS[Math.min(failures, MISCONFIGURED_PAUSES_MS.length) - 1] ?? 0;
}

/** What a call is told while a refresh that has failed may not be tried again. */
export function afterFailure({ failure, failures, isMisconfigured, retryMs }: StoredCredentials): Error {
  if (failures === 0 || failure === null)
    return new CredentialsBusy('the refresh of the token waits for its turn', retryMs);
  if (isMisconfigured && failures >= MISCONFIGURED_PAUSES_MS.length) return misconfigured(failure);
  return new CredentialsBusy(`the last refresh of the token failed: ${failure}`, retryMs);
}

interface Turn {
  readonly provider: Provider;
  readonly refresh: Refresh;
  readonly of: AccountRef;
  readonly held: RefreshLease;
  readonly owner: string;
  /** An answer has asked for it, not the clock. */
  readonly isAsked: boolean;
}

async function refreshUnderLease(
  deps: RefreshDeps,
  { provider, refresh, of, held, owner, isAsked }: Turn,
): Promise<StoredCredentials> {
  const { version, credentials, failures } = held;
  const giveBack = (how: Omit<GivenBackLease, 'owner'>) => giveBackLease(deps.pool, of, { owner, ...how });
  const mistaken = async (reason: string, isCertain: boolean): Promise<never> => {
    deps.log.error({ provider: of.provider, reason }, 'credentials can not be refreshed as this app is set up');
    const retryAfterMs = pauseAfter(failures + 1);
    await giveBack({ retryAfterMs, failure: { reason, isMisconfigured: true } });
    if (isCertain || failures + 1 >= MISCONFIGURED_PAUSES_MS.length) throw misconfigured(reason);
    throw new CredentialsBusy(reason, retryAfterMs);
  };

  if (held.isLeftOver) {
    await delay(LEFT_OVER_MS);
    const now = await current(deps, of);
    if (now.version !== version) return now;
  }
  const stored = { account: of.account, tenant: held.tenant, settings: held.settings };
  const asked = refreshRequest(provider, refresh, credentials, stored);
  if (asked.kind === 'mistake') return mistaken(asked.reason, true);
  if (asked.kind === 'none')
    return giveUp(deps, of, version, 'its access ended, and there is nothing to renew it with (no refresh token)');
  const made = await callsOf(deps, { provider, refresh, credentials, stored, outgoing: asked.outgoing }).catch(
    async (error: unknown) => {
      await giveBack({ retryAfterMs: 0 });
      throw error;
    },
  );
  if (made.state === 'wait') {
    // Calls would take the permits that it waits for, to be answered the same.
    await giveBack({ retryAfterMs: made.retryAfterMs, endsToken: isAsked });
    throw new CredentialsBusy(made.reason, made.retryAfterMs);
  }
  const { answer, result, permit } = made;
  // What the answer brought is stored before anything else is done.
  const kept =
    result.kind === 'refreshed' ? await keepRefreshed(deps, of, held, { owner, leaseMs: LEASE_MS }, result) : undefined;
  await permit.report(answer);
  switch (result.kind) {
    case 'refreshed':
      return kept ?? current(deps, of);
    case 'refused':
      return giveUp(deps, of, version, result.reason);
    case 'config':
      return mistaken(result.reason, false);
    case 'mistake':
      return mistaken(result.reason, true);
    case 'retry': {
      const isLost = answer.error !== undefined && refresh.rotates && failures < 3;
      const pauseMs = result.afterMs ?? (isLost ? REPEAT_LOST_MS : backoffMs(failures + 1));
      const retryAfterMs = Math.min(Math.max(0, Number.isNaN(pauseMs) ? 0 : pauseMs), LONGEST_PAUSE_MS);
      await giveBack({ retryAfterMs, failure: { reason: result.reason, isMisconfigured: false } });
      throw new CredentialsBusy(result.reason, retryAfterMs);
    }
  }
}

interface Calls {
  readonly provider: Provider;
  readonly refresh: Refresh;
  readonly credentials: Credentials;
  readonly stored: StoredAccount;
  readonly outgoing: OutgoingRequest;
}

/** The calls of one refresh, one after another, each with a permit; what the last one brought. */
async function callsOf(deps: RefreshDeps, { provider, refresh, credentials, stored, outgoing }: Calls) {
  const endsAt = performance.now() + CALL_MS;
  const of = { ...accountFacts(provider, stored), credentials };
  const url = refresh.url === undefined ? {} : { url: refresh.url };
  let step = { ...url, outgoing, parse: (answer: Answer) => refresh.parse(answer, of) };
  for (let calls = 1; ; calls++) {
    const permit = await untilGranted(deps, provider, stored);
    if (permit.state === 'wait') return permit;
    const answer = await send(deps, provider, step.outgoing, endsAt - performance.now());
    const told = understandRefresh(provider, step, credentials, stored, answer);
    if (told.kind !== 'ask') return { state: 'made', answer, permit, result: told } as const;
    if (calls === MOST_CALLS) {
      const reason = `the refresh asks for more than ${MOST_CALLS} calls`;
      return { state: 'made', answer, permit, result: { kind: 'mistake', reason } satisfies Refreshed } as const;
    }
    await permit.report(answer);
    step = { ...url, ...told };
  }
}

/** With a permit, and with all that storing the answer needs: what comes can't be asked for again. */
async function untilGranted(deps: RefreshDeps, provider: Provider, stored: StoredAccount) {
  await deps.keyring.ready();
  return takeAuthPermit(deps, provider, 'refresh', accountFacts(provider, stored), PERMIT_WAIT_MS);
}

function send({ http }: RefreshDeps, { timeouts }: Provider, outgoing: OutgoingRequest, leftMs: number) {
  const totalMs = Math.max(1_000, Math.min(leftMs, timeouts.totalMs));
  return http.send(outgoing, { ...timeouts, totalMs, maxBodyBytes: 1024 * 1024 });
}

function misconfigured(reason: string): CredentialsMistake {
  return new CredentialsMistake(`the credentials can't be renewed as this app is set up: ${reason}`);
}

async function giveUp(deps: RefreshDeps, of: AccountRef, version: number, reason: string): Promise<StoredCredentials> {
  if (!(await markNeedsReconnect(deps.pool, of, { version, reason }))) return current(deps, of);
  deps.log.warn({ ...of, reason }, 'the account must be connected again by its user; its syncs are paused');
  throw new NeedsReconnect(reason);
}

async function current(deps: RefreshDeps, of: AccountRef): Promise<StoredCredentials> {
  const held = await loadCredentials(deps.pool, deps.keyring, of, 'refresh');
  if (held === undefined || held.version === null) throw new NeedsReconnect('it was disconnected');
  if (held.status === 'needs_reconnect') throw new NeedsReconnect(held.reason ?? 'it must be connected again');
  return held;
}
