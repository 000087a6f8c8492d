/**
 * The first page of a list whose parent's row has it already: an answer that no call has brought. Used by: `activities/sync/fetch-page.ts`.
 * Next: `activities/sync/settle-answer.ts`, as for any other answer.
 */
import type { MadeCall } from '../call/make-call.ts';
import type { Attempt } from '../sync/attempt.ts';
import { userCode } from '../sync/user-code.ts';

/** @returns undefined when the list must be asked for. @throws UserCodeError. */
export function nestedPage({ node, unit, parent, sync, of }: Attempt): MadeCall | undefined {
  const { nested } = node.options;
  // A row of an earlier run has what was there then.
  if (!nested || unit.pages > 0 || unit.position !== null || !unit.isParentFresh) return undefined;
  const value = userCode(`\`nested\` of node "${node.name}"`, () => nested(parent));
  if (value === undefined || value === null) return undefined;
  return {
    answer: { status: 200, headers: {}, text: '', data: { ok: true, value }, elapsedMs: 0 },
    url: sync.provider.baseUrl(of),
    outcome: { kind: 'ok' },
  };
}
