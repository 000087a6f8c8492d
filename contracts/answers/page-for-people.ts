/**
 * HTML where data was to come. Pure.
 * Used by: `providers/rules/default-rules.ts`, `providers/rules/write-rules.ts`, `activities/action/action-call.ts`,
 * `activities/sync/decide.ts`.
 */
import type { Answer } from './answer.ts';

export function isPageForPeople({ text }: Pick<Answer, 'text'>): boolean {
  return /^\s*<(!doctype html|html|head|body)/i.test(text.slice(0, 200));
}
