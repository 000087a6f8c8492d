/**
 * Matches for the envelopes in which third parties tell an error under a status of success: for rules of one's own. What is found in them by
 * itself: `envelopes.ts`. Pure.
 */
import type { Answer } from '../../contracts/answers/answer.ts';
import { jsonOf } from '../../contracts/answers/answer-json.ts';
import { isFields, type Fields } from '../../contracts/values/json-text.ts';
import { codesOf, isTold } from './envelopes.ts';
import type { Match } from './rules.ts';

type Code = string | number;

/** GraphQL: there are `errors`; with codes, one of them has one of these (`extensions.code`, `code` or `type`). */
export const graphqlErrors =
  (...codes: Code[]): Match =>
  (answer) =>
    isTold(fieldsOf(answer)?.['errors']) && hasCode(answer, codes);

/** `ok` is false; with errors, `error` (or its code) is one of these. */
export const okFalse =
  (...errors: Code[]): Match =>
  (answer) =>
    fieldsOf(answer)?.['ok'] === false && hasCode(answer, errors);

/** `success` is false; with codes, the error's code is one of these. */
export const successFalse =
  (...codes: Code[]): Match =>
  (answer) =>
    fieldsOf(answer)?.['success'] === false && hasCode(answer, codes);

/** There is an `error`; with codes, it or its code is one of these. */
export const errorField =
  (...codes: Code[]): Match =>
  (answer) =>
    isTold(fieldsOf(answer)?.['error']) && hasCode(answer, codes);

/** There is a `code`, and it is none of these: `codeIsNot(0, 200)`. */
export const codeIsNot =
  (...good: Code[]): Match =>
  (answer) => {
    const code = fieldsOf(answer)?.['code'];
    return code !== undefined && code !== null && !good.includes(code as Code);
  };

function hasCode(answer: Answer, codes: readonly Code[]): boolean {
  return codes.length === 0 || codesOf(fieldsOf(answer)).some((code) => codes.includes(code as Code));
}

function fieldsOf(answer: Answer): Fields | undefined {
  const json = jsonOf(answer);
  return json.ok && isFields(json.value) ? json.value : undefined;
}
