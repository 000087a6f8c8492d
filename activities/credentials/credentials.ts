/**
 * Credentials for one call, and what follows when the third party refuses them: new ones, a wait, or a pause until the
 * account's user has connected it again. Whoever keeps them, only this is asked.
 * Next stop: `stored-credentials.ts`, the default source.
 */
import type { Credentials } from '../../contracts/credentials.ts';
import { markNeedsReconnect, pauseForAccount, type AccountRef } from '../../db/stores/account/account-store.ts';
import type { Pool } from '../../db/pool.ts';
import type { Provider } from '../../providers/define/define-provider.ts';
import { CredentialsBusy, NeedsReconnect } from './errors.ts';
import type { CredentialSource, CredentialWait } from '../deps.ts';

/** `ready`: the call may be made (again). `reason`s are for people and hold no secret. */
export type Access =
  | { readonly state: 'ready'; readonly credentials: Credentials | undefined }
  | { readonly state: 'busy'; readonly reason: string; readonly retryAfterMs: number }
  | { readonly state: 'needs-reconnect'; readonly reason: string };

/** `pointless`: the call was made without credentials and there are none, so nobody has anything to renew. */
export type Renewal = Access | { readonly state: 'pointless'; readonly reason: string };

export interface AccessDeps {
  readonly pool: Pool;
  readonly credentials: CredentialSource;
}

/** A refresh this young settles a doubt (an empty page that an expired token would also get): the answer is true. */
const DOUBT_SETTLED_MS = 60_000;

/** Credentials to call with. An account without any is fine only where the provider's auth is optional. */
export async function accessTo(
  deps: AccessDeps,
  provider: Provider,
  account: string,
  wait: CredentialWait,
): Promise<Access> {
  const of = { provider: provider.id, account };
  return answered(deps, of, async () => {
    const credentials = await deps.credentials.get(provider.id, account, wait);
    if (!credentials && provider.auth.required)
      throw new NeedsReconnect(`"${account}" is not connected to "${provider.id}": no credentials are known`);
    return credentials;
  });
}

/**
 * After a refusal: one refresh for all who met it. A third party that wants credentials of a provider without any is set
 * up wrongly: no user could mend that, so no account is given up for it.
 * @param used what the refused call was made with; when others are current by now, those are the answer.
 */
export async function renewAccess(
  deps: AccessDeps,
  provider: Provider,
  account: string,
  used: Credentials | undefined,
  reason: string,
  wait: CredentialWait,
): Promise<Renewal> {
  const of = { provider: provider.id, account };
  const source = deps.credentials;
  const toDo = 'or add a rule to `classify` that says what this answer means';
  if (provider.auth.kind === 'none')
    return {
      state: 'pointless',
      reason: `${reason}; provider "${provider.id}" has noAuth(), so there is nothing to refresh: give it the \`auth\` that the third party wants, ${toDo}`,
    };
  const renewed = await answered(deps, of, async () => {
    const current = source.refresh
      ? await source.refresh(provider.id, account, used?.version, reason, wait)
      : await source.get(provider.id, account, wait);
    if (!current && !used) return undefined;
    if (!current || (!source.refresh && isSame(current, used))) throw new NeedsReconnect(reason);
    return current;
  });
  if (renewed.state !== 'ready' || renewed.credentials) return renewed;
  return {
    state: 'pointless',
    reason: `${reason}; account "${account}" has no credentials for provider "${provider.id}": connect it with accounts.connect(), ${toDo}`,
  };
}

/** Whether an answer that is only suspected to be a refusal may be believed. */
export function isDoubtSettled(source: CredentialSource, used: Credentials | undefined): boolean {
  if (!source.refresh || !used) return true; // nothing could tell the two apart
  return used.refreshedAgoMs !== undefined && used.refreshedAgoMs < DOUBT_SETTLED_MS;
}

/**
 * Pauses a run until its account is connected again.
 * @returns the reason; undefined when it has been connected meanwhile and the call may be made.
 */
export function pauseUntilReconnected(deps: AccessDeps, runId: string): Promise<string | undefined> {
  return pauseForAccount(deps.pool, runId);
}

async function answered(
  { pool }: AccessDeps,
  of: AccountRef,
  ask: () => Promise<Credentials | undefined>,
): Promise<Access> {
  const askedAt = performance.now();
  try {
    return { state: 'ready', credentials: await ask() };
  } catch (error) {
    if (error instanceof CredentialsBusy)
      return { state: 'busy', reason: error.message, retryAfterMs: error.retryAfterMs };
    if (!(error instanceof NeedsReconnect)) throw error;
    // Whoever keeps the secrets, the account's state is ours; secrets in our store are marked with their version there.
    const askedAgoMs = performance.now() - askedAt;
    await markNeedsReconnect(pool, of, { version: null, askedAgoMs, reason: error.message });
    return { state: 'needs-reconnect', reason: error.message };
  }
}

function isSame(a: Credentials, b: Credentials | undefined): boolean {
  return a.version === b?.version && a.accessToken === b?.accessToken && a.password === b?.password;
}
