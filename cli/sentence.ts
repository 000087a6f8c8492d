/**
 * An error as a person at a terminal reads it. What a schema refused comes as a list of places, not as the JSON that it carries.
 */
import type { z } from 'zod';
import { serverSentence } from '../contracts/operate/server-sentence.ts';

/** @param of what the value is, for what a schema refused: `--input`. Default `The value`. */
export function sentenceOf(error: unknown, of = 'The value'): string {
  if (!(error instanceof Error)) return String(error);
  if (error.message.startsWith('Unknown encoding: '))
    return `What Temporal keeps of this workflow is encoded by the app's payloadCodecs, which the command line does not have (${error.message}). Ask in the app instead: connect({ payloadCodecs }).`;
  if (!isSchemaError(error)) return serverSentence(error) ?? error.message;
  const lines = error.issues.map(({ path, message }) => `${placeOf(path)}${message}`);
  return lines.length === 1 ? `${of} does not fit: ${lines[0]}` : [`${of} does not fit:`, ...lines].join('\n  - ');
}

/** By shape: the user's copy of zod may be another one than ours. */
function isSchemaError(error: Error): error is Error & Pick<z.ZodError, 'issues'> {
  return error.name.endsWith('ZodError') && 'issues' in error && Array.isArray(error.issues);
}

/** `customer.lines[2].price: ` */
function placeOf(path: readonly PropertyKey[]): string {
  if (path.length === 0) return '';
  const place = path.map((part) => (typeof part === 'number' ? `[${part}]` : `.${String(part)}`)).join('');
  return `${place.replace(/^\./, '')}: `;
}
