/**
 * JSON from outside as Postgres takes it: jsonb refuses NUL and lone surrogates in texts and names. Used wherever what a third
 * party said is read or stored as JSON; `clean-text.ts` does the same for plain text.
 */
import { cleanText } from './clean-text.ts';

/** How JSON has a NUL and half an emoji; a backslash that was itself in the text may stand before it. */
export const HAS_REFUSED = /\\u(?:0000|d[89a-f])/i;

/**
 * The JSON text of a value, with its texts and names clean; `null` for undefined.
 * @throws RangeError when it is nested too deep to be written, TypeError when it is no JSON (a BigInt, a circle).
 */
export function cleanJson(value: unknown): string {
  const text = JSON.stringify(value) as string | undefined;
  if (text === undefined) return 'null';
  return HAS_REFUSED.test(text) ? JSON.stringify(cleanValue(JSON.parse(text))) : text;
}

/** Changes the value in place, to any depth. */
export function cleanValue(value: unknown): unknown {
  const holder: Record<string, unknown> = { value };
  const open: object[] = [holder];
  for (let parent = open.pop(); parent !== undefined; parent = open.pop()) {
    const fields = parent as Record<string, unknown>;
    for (const name of Object.keys(fields)) {
      const field = fields[name];
      if (typeof field === 'object' && field !== null) open.push(field);
      const cleanName = cleanText(name);
      if (cleanName === name && typeof field !== 'string') continue;
      if (cleanName !== name) Reflect.deleteProperty(fields, name);
      const clean = typeof field === 'string' ? cleanText(field) : field;
      // Not assigned: a body may have a field called `__proto__`.
      Object.defineProperty(fields, cleanName, { value: clean, writable: true, enumerable: true, configurable: true });
    }
  }
  return holder['value'];
}
