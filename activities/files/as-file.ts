/**
 * An answer where a file was to come. It is what is known of the file that was kept, or a message, which rules may look
 * at and which is no row.
 * Used by: `activities/call/make-call.ts`.
 */
import type { Answer } from '../../contracts/answers/answer.ts';
import { jsonOf } from '../../contracts/answers/answer-json.ts';
import { withData } from '../bodies/body-data.ts';
import { whyNoFile } from './file-facts.ts';

export function asFile(answer: Answer, types: readonly string[] | undefined): Answer {
  const { status, headers, error, isFile } = answer;
  if (isFile || error || status < 200 || status >= 300) return isFile ? answer : withData(answer, undefined);
  const message = jsonOf(withData(answer, undefined));
  const isOther = whyNoFile(status, headers, types) ?? 'is no file';
  return { ...answer, data: { ok: true, value: message.ok ? message.value : answer.text, isOther } };
}
