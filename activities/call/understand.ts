/**
 * What an answer means, as the provider's rules say, and what the limiter is to learn from it. Reasons leave here without secrets.
 * Used by: `make-call.ts`. Next: `providers/rules/rules.ts`.
 */
import type { Answer } from '../../contracts/answers/answer.ts';
import type { Outcome } from '../../contracts/answers/outcome.ts';
import { redact } from '../../contracts/secrets/redact.ts';
import type { SecretFinder } from '../../contracts/secrets/secret-finder.ts';
import { cleanText } from '../../contracts/values/clean-text.ts';
import type { Observation } from '../../limiter/index.ts';
import type { Provider } from '../../providers/define/define-provider.ts';
import type { ActivityDeps } from '../deps.ts';
import { toObservation, type Said } from '../http/to-observation.ts';
import type { Call, MadeCall } from './make-call.ts';

/** Characters of a reason, from whatever rule, that are kept. */
const MOST_REASON = 1_000;

export function understand(
  deps: ActivityDeps,
  { provider, decide }: Call,
  url: string,
  secrets: SecretFinder,
  answer: Answer,
): { readonly value: MadeCall; readonly observation: Observation } {
  const decided = decide(answer);
  const outcome = 'reason' in decided ? { ...decided, reason: toldReason(decided.reason, secrets) } : decided;
  return {
    value: { answer, url, outcome: namingKnown(provider, outcome) },
    // It was refused all the same.
    observation: toObservation(outcome, answer, saidOf(deps, provider, answer)),
  };
}

/** A rule of which only its answer shows that it names a limit which nobody declared: the code has to be mended. */
export function namingKnown<Given extends Outcome>(
  { id, unknownLimit }: Provider,
  outcome: Given,
): Given | Extract<Outcome, { kind: 'permanent' }> {
  if (outcome.kind !== 'limited' || outcome.limit === undefined) return outcome;
  const mistake = unknownLimit(outcome.limit);
  if (mistake === undefined) return outcome;
  return { kind: 'permanent', cause: 'config', reason: `${mistake} (provider "${id}"); ${outcome.reason}` };
}

/** A cost that can't be read stays as it was reserved: the most that it may be. */
function saidOf(deps: ActivityDeps, provider: Provider, answer: Answer): Said {
  const read = <T>(what: string, from: (answer: Answer) => T, otherwise: T): T => {
    try {
      return from(answer);
    } catch (error) {
      deps.log.warn({ provider: provider.id, error: String(error) }, `\`${what}\` of a limit has failed`);
      return otherwise;
    }
  };
  return {
    actualCost: read('actualCost', provider.actualCosts, {}),
    quotas: read('told', provider.toldQuotas, []),
  };
}

/** Reasons are written down: without secrets, and as every store takes text. */
function toldReason(reason: string, secrets: SecretFinder): string {
  return cleanText(redact(cleanText(reason, MOST_REASON), secrets));
}
