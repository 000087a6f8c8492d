/**
 * What a list keeps from run to run beside its watermark: an opaque checkpoint of the third party's, and the validators of its first page.
 * Only a reading that came to its end leaves something; a reading from the beginning sets it anew.
 * Used by: `make-attempt.ts`, `call-once.ts`, `activities/page/store-page.ts`. `db/functions/lists/settle-lists.sql` keeps
 * it with the parent.
 */
import type { Answer } from '../../contracts/answers/answer.ts';
import type { KeptState } from '../../contracts/list.ts';
import type { LoadedUnit } from '../../db/stores/sync/unit-store.ts';
import type { Endpoint } from '../../providers/define/define-provider.ts';
import { answeredAt } from '../page/watermark.ts';
import { databaseNow, type Attempt } from './attempt.ts';

/** A run that asks only for what changed, and not again for what a run has left unread. */
function asksForChanges({ mode }: LoadedUnit): boolean {
  return mode === 'incremental';
}

/** What the list is asked from; undefined for a reading from its beginning. */
export function checkpointFor(unit: LoadedUnit): string | undefined {
  return asksForChanges(unit) ? unit.kept?.checkpoint : undefined;
}

/** Headers that ask whether the first page has changed at all. */
export function conditionsFor({ conditional }: Endpoint, unit: LoadedUnit): Readonly<Record<string, string>> {
  if (conditional === undefined || unit.pages > 0 || unit.retryOf.length > 0 || !asksForChanges(unit)) return {};
  const { etag, lastModified } = unit.kept ?? {};
  return {
    ...(etag === undefined ? {} : { 'if-none-match': etag }),
    ...(lastModified === undefined ? {} : { 'if-modified-since': lastModified }),
  };
}

/**
 * What a page has brought of it; null when nothing.
 * @throws TypeError for a checkpoint that can't be kept as it is.
 */
export function keptOf(
  { node, unit, input }: Attempt,
  response: unknown,
  { headers }: Pick<Answer, 'headers'>,
  url: string,
): KeptState | null {
  const { paginate, conditional } = node.endpoint;
  const found = paginate.checkpoint?.(response, { headers, url, input });
  const { etag, 'last-modified': lastModified } = headers;
  const isFirst = conditional !== undefined && unit.pages === 0;
  const kept = {
    ...(found === undefined || found === null || found === '' ? {} : { checkpoint: checkpointText(found) }),
    ...(isFirst && etag !== undefined ? { etag } : {}),
    ...(isFirst && lastModified !== undefined && isOver(lastModified, answeredAt(headers, databaseNow(unit)))
      ? { lastModified }
      : {}),
  };
  return Object.keys(kept).length === 0 ? null : kept;
}

/**
 * Whether the second of the last change was over when the list was read. Else it may have changed once more in that
 * second, and would be told as unchanged for ever.
 * @see https://www.rfc-editor.org/rfc/rfc9110#section-8.8.2.2
 */
function isOver(lastModified: string, answeredAtMs: number): boolean {
  return answeredAtMs - Date.parse(lastModified) >= 1_000;
}

function checkpointText(found: unknown): string {
  const text = typeof found === 'number' && Number.isSafeInteger(found) ? String(found) : found;
  if (typeof text !== 'string' || /[\0\ufffd]/.test(text) || !text.isWellFormed())
    throw new TypeError(
      `it gave ${JSON.stringify(String(found).slice(0, 60))} (${typeof found}), which can't be kept; it must be a text, or a whole number that is exact`,
    );
  return text;
}
