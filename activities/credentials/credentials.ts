/**
 * Credentials for one call, and what follows when the third party refuses them. There are new ones, a wait, a pause
 * until the account's user has connected it again, or an end that says who must act. Whoever keeps them, only this is
 * asked.
 * Next: `stored-credentials.ts`, the default source; `settle-doubt.ts` for answers that only may be a refusal.
 */
import type { Credentials } from '../../contracts/secrets/credentials.ts';
import { redact } from '../../contracts/secrets/redact.ts';
import { markNeedsReconnect, pauseForAccount, type AccountRef } from '../../db/stores/account/account-store.ts';
import type { Pool } from '../../db/pool.ts';
import type { Provider } from '../../providers/define/define-provider.ts';
import { CredentialsBusy, CredentialsMistake, NeedsReconnect } from './errors.ts';
import type { CredentialSource, CredentialWait } from '../deps.ts';
import { secretsOfCall } from './known-secrets.ts';
import { certificateIsOver, doubtRemains } from './stored-credentials.ts';

/** `ready`: the call may be made (again). `mistake`: no retry and no user mends it. `reason`s are for people and hold no secret. */
export type Access =
  | { readonly state: 'ready'; readonly credentials: Credentials | undefined }
  /** `wasNew`: what was refused was new. `isFailed`: a call that was made to find out has failed. Both cost attempts. */
  | {
      readonly state: 'busy';
      readonly reason: string;
      readonly retryAfterMs: number;
      readonly wasNew?: boolean;
      readonly isFailed?: boolean;
    }
  | { readonly state: 'needs-reconnect'; readonly reason: string }
  | { readonly state: 'mistake'; readonly reason: string };

export interface AccessDeps {
  readonly pool: Pool;
  readonly credentials: CredentialSource;
}

/** Credentials to call with. An account without any is fine only where the provider's auth is optional. */
export async function accessTo(
  deps: AccessDeps,
  provider: Provider,
  account: string,
  wait: CredentialWait,
): Promise<Access> {
  return answered(deps, provider, account, undefined, async () => {
    const credentials = await deps.credentials.get(provider.id, account, wait);
    if (!credentials && provider.auth.required)
      throw new NeedsReconnect(`"${account}" is not connected to "${provider.id}": no credentials are known`);
    const over = credentials && certificateIsOver(provider, credentials);
    if (over !== undefined) throw new NeedsReconnect(over);
    return credentials;
  });
}

/**
 * After a refusal: one refresh for all who met it. A third party that wants credentials of a provider without any is
 * set up wrongly. No user could mend that, so no account is given up for it.
 * @param used what the refused call was made with; when others are current by now, those are the answer.
 * @param refusal what the third party said; `isDoubt` when it is not sure that it was a refusal.
 */
export async function renewAccess(
  deps: AccessDeps,
  provider: Provider,
  account: string,
  used: Credentials | undefined,
  refusal: { readonly reason: string; readonly isDoubt: boolean },
  wait: CredentialWait,
): Promise<Access> {
  const { reason, isDoubt } = refusal;
  const source = deps.credentials;
  const toDo = 'or add a rule to `classify` that says what this answer means';
  if (provider.auth.kind === 'none')
    return {
      state: 'mistake',
      reason: `${reason}; provider "${provider.id}" has noAuth(), so there is nothing to refresh: give it the \`auth\` that the third party wants, ${toDo}`,
    };
  const renewed = await answered(deps, provider, account, used, async () => {
    const current = source.refresh
      ? await source.refresh(provider.id, account, used?.version, reason, { ...wait, isDoubt })
      : await source.get(provider.id, account, wait);
    if (!current && !used) return undefined;
    if (current && (source.refresh || !isSame(current, used))) return current;
    throw isDoubt ? doubtRemains(provider.id) : new NeedsReconnect(reason);
  });
  if (renewed.state !== 'ready' || renewed.credentials) return renewed;
  return {
    state: 'mistake',
    reason: `${reason}; account "${account}" has no credentials for provider "${provider.id}": connect it with accounts.connect(), ${toDo}`,
  };
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
  provider: Provider,
  account: string,
  used: Credentials | undefined,
  ask: () => Promise<Credentials | undefined>,
): Promise<Access> {
  const askedAt = performance.now();
  try {
    return { state: 'ready', credentials: await ask() };
  } catch (error) {
    const isKnown = [CredentialsBusy, CredentialsMistake, NeedsReconnect].some((kind) => error instanceof kind);
    if (!isKnown) throw error;
    // An app's own source, or the code of a provider, may have put into it what it knows.
    const reason = redact((error as Error).message, secretsOfCall(provider, used));
    if (error instanceof CredentialsBusy) {
      const { retryAfterMs, wasNew } = error;
      return { state: 'busy', reason, retryAfterMs, wasNew };
    }
    if (error instanceof CredentialsMistake) return { state: 'mistake', reason };
    // Whoever keeps the secrets, the account's state is ours; secrets in our store are marked with their version there.
    const of: AccountRef = { provider: provider.id, account };
    await markNeedsReconnect(pool, of, { version: null, askedAgoMs: performance.now() - askedAt, reason });
    return { state: 'needs-reconnect', reason };
  }
}

function isSame(a: Credentials, b: Credentials | undefined): boolean {
  return a.version === b?.version && a.accessToken === b?.accessToken && a.password === b?.password;
}
