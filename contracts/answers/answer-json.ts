/**
 * The body of an answer as data, parsed once, whoever asks: rules look at fields of it, and then its rows are read. What is no JSON was
 * read when it came (`activities/bodies/body-data.ts`).
 * Used by: `providers/rules/`, `activities/bodies/parse-body.ts`.
 */
import type { Answer, AnswerData } from './answer.ts';
import { parseJson } from '../values/json-text.ts';
import { lostMember } from './lost-members.ts';

const parsed = new WeakMap<Answer, AnswerData>();

/** An empty body is null. */
export function jsonOf(answer: Answer): AnswerData {
  if (answer.data) return answer.data;
  let json = parsed.get(answer);
  if (!json) {
    json = jsonIn(answer.text);
    parsed.set(answer, json);
  }
  return json;
}

/** In words what of a body of JSON is in none of its values; undefined when nothing is. */
export function lostIn(answer: Answer): string | undefined {
  const json = answer.data ? undefined : jsonOf(answer);
  const name = json?.ok === true ? lostMember(answer.text, json.value) : undefined;
  return (
    name && `an object has two members of the name ${JSON.stringify(name.slice(0, 60))}, of which the last one is kept`
  );
}

export function jsonIn(text: string): AnswerData {
  try {
    return { ok: true, value: text === '' ? null : parseJson(text) };
  } catch {
    return { ok: false, reason: 'is not JSON' }; // what the body begins with says it better than the parser
  }
}
