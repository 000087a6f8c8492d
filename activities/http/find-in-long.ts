/**
 * Secrets in a text of any length, part by part. So a long one made of nothing but escapes holds up nobody else in this
 * process. Undoing escapes takes a hundred times as long as reading plain text. Used by: `hide-secrets.ts`.
 */
import { setImmediate as othersFirst } from 'node:timers/promises';
import { withoutOverlaps, type FoundSecret, type SecretFinder } from '../../contracts/secrets/secret-finder.ts';

/** In characters. */
const PART = 65_536;
/**
 * What a part has of the one before it. So a secret is whole in one of them, also when each of its characters is
 * escaped twice.
 */
const OVERLAP = 32_768;
/** A part begins in the middle of no escape, unless more backslashes stand there than anybody writes. */
const MOST_BACKSLASHES = 64;

/** @returns places that don't overlap, in order. */
export async function findInLong(text: string, finder: SecretFinder): Promise<readonly FoundSecret[]> {
  if (text.length <= PART + OVERLAP) return finder.find(text);
  const found: FoundSecret[] = [];
  for (let at = 0; at < text.length; at += PART) {
    await turn();
    const start = beginning(text, Math.max(0, at - OVERLAP));
    for (const { secret, from, to } of finder.find(text.slice(start, at + PART)))
      found.push({ secret, from: from + start, to: to + start });
  }
  return withoutOverlaps(found);
}

let lastTurn: Promise<void> = Promise.resolve();

/** One part between two looks of the event loop at everything else, however many long texts there are at once. */
function turn(): Promise<void> {
  lastTurn = lastTurn.then(() => othersFirst());
  return lastTurn;
}

function beginning(text: string, at: number): number {
  let start = at;
  while (start > 0 && at - start < MOST_BACKSLASHES && text[start - 1] === '\\') start--;
  return start;
}
