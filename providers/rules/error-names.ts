/**
 * By which names an answer says what went wrong: the codes of the usual envelopes in JSON, of elements in XML, and of headers, without
 * what stands around them (`com.amazonaws.dynamodb.v20120810#ThrottlingException` is `throttling`). Pure.
 * Used by: `told-limit.ts`, `told-token.ts`.
 * @see https://docs.aws.amazon.com/AmazonS3/latest/API/ErrorResponses.html
 * @see https://learn.microsoft.com/rest/api/storageservices/status-and-error-codes2
 */
import type { Answer } from '../../contracts/answers/answer.ts';
import { jsonOf } from '../../contracts/answers/answer-json.ts';
import { isFields } from '../../contracts/values/json-text.ts';
import { codesOf, plainName } from './envelopes.ts';

const SEEN_OF_TEXT = 2_000;
/** `x-amzn-errortype`, `x-ms-error-code`. */
const HEADER = /^x-.*\berror-?(?:code|type)$/;
/** `<Code>` of S3 and Azure, `<d:errorcode>`, `<faultcode>` of SOAP. */
const ELEMENT = /<(?:[\w.-]+:)?(?:(?:error-?)?code|faultcode)(?:\s[^<>]*)?>\s*([^<>]{1,120}?)\s*</gi;

/** Each in lower case, without dashes, and without `Exception` or `Error` at its end. */
export function errorNames(answer: Answer): string[] {
  const headers = Object.entries(answer.headers).flatMap(([name, value]) => (HEADER.test(name) ? [value] : []));
  const text = answer.text.slice(0, SEEN_OF_TEXT);
  const elements = /^\s*</.test(text) ? [...text.matchAll(ELEMENT)].map(([, code]) => code) : [];
  const json = jsonOf(answer);
  const codes = json.ok && isFields(json.value) ? [json.value['__type'], ...codesOf(json.value)] : [];
  return [...headers, ...elements, ...codes].flatMap((code) => (typeof code === 'string' ? [nameIn(code)] : []));
}

/** `SlowDown`, `com.example#SlowDown`, `SlowDown:http://docs.example`, `soap:SlowDown`, `Client.SlowDown`. */
function nameIn(code: string): string {
  const [alone = ''] = code.trim().split(/:https?:/, 1);
  const last = alone.split(/[#:.]/).at(-1) as string;
  return plainName(last).replace(/(?:exception|error|fault)$/, '');
}
