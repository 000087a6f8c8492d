/**
 * A body as data, by the format that its endpoint says, or that its content type says clearly. An error is often JSON
 * where an export would be CSV. The format of an endpoint counts for its good answers, and what is plainly JSON is
 * never read as a line of names.
 * Used by: `activities/call/make-call.ts`, before any rule looks at the answer.
 */
import type { Answer, AnswerData } from '../../contracts/answers/answer.ts';
import { jsonIn } from '../../contracts/answers/answer-json.ts';
import { formatNamed, formatOfType, type AnyFormat, type BodyFormat } from '../../contracts/answers/body-format.ts';
import { cleanText } from '../../contracts/values/clean-text.ts';
import { readCsv } from './csv.ts';
import { readNdjson } from './ndjson.ts';
import { readXml } from './xml.ts';

const MAY_BE_CUT = 'nothing says where the body ends, neither its length nor chunks, so that it may be cut';
const JSON_FORMAT: AnyFormat = { kind: 'json' };

/** @returns the answer with its data; JSON is left to whoever looks at it first. @param format undefined: the endpoint says nothing. */
export function withData(answer: Answer, format: BodyFormat | undefined): Answer {
  const isGood = answer.status >= 200 && answer.status < 300;
  const stated = formatOfType(answer.headers['content-type']);
  const asked = format !== undefined && isGood ? formatNamed(format) : undefined;
  const wanted = asked ?? stated ?? JSON_FORMAT;
  if (wanted.kind === 'json' || answer.error) return answer;
  const json = wanted.kind === 'csv' || wanted.kind === 'xml' ? jsonLike(answer.text) : undefined;
  if (!json) {
    // XML that is cut is none.
    const mayBeCut = answer.mayBeCut && wanted.kind !== 'xml' && answer.status !== 204;
    return { ...answer, ...(mayBeCut ? { damage: answer.damage ?? MAY_BE_CUT } : {}), data: read(answer.text, wanted) };
  }
  // Rules may look at it; rows are not taken from it.
  return asked === undefined
    ? answer
    : { ...answer, data: { ...json, isOther: `is JSON, and was to be ${wanted.kind.toUpperCase()}` } };
}

function read(body: string, format: AnyFormat): AnswerData {
  const text = cleanText(body);
  switch (format.kind) {
    case 'csv':
      return readCsv(text, format);
    case 'ndjson':
      // Each line is cleaned as JSON is.
      return readNdjson(body);
    case 'xml':
      return readXml(text, format);
    case 'text':
      return { ok: true, value: text };
    case 'json':
      return jsonIn(body);
  }
}

/** An object or a list that is JSON to its end. */
function jsonLike(text: string): Extract<AnswerData, { ok: true }> | undefined {
  if (!/^\s*[[{]/.test(text.slice(0, 1_000))) return undefined;
  const json = jsonIn(text);
  return json.ok ? json : undefined;
}
