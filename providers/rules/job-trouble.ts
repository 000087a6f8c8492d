/**
 * What the answer about a job says against the state that the definition reads from it. Examples are an error where a
 * job "is running", a word that means its end, an error beside a result. A definition often knows two or three states,
 * and takes every other for "running". Such a job would be asked for until it is given up. Pure. Used by:
 * `providers/define/compile/compile-job.ts`; heard by `activities/job/prepare-job.ts`.
 */
import type { Answer } from '../../contracts/answers/answer.ts';
import { jsonOf } from '../../contracts/answers/answer-json.ts';
import { envelopeOf } from './envelopes.ts';
import { describe } from './rules.ts';

const STATES = ['status', 'state', 'job_status', 'jobStatus', 'job_state', 'jobState', 'phase'];
const OVER =
  /^(job_?)?(cancell?ed|abort(ed)?|expired|killed|terminated|rejected|deleted|error(ed)?|fail(ed|ure)?|timed_?out|fatal|not_?found)$/i;

/** @returns why a job that the definition takes for running is not; undefined when nothing speaks against it. */
export function troubleWhileRunning(answer: Answer): string | undefined {
  const json = jsonOf(answer);
  if (!json.ok) return undefined;
  const word = wordsOf(json.value).find((each) => OVER.test(each));
  if (word !== undefined) return `its state is "${word}", which \`job.state\` takes for running (${told(answer)})`;
  if (envelopeOf(json.value, false) !== 'error') return undefined;
  return `an error under a status of success, which \`job.state\` takes for running (${told(answer)})`;
}

/** @returns the error that stands beside the results of a job that is done. */
export function troubleWhenDone(answer: Answer): string | undefined {
  const json = jsonOf(answer);
  return json.ok && envelopeOf(json.value, false) ? `its job is done, and has an error (${told(answer)})` : undefined;
}

/** Without addresses: where results lie lets in whoever knows it. */
function told(answer: Answer): string {
  return describe(answer).replaceAll(/https?:\/\/[^\s"'\\]+/gi, 'https://…');
}

function wordsOf(body: unknown): string[] {
  if (typeof body !== 'object' || body === null) return [];
  return STATES.map((name) => (body as Record<string, unknown>)[name]).filter((word) => typeof word === 'string');
}
