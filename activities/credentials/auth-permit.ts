/**
 * The permit of a call for an account's credentials. It is a call like any other for the third party's limits, and goes first: the
 * account waits for it. Used by: `refresh-credentials.ts`, `probe-token.ts`, `revoke-credentials.ts`.
 */
import type { AccountFacts } from '../../contracts/account.ts';
import type { Answer } from '../../contracts/answers/answer.ts';
import type { AuthCall } from '../../contracts/limits/auth-calls.ts';
import type { Limiter } from '../../limiter/index.ts';
import type { Provider } from '../../providers/define/define-provider.ts';
import { toObservation } from '../http/to-observation.ts';
import type { Log } from '../deps.ts';

export interface AuthPermitDeps {
  readonly limiter: Limiter;
  readonly egress: string;
  readonly log: Log;
}

export type AuthPermit =
  | { readonly state: 'granted'; readonly report: (answer: Answer) => Promise<void> }
  | { readonly state: 'wait'; readonly reason: string; readonly retryAfterMs: number };

/** @throws LimiterUnavailable when no permit could be asked for. */
export async function takeAuthPermit(
  { limiter, egress, log }: AuthPermitDeps,
  provider: Provider,
  name: AuthCall,
  of: AccountFacts,
  maxWaitMs: number,
): Promise<AuthPermit> {
  const { account, tenant, settings } = of;
  const acquired = await limiter.acquire({
    callKey: `${name}/${provider.id}/${account}`,
    charges: provider.authCharges(name, { account, tenant, settings, ip: egress }),
    endpoint: name,
    account,
    priority: 'interactive',
    maxWaitMs,
  });
  if (!acquired.granted)
    return { state: 'wait', reason: `the ${name} waits: ${acquired.wait.detail}`, retryAfterMs: acquired.retryAfterMs };
  return {
    state: 'granted',
    report: async (answer) => {
      try {
        await limiter.report(acquired.permit, toObservation(outcomeForLimits(name, answer), answer));
      } catch (error) {
        // The limiter keeps it and sends it again; the account's state comes first.
        log.warn(
          { provider: provider.id, account, error: String(error) },
          `a ${name} could not be reported to the limiter`,
        );
      }
    },
  };
}

function outcomeForLimits(name: AuthCall, answer: Answer) {
  const reason = `${name}: HTTP ${answer.status}`;
  if (answer.status === 429) return { kind: 'limited', reason } as const;
  return answer.error || answer.status >= 500 ? ({ kind: 'retry', reason } as const) : ({ kind: 'ok' } as const);
}
