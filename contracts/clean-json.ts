/**
 * JSON from outside as Postgres takes it: jsonb refuses NUL and lone surrogates in texts and names. Used wherever what a third
 * party said is stored as JSON; `clean-text.ts` does the same for plain text.
 */
import { cleanText } from './clean-text.ts';

/** How `JSON.stringify` writes a NUL and half an emoji; a backslash that was itself in the text may stand before it. */
const REFUSED = /\\u(?:0000|d[89a-f])/;

/**
 * The JSON text of a value, with its texts and names clean; `null` for undefined.
 * @throws RangeError when it is nested too deep to be written, TypeError when it is no JSON (a BigInt, a circle).
 */
export function cleanJson(value: unknown): string {
  const text = JSON.stringify(value) as string | undefined;
  if (text === undefined) return 'null';
  return REFUSED.test(text) ? JSON.stringify(clean(JSON.parse(text))) : text;
}

function clean(value: unknown): unknown {
  if (typeof value === 'string') return cleanText(value);
  if (Array.isArray(value)) return value.map(clean);
  if (typeof value !== 'object' || value === null) return value;
  return Object.fromEntries(Object.entries(value).map(([name, part]) => [cleanText(name), clean(part)]));
}
