/** NDJSON: one JSON value in each line; empty lines count as nothing. Used by: `body-data.ts`. */
import type { AnswerData } from '../../contracts/answers/answer.ts';
import { jsonIn } from '../../contracts/answers/answer-json.ts';

export function readNdjson(text: string): AnswerData {
  const rows: unknown[] = [];
  let line = 0;
  for (let at = 0; at < text.length;) {
    const found = text.indexOf('\n', at);
    const end = found === -1 ? text.length : found;
    line++;
    const one = text.slice(at, end).trim();
    at = end + 1;
    if (one === '') continue;
    const json = jsonIn(one);
    if (!json.ok) return { ok: false, reason: `is no NDJSON: line ${line} is not JSON` };
    rows.push(json.value);
  }
  return { ok: true, value: rows };
}
