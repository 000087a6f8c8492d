/**
 * What the answer of an open host means, which knows neither the account nor the rules of the provider. A presigned
 * address that is refused has grown old, and is asked for anew. Pure. Used by: `providers/define/compile/compile-endpoint.ts`.
 */
import type { Answer } from '../../contracts/answers/answer.ts';
import type { Outcome } from '../../contracts/answers/outcome.ts';
import { defaultOutcome } from './default-rules.ts';
import { describe } from './rules.ts';

export function openOutcome(answer: Answer): Outcome {
  const outcome = defaultOutcome(answer, { isList: true });
  const isRefusal = outcome.kind === 'refresh-auth' || (outcome.kind === 'permanent' && outcome.cause !== 'gone');
  return isRefusal && !answer.error
    ? { kind: 'retry', reason: `the address of the result is refused, ${describe(answer)}` }
    : outcome;
}
