/**
 * The default source of credentials: the encrypted store in Postgres. Refreshes belong to the process, not to the call
 * that asked first. Callers share one and wait for it only as long as they may, and a cancelled call ends none.
 * Next: `refresh-credentials.ts` makes the one refresh.
 */
import { setTimeout as delay } from 'node:timers/promises';
import type { Credentials } from '../../contracts/secrets/credentials.ts';
import { certificateOver } from '../../contracts/secrets/client-certificate.ts';
import { redact } from '../../contracts/secrets/redact.ts';
import { markNeedsReconnect, type AccountRef } from '../../db/stores/account/account-store.ts';
import { loadCredentials, type StoredCredentials } from '../../db/stores/account/credential-store.ts';
import type { Provider } from '../../providers/define/define-provider.ts';
import { CredentialsBusy, CredentialsMistake, NeedsReconnect } from './errors.ts';
import type { CredentialSource, CredentialWait } from '../deps.ts';
import { accountFacts, type StoredAccount } from '../call/account-facts.ts';
import { authenticates } from '../call/sign-request.ts';
import { canRefresh } from './make-refresh-call.ts';
import { afterFailure, mayBeMended, refreshCredentials, type RefreshDeps } from './refresh-credentials.ts';

export interface StoredCredentialsOptions extends Omit<RefreshDeps, 'startedAt'> {
  /** @returns undefined when this worker has no sync or action of that provider. */
  readonly providerNamed: (id: string) => Provider | undefined;
}

export interface StoredCredentialSource extends CredentialSource {
  /** Resolves when no refresh is under way: ending the process earlier could lose new tokens. */
  settled(): Promise<void>;
}

const DEFAULT_WAIT_MS = 1_000;
/** A token that ends within this may be over when the call arrives. */
const TRAVEL_MS = 1_000;
/** A token this young that is refused is not refreshed again: the next one would fare no better. */
const YOUNG_MS = 5_000;

type Refusal = Parameters<typeof refreshCredentials>[4];

export function createStoredCredentials(options: StoredCredentialsOptions): StoredCredentialSource {
  const { pool, keyring, providerNamed, log } = options;
  const deps: RefreshDeps = { ...options, startedAt: performance.now() };
  const flights = new Map<string, Promise<StoredCredentials>>();

  /** One refresh at a time in this process; over all workers the store's lease sees to it. */
  const refreshOnce = (of: AccountRef, provider: Provider, version: number, refusal?: Refusal) => {
    const key = `${of.provider}/${of.account}`;
    const running = flights.get(key);
    if (running) return running;
    const flight = refreshCredentials(deps, provider, of.account, version, refusal).finally(() => flights.delete(key));
    flights.set(key, flight);
    // Whoever waits hears of it; when nobody does, the next call meets it again.
    flight.catch((error: unknown) => {
      if (isAnswer(error)) return;
      log.warn({ ...of, error: redact(String(error)) }, 'a refresh of credentials failed');
    });
    return flight;
  };

  const load = async (of: AccountRef): Promise<StoredCredentials | undefined> => {
    const held = await loadCredentials(pool, keyring, of);
    if (held?.status === 'needs_reconnect') throw new NeedsReconnect(held.reason ?? 'it must be connected again');
    if (held === undefined || held.version === null) return undefined;
    const provider = providerNamed(of.provider);
    const over = provider && certificateIsOver(provider, held.credentials);
    if (over === undefined) return held;
    // A new one that was given meanwhile is not given up for the old one.
    if (!(await markNeedsReconnect(pool, of, { version: held.version, reason: over }))) return load(of);
    log.warn({ ...of, reason: over }, 'the account must be connected again by its user; its syncs are paused');
    throw new NeedsReconnect(over);
  };

  return {
    async get(providerId, account, wait) {
      const of = { provider: providerId, account };
      const held = await load(of);
      const provider = providerNamed(providerId);
      if (!held || !provider) return held && toCredentials(held);
      const stored = { account, tenant: held.tenant, settings: held.settings };
      const isOver = hasEnded(held) || needsLogin(held, provider, stored);
      if ((!isOver && !endsSoon(held, provider)) || !canRefresh(provider, held.credentials, stored))
        return toCredentials(held);
      // While nobody may try, those whose token is good go on with it.
      if (held.retryMs > 0 && held.leaseMs === 0 && !mayBeMended(held, deps)) {
        if (isOver) throw afterFailure(held);
        return toCredentials(held);
      }
      const flight = refreshOnce(of, provider, held.version);
      return toCredentials(isOver ? await waitFor(flight, wait) : held);
    },

    async refresh(providerId, account, usedVersion, reason, wait) {
      const of = { provider: providerId, account };
      const held = await load(of);
      if (!held) return undefined;
      if (String(held.version) !== usedVersion) return toCredentials(held);
      const provider = providerNamed(providerId);
      if (!provider) throw new Error(`This worker has no provider "${providerId}" to refresh credentials with.`);
      const isDoubt = wait?.isDoubt ?? false;
      const stored = { account, tenant: held.tenant, settings: held.settings };
      if (isDoubt && !canRefresh(provider, held.credentials, stored)) throw doubtRemains(provider.id);
      const youngMs = Math.min(YOUNG_MS, (held.lifeMs ?? Number.POSITIVE_INFINITY) / 4);
      if (held.isRefreshed && held.ageMs < youngMs)
        throw new CredentialsBusy(`a token just refreshed was refused: ${reason}`, youngMs - held.ageMs, {
          wasNew: true,
        });
      return toCredentials(await waitFor(refreshOnce(of, provider, held.version, { reason, isDoubt }), wait));
    },

    async settled() {
      while (flights.size > 0) await Promise.allSettled(flights.values());
    },
  };
}

/** In words, when nothing can be called with it any more. One that can't be read is said by the call that needs it. */
export function certificateIsOver({ auth }: Provider, credentials: Credentials): string | undefined {
  try {
    return auth.certificate && certificateOver(auth.certificate(credentials), Date.now());
  } catch {
    return undefined;
  }
}

/** Nothing can tell an answer that is true from one that a bad token gets. */
export function doubtRemains(providerId: string): CredentialsMistake {
  return new CredentialsMistake(
    `an answer that a bad token may also get can't be settled: provider "${providerId}" can't refresh these credentials. ` +
      "Give it an `authProbe`, a call that only a good token is answered with success, e.g. get('/me')",
  );
}

function isAnswer(error: unknown): boolean {
  return error instanceof CredentialsBusy || error instanceof NeedsReconnect || error instanceof CredentialsMistake;
}

/** They hold no token yet: a name and a password, a key, a client. Asked once: what a login has brought is what there is. */
function needsLogin(
  { credentials, isRefreshed }: StoredCredentials,
  provider: Provider,
  stored: StoredAccount,
): boolean {
  if (isRefreshed || provider.auth.refresh === undefined) return false;
  return !authenticates(provider, credentials, accountFacts(provider, stored));
}

function endsSoon({ leftMs, lifeMs }: StoredCredentials, { auth }: Provider): boolean {
  if (leftMs === null || !auth.refresh) return false;
  // A token of 20 s with a skew of a minute would always end soon.
  return leftMs <= Math.min(auth.refresh.skewMs, (lifeMs ?? Number.POSITIVE_INFINITY) / 5);
}

function hasEnded({ leftMs, lifeMs }: StoredCredentials): boolean {
  return leftMs !== null && leftMs <= Math.min(TRAVEL_MS, (lifeMs ?? Number.POSITIVE_INFINITY) / 20);
}

async function waitFor(
  flight: Promise<StoredCredentials>,
  wait: CredentialWait | undefined,
): Promise<StoredCredentials> {
  const timer = new AbortController();
  const tooLong = delay(wait?.maxWaitMs ?? DEFAULT_WAIT_MS, undefined, { signal: timer.signal }).then(() => {
    throw new CredentialsBusy('the token is being refreshed', 0);
  });
  try {
    return await Promise.race([flight, tooLong]);
  } finally {
    timer.abort();
    tooLong.catch(() => {}); // the timer that was not needed ends with an AbortError
  }
}

function toCredentials({ credentials, version, ageMs, leftMs, isRefreshed }: StoredCredentials): Credentials {
  const { expiresAt: _, ...secrets } = credentials;
  return {
    ...secrets,
    ...(leftMs === null ? {} : { expiresAt: new Date(Date.now() + leftMs).toISOString() }),
    version: String(version),
    ...(isRefreshed ? { refreshedAgoMs: ageMs } : {}),
  };
}
