/** What was typed into a form, as values. Used by: `dashboard/acts`. */
import type { Fields } from './act.ts';

/** @throws TypeError for what is no JSON, with the place. */
export function jsonIn(fields: Fields, name: string): unknown {
  try {
    return JSON.parse(fields[name] ?? '');
  } catch (error) {
    throw new TypeError(`This is no JSON: ${error instanceof Error ? error.message : String(error)}`, { cause: error });
  }
}

/** @returns undefined for what was left empty. @throws TypeError for what is no number from 0 on. */
export function numberIn(fields: Fields, name: string): number | undefined {
  const text = fields[name]?.trim() ?? '';
  if (text === '') return undefined;
  const value = Number(text);
  if (!Number.isFinite(value) || value < 0) throw new TypeError(`"${text}" is no number from 0 on.`);
  return value;
}
