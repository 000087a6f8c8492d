/**
 * Keys, call keys and accounts as the store can hold them: they may come from ids that a third party or a user made up.
 * Next: `bucket-row.ts`, `limiter/acquire/acquire.ts`.
 */
import { createHash } from 'node:crypto';
import { cleanText } from '../../contracts/values/clean-text.ts';

/** An entry of a Postgres index holds 2,700 bytes; a code point takes up to four. */
const LONGEST = 500;

/**
 * @throws TypeError for what is no text.
 * @returns the text itself, or, where it is too long or can't be stored, its beginning and the hash of all of it.
 */
export function keyText(text: string): string {
  if (typeof text !== 'string')
    throw new TypeError(
      `A key is text, e.g. "social/token/acct_42"; it was given ${JSON.stringify(text) ?? String(text)}.`,
    );
  // Nearly all are short and plain; what is below is for the others.
  if (text.length <= LONGEST && !text.includes('\0') && text.isWellFormed()) return text;
  // The hash tells texts apart that differ only in what is taken out; a lone surrogate is hashed as it is.
  const digest = createHash('sha256').update(Buffer.from(text, 'utf16le')).digest('base64url');
  return `${cleanText(text, LONGEST - 60)}…${digest}`;
}
