/**
 * One refresh of one account's credentials, once for all workers: lease, permit, call, store. A worker that holds the
 * lease reads the refresh token under it, and stores what comes before anybody can use it. The store takes new tokens
 * only over the version that they were made from, so a worker that was late can't overwrite newer ones.
 * What can't be saved: a worker that dies between the answer and the store, where the third party neither gives the same
 * tokens again nor leaves the old ones alive; then the next refresh is refused and the account's user is needed.
 * Next stop: `db/stores/account/credential-store.ts`.
 */
import { randomUUID } from 'node:crypto';
import { setTimeout as delay } from 'node:timers/promises';
import type { Answer } from '../../contracts/answer.ts';
import type { Credentials } from '../../contracts/credentials.ts';
import { markNeedsReconnect, type AccountRef } from '../../db/stores/account/account-store.ts';
import {
  giveBackLease,
  loadCredentials,
  storeRefreshed,
  takeRefreshLease,
  type StoredCredentials,
} from '../../db/stores/account/credential-store.ts';
import type { Keyring } from '../../db/encryption.ts';
import type { Pool } from '../../db/pool.ts';
import type { Limiter } from '../../limiter/index.ts';
import type { Provider } from '../../providers/define/define-provider.ts';
import type { Refresh } from '../../providers/auth/refresh.ts';
import { CredentialsBusy, NeedsReconnect } from './errors.ts';
import type { Log } from '../deps.ts';
import { buildRequest } from '../http/build-request.ts';
import type { HttpSender } from '../http/send.ts';
import { toObservation } from '../http/to-observation.ts';
import { backoffMs } from '../call/backoff.ts';

export interface RefreshDeps {
  readonly pool: Pool;
  readonly keyring: Keyring;
  readonly limiter: Limiter;
  readonly http: HttpSender;
  readonly egress: string;
  readonly log: Log;
}

/** Ceiling of the call: short, because the whole account waits for it. */
const CALL_MS = 15_000;
const PERMIT_WAIT_MS = 1_000;
/** Longer than permit, call and store can take together: after that, its holder is dead. */
const LEASE_MS = PERMIT_WAIT_MS + CALL_MS + 5_000;
/** Somebody else's refresh is looked at this often, and waited for this long. */
const POLL_MS = 100;
const POLL_LIMIT_MS = 2_000;
/** While the store can't take them, new tokens are kept in memory and tried again for this long. */
const STORE_PATIENCE_MS = 120_000;
/** A setting that is wrong is wrong for every account; somebody has to change it. */
const CONFIG_RETRY_MS = 60_000;
const REPEAT_LOST_MS = 500;

/**
 * @param version of the credentials that have ended; newer ones, whoever made them, are the answer.
 * @param refusal what the third party said, when it was a refusal that asked for this.
 * @throws NeedsReconnect when it is refused; the account is marked then.
 * @throws CredentialsBusy when somebody else is at it for long, no permit is had, or the third party fails.
 */
export async function refreshCredentials(
  deps: RefreshDeps,
  provider: Provider,
  account: string,
  version: number,
  refusal?: string,
): Promise<StoredCredentials> {
  const of = { provider: provider.id, account };
  const { refresh } = provider.auth;
  // Its own words tell the user what to do; ours only why nothing else was tried.
  const noRefresh = `provider "${provider.id}" does not define how to refresh credentials`;
  if (!refresh) return giveUp(deps, of, version, refusal ? `${refusal} (${noRefresh})` : noRefresh);
  const owner = randomUUID();
  for (const startedAt = performance.now(); ; await delay(POLL_MS)) {
    const held = await takeRefreshLease(deps.pool, deps.keyring, of, { version, owner, leaseMs: LEASE_MS });
    if (held) return refreshUnderLease(deps, provider, refresh, of, held, owner);
    const now = await current(deps, of);
    if (now.version !== version) return now;
    if (now.retryMs > 0) throw new CredentialsBusy('the last refresh of the token failed', now.retryMs);
    if (performance.now() - startedAt > POLL_LIMIT_MS)
      throw new CredentialsBusy('another worker refreshes the token', Math.min(now.leaseMs, 1_000));
  }
}

async function refreshUnderLease(
  deps: RefreshDeps,
  provider: Provider,
  refresh: Refresh,
  of: AccountRef,
  held: StoredCredentials,
  owner: string,
): Promise<StoredCredentials> {
  const { version, credentials, failures } = held;
  const giveBack = async (reason: string, retryAfterMs: number, hasFailed: boolean): Promise<never> => {
    await giveBackLease(deps.pool, of, { owner, retryAfterMs, hasFailed });
    throw new CredentialsBusy(reason, retryAfterMs);
  };
  const misconfigured = (reason: string): Promise<never> => {
    deps.log.error({ provider: of.provider, reason }, 'credentials can not be refreshed as this app is set up');
    return giveBack(reason, CONFIG_RETRY_MS, true);
  };

  let spec;
  try {
    spec = refresh.request(credentials);
  } catch (error) {
    // A setting is missing; its name is in the message.
    return misconfigured(error instanceof TypeError ? error.message : 'the refresh request could not be made');
  }
  if (!spec) return giveUp(deps, of, version, 'its access ended, and there is no refresh token');
  const outgoing = {
    ...buildRequest(spec, originOf(spec.path) ?? provider.baseUrl(), {}, provider.headers, provider),
    // A whole address that no definition names may come from the account.
    isPublicOnly: refresh.url === undefined && originOf(spec.path) !== undefined && !provider.allowPrivateAddresses,
  };
  const permit = await takePermit(deps, provider, of, held.tenant).catch(async (error: unknown) => {
    await giveBackLease(deps.pool, of, { owner, retryAfterMs: 0, hasFailed: false });
    throw error;
  });
  if (permit.state === 'wait') return giveBack(permit.reason, permit.retryAfterMs, false);

  const answer = await deps.http.send(outgoing, {
    ...provider.timeouts,
    totalMs: Math.min(CALL_MS, provider.timeouts.totalMs),
    maxBodyBytes: 1024 * 1024,
  });
  const result = refresh.parse(answer);
  // What the answer brought is stored before anything else is done.
  const stored =
    result.kind === 'refreshed'
      ? await store(deps, of, version, { ...credentials, ...result.credentials }, lifeLeft(result.lifeMs, answer))
      : undefined;
  await permit.report(answer).catch((error: unknown) => {
    // The limiter keeps it and sends it again; the account's state comes first.
    deps.log.warn({ ...of, error: String(error) }, 'a refresh could not be reported to the limiter');
  });
  switch (result.kind) {
    case 'refreshed':
      return stored ?? current(deps, of);
    case 'refused':
      return giveUp(deps, of, version, result.reason);
    case 'config':
      return misconfigured(result.reason);
    case 'retry': {
      const isLost = answer.error !== undefined && refresh.rotates && failures < 3;
      return giveBack(result.reason, result.afterMs ?? (isLost ? REPEAT_LOST_MS : backoffMs(failures + 1)), true);
    }
  }
}

type RefreshPermit =
  | { readonly state: 'granted'; readonly report: (answer: Answer) => Promise<void> }
  | { readonly state: 'wait'; readonly reason: string; readonly retryAfterMs: number };

/** The refresh is a call like any other for the third party's limits, and goes first: the account waits for it. */
async function takePermit(
  { limiter, egress }: RefreshDeps,
  provider: Provider,
  { account }: AccountRef,
  tenant: string | null,
): Promise<RefreshPermit> {
  const charges = provider.refreshCharges({ account, tenant: tenant ?? account, ip: egress });
  const acquired = await limiter.acquire({
    callKey: `refresh/${provider.id}/${account}`,
    charges,
    account,
    priority: 'interactive',
    maxWaitMs: PERMIT_WAIT_MS,
  });
  if (!acquired.granted)
    return { state: 'wait', reason: `the refresh waits: ${acquired.wait.detail}`, retryAfterMs: acquired.retryAfterMs };
  return {
    state: 'granted',
    report: (answer) => limiter.report(acquired.permit, toObservation(outcomeForLimits(answer), answer)),
  };
}

/** Keeps trying while the database is away: a new refresh token that is not stored is an account lost. */
async function store(
  deps: RefreshDeps,
  of: AccountRef,
  version: number,
  credentials: Credentials,
  lifeMs: number | null,
): Promise<StoredCredentials | undefined> {
  const { expiresAt: _, ...secrets } = credentials;
  for (let attempt = 1, startedAt = performance.now(); ; attempt++) {
    try {
      const newVersion = await storeRefreshed(deps.pool, deps.keyring, of, { version, credentials: secrets, lifeMs });
      return newVersion === undefined ? undefined : await current(deps, of);
    } catch (error) {
      if (performance.now() - startedAt > STORE_PATIENCE_MS) {
        deps.log.error({ ...of, error: String(error) }, 'new tokens could not be stored and are lost');
        throw error;
      }
      await delay(Math.min(2_000, 50 * 2 ** attempt));
    }
  }
}

async function giveUp(deps: RefreshDeps, of: AccountRef, version: number, reason: string): Promise<StoredCredentials> {
  if (!(await markNeedsReconnect(deps.pool, of, { version, reason }))) return current(deps, of);
  deps.log.warn({ ...of, reason }, 'the account must be connected again by its user; its syncs are paused');
  throw new NeedsReconnect(reason);
}

async function current(deps: RefreshDeps, of: AccountRef): Promise<StoredCredentials> {
  const held = await loadCredentials(deps.pool, deps.keyring, of);
  if (held === undefined || held.version === null) throw new NeedsReconnect('it was disconnected');
  if (held.status === 'needs_reconnect') throw new NeedsReconnect(held.reason ?? 'it must be connected again');
  return held;
}

/** Its life began when the third party made it: at worst when the call was sent. */
function lifeLeft(lifeMs: number | undefined, answer: Answer): number | null {
  return lifeMs === undefined ? null : Math.max(0, lifeMs - answer.elapsedMs);
}

function outcomeForLimits(answer: Answer) {
  const reason = `refresh: HTTP ${answer.status}`;
  if (answer.status === 429) return { kind: 'limited', reason } as const;
  return answer.error || answer.status >= 500 ? ({ kind: 'retry', reason } as const) : ({ kind: 'ok' } as const);
}

function originOf(path: string): string | undefined {
  return /^https?:\/\//i.test(path) ? new URL(path).origin : undefined;
}
