/**
 * By which names an answer says what went wrong, and what it says in words. The names are the codes of the usual
 * envelopes in JSON, of elements in XML, and of headers. They lack what stands around them
 * (`com.amazonaws.dynamodb.v20120810#ThrottlingException` is `throttling`). Pure.
 * Used by: `told-limit.ts`, `told-token.ts`, `told-scope.ts`.
 * @see https://docs.aws.amazon.com/AmazonS3/latest/API/ErrorResponses.html
 * @see https://learn.microsoft.com/rest/api/storageservices/status-and-error-codes2
 */
import type { Answer } from '../../contracts/answers/answer.ts';
import { jsonOf } from '../../contracts/answers/answer-json.ts';
import { isFields, type Fields } from '../../contracts/values/json-text.ts';
import { codesOf } from './envelopes.ts';
import { plainName } from './plain-name.ts';

const SEEN_OF_TEXT = 2_000;
const LONGEST_SENTENCE = 120;
/** `x-amzn-errortype`, `x-ms-error-code`. */
const HEADER = /^x-.*\berror-?(?:code|type)$/;
/** `<Code>` of S3 and Azure, `<d:errorcode>`, `<faultcode>` of SOAP. */
const ELEMENT = /<(?:[\w.-]+:)?(?:(?:error-?)?code|faultcode)(?:\s[^<>]*)?>\s*([^<>]{1,120}?)\s*</gi;
const WORDS = ['error', 'message', 'msg', 'detail', 'title', 'reason', 'description', 'error_description', 'errmsg'];

/** Each in lower case, without dashes, and without `Exception` or `Error` at its end. */
export function errorNames(answer: Answer): string[] {
  const headers = Object.entries(answer.headers).flatMap(([name, value]) => (HEADER.test(name) ? [value] : []));
  const text = answer.text.slice(0, SEEN_OF_TEXT);
  const elements = /^\s*</.test(text) ? [...text.matchAll(ELEMENT)].map(([, code]) => code) : [];
  const body = envelopeIn(answer);
  const codes = body ? [body['__type'], ...codesOf(body)] : [];
  return [...headers, ...elements, ...codes].flatMap((code) => (typeof code === 'string' ? [nameIn(code)] : []));
}

/**
 * The first sentence of each text of the usual envelopes, or of a body that is nothing but text: its letters alone, in lower case. So
 * what it says can be compared as a whole: "Invalid token." is about the token, "invalid token at position 7" is not.
 */
export function errorSentences(answer: Answer): string[] {
  const body = envelopeIn(answer);
  const errors = Array.isArray(body?.['errors']) ? (body['errors'] as unknown[]).slice(0, 100) : [];
  const told = body
    ? [body, body['error'], ...errors].flatMap((each) => (isFields(each) ? WORDS.map((name) => each[name]) : [each]))
    : [answer.text];
  return told.flatMap((text) => {
    if (typeof text !== 'string') return [];
    const [sentence = ''] = text
      .slice(0, SEEN_OF_TEXT)
      .trim()
      .split(/[.!,;:]+(?:\s|$)/, 1);
    return sentence.length > LONGEST_SENTENCE ? [] : [sentence.toLowerCase().replaceAll(/[^a-z]/g, '')];
  });
}

/** Whether an answer of success has one of these statuses in its envelope, as some do that answer everything by 200. */
export function hasStatusInside(answer: Answer, status: number): boolean {
  const body = envelopeIn(answer);
  return body !== undefined && [...codesOf(body), body['statusCode']].some((code) => String(code) === String(status));
}

/** A list of errors alone, as Salesforce has it, is an envelope, too: but not under a status of success, where it may be rows. */
function envelopeIn(answer: Answer): Fields | undefined {
  const json = jsonOf(answer);
  if (!json.ok) return undefined;
  if (Array.isArray(json.value)) return answer.status >= 400 ? { errors: json.value } : undefined;
  return isFields(json.value) ? json.value : undefined;
}

/** `SlowDown`, `com.example#SlowDown`, `SlowDown:http://docs.example`, `soap:SlowDown`, `Client.SlowDown`. */
function nameIn(code: string): string {
  const [alone = ''] = code.trim().split(/:https?:/, 1);
  const last = alone.split(/[#:.]/).at(-1) as string;
  return plainName(last).replace(/(?:exception|error|fault)$/, '');
}
