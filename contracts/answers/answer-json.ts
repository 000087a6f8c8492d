/**
 * The body of an answer as JSON, parsed once, whoever asks: rules look at fields of it, and then its rows are read.
 * Used by: `providers/rules/`, `activities/http/parse-body.ts`.
 */
import type { Answer } from './answer.ts';
import { parseJson } from '../values/json-text.ts';

export type AnswerJson = { readonly ok: true; readonly value: unknown } | { readonly ok: false };

const parsed = new WeakMap<Answer, AnswerJson>();

/** An empty body is null. */
export function jsonOf(answer: Answer): AnswerJson {
  let json = parsed.get(answer);
  if (!json) {
    json = parse(answer.text);
    parsed.set(answer, json);
  }
  return json;
}

function parse(text: string): AnswerJson {
  try {
    return { ok: true, value: text === '' ? null : parseJson(text) };
  } catch {
    return { ok: false }; // not JSON: what the body begins with says it better than the parser
  }
}
