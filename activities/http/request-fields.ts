/**
 * Fields of queries and forms as they go out, and numbers that are none. Pure. Used by: `build-request.ts`, `request-body.ts`.
 */
import type { RequestSpec } from '../../contracts/answers/answer.ts';

/** @throws TypeError for NaN, an infinite number, an invalid date, and what is no text, number or boolean. */
export function fieldsOf(place: 'query' | 'form', fields: RequestSpec['query'] = {}): [name: string, value: string][] {
  return Object.entries(fields).flatMap(([name, value]) => {
    if (value === undefined || value === null) return [];
    const values: readonly unknown[] = Array.isArray(value) ? value : [value];
    return values.map((each): [string, string] => [name, textOf(`\`${name}\` of the ${place}`, each)]);
  });
}

function textOf(what: string, value: unknown): string {
  if (isNoNumber(value) || !['string', 'number', 'boolean', 'bigint'].includes(typeof value))
    throw new TypeError(
      `The request can't be right: ${what} is ${shown(value)}; it must be a text, a number or a boolean.`,
    );
  return String(value);
}

/** JSON has no NaN: it would be sent as null. @throws TypeError for NaN, an infinite number and an invalid date. */
export function jsonOf(json: unknown): string {
  const text = JSON.stringify(json);
  if (text.includes('null')) JSON.stringify(json, refuseNoNumber);
  return text;
}

/** Dates are texts by the time that `value` has them. */
function refuseNoNumber(this: unknown, key: string, value: unknown): unknown {
  const held = (this as Record<string, unknown>)[key];
  if (isNoNumber(held))
    throw new TypeError(
      `The request can't be right: \`${key}\` of its JSON is ${shown(held)}, which would be sent as null.`,
    );
  return value;
}

function isNoNumber(value: unknown): boolean {
  return typeof value === 'number' ? !Number.isFinite(value) : value instanceof Date && Number.isNaN(value.getTime());
}

function shown(value: unknown): string {
  if (value instanceof Date) return 'an invalid date';
  return typeof value === 'number' ? String(value) : `of the type "${typeof value}"`;
}
