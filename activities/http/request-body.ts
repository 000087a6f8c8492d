/**
 * The body of a request, as text with its content type. The same request has the same body at each attempt, so that a third party that
 * compares them (idempotency keys) finds no other one. Used by: `build-request.ts`.
 */
import { hash } from 'node:crypto';
import type { MultipartFile, RequestSpec } from '../../contracts/answers/answer.ts';
import { fieldsOf, jsonOf } from './request-fields.ts';

export interface RequestBody {
  readonly type: string;
  readonly text: string;
}

/** @throws TypeError when a request has bodies of several kinds. */
export function bodyOf({ json, form, multipart, body }: RequestSpec): RequestBody | undefined {
  const given = Object.entries({ json, form, multipart, body }).filter(([, value]) => value !== undefined);
  if (given.length > 1)
    throw new TypeError(
      `The request has ${given.map(([name]) => `\`${name}\``).join(' and ')}, but one body; give one of them.`,
    );
  if (json !== undefined) return { type: 'application/json', text: jsonOf(json) };
  if (form)
    return { type: 'application/x-www-form-urlencoded', text: new URLSearchParams(fieldsOf('form', form)).toString() };
  return multipart ? multipartBody(multipart) : body;
}

/** @see RFC 7578 §4; names are escaped as browsers do (WHATWG, "multipart/form-data encoding algorithm"). */
function multipartBody(parts: Readonly<Record<string, string | MultipartFile>>): RequestBody {
  const texts = Object.entries(parts).map(([name, part]) => partOf(name, part));
  const boundary = `part-${hash('sha256', texts.join('\n'), 'hex').slice(0, 40)}`;
  const text = [...texts.map((part) => `--${boundary}\r\n${part}\r\n`), `--${boundary}--\r\n`].join('');
  return { type: `multipart/form-data; boundary=${boundary}`, text };
}

function partOf(name: string, part: string | MultipartFile): string {
  const disposition = `content-disposition: form-data; name="${escaped(name)}"`;
  if (typeof part === 'string') return `${disposition}\r\n\r\n${part}`;
  const { filename, type = 'text/plain; charset=utf-8', text } = part;
  if (/[\r\n]/.test(type)) throw new TypeError(`The content type ${JSON.stringify(type)} has a line end in it.`);
  return `${disposition}; filename="${escaped(filename)}"\r\ncontent-type: ${type}\r\n\r\n${text}`;
}

function escaped(name: string): string {
  return name.replaceAll('"', '%22').replaceAll('\r', '%0D').replaceAll('\n', '%0A');
}
