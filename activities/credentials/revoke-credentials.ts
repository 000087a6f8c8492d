/**
 * Tells third parties that credentials are not wanted any more, after their account was disconnected. Tried again for a day; then it is
 * given up, because a secret must not be kept for ever.
 * Used by: `workers/loops/revoke-disconnected.ts`.
 */
import { redact } from '../../contracts/secrets/redact.ts';
import {
  claimRevocation,
  endRevocation,
  postponeRevocation,
  type Revocation,
} from '../../db/stores/account/revocation-store.ts';
import type { Keyring } from '../../db/encryption.ts';
import type { Pool } from '../../db/pool.ts';
import type { Provider } from '../../providers/define/define-provider.ts';
import { accountFacts } from '../call/account-facts.ts';
import { withCertificate } from '../call/sign-request.ts';
import { backoffMs } from '../call/backoff.ts';
import type { HttpSender } from '../http/send.ts';
import { takeAuthPermit, type AuthPermitDeps } from './auth-permit.ts';
import { secretsOfCall } from './known-secrets.ts';
import { authRequest } from './make-refresh-call.ts';

export interface RevokeDeps extends AuthPermitDeps {
  readonly pool: Pool;
  readonly keyring: Keyring;
  readonly http: HttpSender;
}

const CALL_MS = 15_000;
const PERMIT_WAIT_MS = 1_000;
const PATIENCE_MS = 86_400_000;
/** They mean that the credentials are good for nothing any more, which is what is wanted. */
const ALREADY_GONE: readonly number[] = [401, 404, 410];

/** @returns false when none is due. */
export async function revokeNext(deps: RevokeDeps, providers: ReadonlyMap<string, Provider>): Promise<boolean> {
  const due = await claimRevocation(deps.pool, deps.keyring, [...providers.keys()]);
  if (!due) return false;
  const provider = providers.get(due.provider) as Provider;
  const what = { provider: due.provider, account: due.account };
  const tried = await revoke(deps, provider, due);
  const outcome = tried.state === 'retry' && due.ageMs > PATIENCE_MS ? { ...tried, state: 'failed' as const } : tried;
  switch (outcome.state) {
    case 'revoked':
      await endRevocation(deps.pool, due, 'revoked');
      return true;
    case 'wait':
      await postponeRevocation(deps.pool, due.id, outcome.afterMs, 0);
      return true;
    case 'retry':
      await postponeRevocation(deps.pool, due.id, backoffMs(due.attempts + 1), 1);
      return true;
    case 'failed':
      deps.log.error({ ...what, reason: outcome.reason }, 'credentials of a disconnected account could not be revoked');
      await endRevocation(deps.pool, due, 'revocation-failed');
      return true;
  }
}

type Outcome =
  | { readonly state: 'revoked' }
  | { readonly state: 'wait'; readonly afterMs: number }
  | { readonly state: 'retry'; readonly reason: string }
  | { readonly state: 'failed'; readonly reason: string };

async function revoke(deps: RevokeDeps, provider: Provider, due: Revocation): Promise<Outcome> {
  const { credentials } = due;
  const clean = (text: string): string => redact(text, secretsOfCall(provider, credentials));
  let outgoing;
  let of;
  try {
    of = accountFacts(provider, due);
    const { revoke: how } = provider.auth;
    const spec = how?.request(credentials, of);
    if (!spec) return { state: 'failed', reason: `provider "${provider.id}" does not define how to revoke them` };
    outgoing = withCertificate(provider, authRequest(provider, spec, of, how?.url), credentials);
  } catch (error) {
    return { state: 'retry', reason: clean(String(error)) };
  }
  const permit = await takeAuthPermit(deps, provider, 'revoke', of, PERMIT_WAIT_MS);
  if (permit.state === 'wait') return { state: 'wait', afterMs: permit.retryAfterMs };
  const totalMs = Math.min(CALL_MS, provider.timeouts.totalMs);
  const answer = await deps.http.send(outgoing, { ...provider.timeouts, totalMs, maxBodyBytes: 1024 * 1024 });
  await permit.report(answer);
  const { status, error } = answer;
  if (!error && ((status >= 200 && status < 300) || ALREADY_GONE.includes(status))) return { state: 'revoked' };
  const reason = clean(error ? `${error.code}: ${error.message}` : `HTTP ${status}`);
  return { state: error || status >= 500 || status === 429 || status === 408 ? 'retry' : 'failed', reason };
}
