/**
 * Errors as they can travel to Temporal. Half an emoji in a message is no UTF-8, and Temporal's native part, which
 * takes nothing else, would break the whole worker. Messages hold what third parties and apps say. Used by
 * `activities/index.ts` on all that activities throw.
 */
import { cleanText } from '../../contracts/values/clean-text.ts';

const LONGEST_CHAIN = 20;

/** @returns an activity that throws the same errors, their texts clean. */
export function withCleanErrors<Args extends unknown[], Result>(
  activity: (...args: Args) => Promise<Result>,
): (...args: Args) => Promise<Result> {
  return async (...args) => {
    try {
      return await activity(...args);
    } catch (error) {
      for (let each = error, depth = 0; each instanceof Error && depth < LONGEST_CHAIN; each = each.cause, depth++) {
        if (isClean(each.message) && isClean(each.stack ?? '')) continue;
        // Both may be read-only where somebody has made them so; then the next one of the chain says it.
        Reflect.set(each, 'message', cleanText(each.message));
        Reflect.set(each, 'stack', cleanText(each.stack ?? ''));
      }
      throw error;
    }
  };
}

function isClean(text: string): boolean {
  return text.isWellFormed() && !text.includes('\0');
}
