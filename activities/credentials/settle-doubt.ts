/**
 * An answer that looks like success and may be what a bad token gets (`suspectAuth()`): is it true? The provider's
 * probe call decides. Without one it is believed for as long as something is known of the token (just refreshed, and
 * not at its known end). Else the token is refreshed, and the call made again.
 * Next: `probe-token.ts`, `credentials.ts`.
 */
import type { AccountFacts } from '../../contracts/account.ts';
import type { Credentials } from '../../contracts/secrets/credentials.ts';
import type { Provider } from '../../providers/define/define-provider.ts';
import type { ActivityDeps, CredentialWait } from '../deps.ts';
import { renewAccess, type Access } from './credentials.ts';
import { probeToken } from './probe-token.ts';

/** How long after its refresh a token is believed, when it is known to live longer: it may have been revoked since. */
const BELIEVED_MS = 60_000;
/** The same when nothing is known of its life: as long as a call and its repetition take. */
const BELIEVED_UNSEEN_MS = 5_000;
/** A token this close to its end may have been over when the call arrived. */
const MARGIN_MS = 1_000;

export interface DoubtfulCall extends AccountFacts {
  readonly provider: Provider;
  readonly used: Credentials | undefined;
  /** When the credentials were had, the call was sent, and its answer was there: `performance.now()`. */
  readonly accessedAt: number;
  readonly sentAt: number;
  readonly answeredAt: number;
}

/** Whether the answer may be believed by what is known of the token that it was given to. Where there is a probe, that decides. */
export function isBelieved({ provider, used, accessedAt, sentAt, answeredAt }: DoubtfulCall): boolean {
  if (provider.authProbe || used?.refreshedAgoMs === undefined) return false;
  const ageMs = used.refreshedAgoMs + sentAt - accessedAt;
  if (used.expiresAt === undefined) return ageMs < BELIEVED_UNSEEN_MS;
  const leftMs = Date.parse(used.expiresAt) - Date.now() - (performance.now() - answeredAt);
  const isAlive = leftMs > Math.min(MARGIN_MS, (ageMs + leftMs) / 20);
  return isAlive && ageMs < BELIEVED_MS;
}

/** @returns `true` when the answer is to be taken as it is; else whether the call may be repeated with new credentials. */
export async function settleDoubt(
  deps: ActivityDeps,
  call: DoubtfulCall,
  reason: string,
  wait: CredentialWait,
): Promise<{ readonly isTrue: true } | { readonly isTrue: false; readonly renewed: Access }> {
  const { provider, account, used } = call;
  // Nobody who calls without credentials gets another answer with them.
  if (!used) return { isTrue: true };
  const renew = async (isDoubt: boolean, why: string) => {
    const renewed = await renewAccess(deps, provider, account, used, { reason: why, isDoubt }, wait);
    return { isTrue: false, renewed } as const;
  };
  if (!provider.authProbe) return renew(true, reason);
  const probe = await probeToken(deps, call, wait);
  switch (probe.state) {
    case 'good':
      return { isTrue: true };
    case 'bad':
      return renew(false, `${reason}; the probe was answered with ${probe.reason}`);
    case 'busy':
    case 'mistake':
      return { isTrue: false, renewed: probe };
  }
}

/**
 * The answer to a write speaks of a bad token, and may be a good one: its fate is unknown. What looks it up, or sends it again, has a new
 * token, or the same one where that is known to be good.
 */
export async function renewDoubted(
  deps: ActivityDeps,
  call: DoubtfulCall,
  reason: string,
  wait: CredentialWait,
): Promise<void> {
  if (isBelieved(call)) return;
  // That the fate is unknown must be written down, whatever becomes of the token: the next attempt asks for credentials again.
  await settleDoubt(deps, call, reason, wait).catch(() => {});
}
