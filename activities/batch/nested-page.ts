/**
 * The first page of a list that is known already, since its parent's row has it or its values take no call. It is an
 * answer that no call has brought.
 * Used by: `activities/sync/fetch-page.ts`.
 * Next: `activities/sync/settle-answer.ts`, as for any other answer.
 */
import type { MadeCall } from '../call/make-call.ts';
import type { Attempt } from '../sync/attempt.ts';
import type { NodeDefinition } from '../../providers/define/define-sync.ts';
import { kindOf } from '../../contracts/values/option-mistakes.ts';
import { userCode } from '../sync/user-code.ts';

/** @returns undefined when the list must be asked for. @throws UserCodeError. */
export function nestedPage(attempt: Attempt): MadeCall | undefined {
  const { node, sync, of } = attempt;
  const value = node.values ? valuesOf(attempt, node.values) : nestedOf(attempt);
  if (value === undefined || value === null) return undefined;
  return {
    answer: { status: 200, headers: {}, text: '', data: { ok: true, value }, elapsedMs: 0 },
    url: sync.provider.baseUrl(of),
    outcome: { kind: 'ok' },
  };
}

function nestedOf({ node, unit, parent }: Attempt): unknown {
  const { nested } = node.options;
  // A row of an earlier run has what was there then.
  if (!nested || unit.pages > 0 || unit.position !== null || !unit.isParentFresh) return undefined;
  return userCode(`\`nested\` of node "${node.name}"`, () => nested(parent));
}

function valuesOf(
  { node, unit, parent, of: { settings } }: Attempt,
  values: NonNullable<NodeDefinition['values']>,
): readonly unknown[] {
  return userCode(`\`values\` of node "${node.name}"`, () => {
    const given: unknown = values(parent, { runInput: unit.runInput, settings });
    if (!Array.isArray(given))
      throw new TypeError(`it gave ${given === undefined ? 'nothing' : kindOf(given)}; it must be a list`);
    return given;
  });
}
