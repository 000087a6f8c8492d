/**
 * What is known of lists from run to run, for the app and its operator: looked at, and taken back where it is wrong.
 * Nothing is asked of the third party. Next: `db/stores/sync/state-store.ts`.
 */
import type { KnownList } from '../contracts/list.ts';
import { listState, resetState, type Pool, type StateFilter } from '../db/index.ts';
import { kindOf } from '../contracts/values/option-mistakes.ts';
import { checkAccount } from './options/check-options.ts';

export interface ShowStateOptions {
  /** `place` of the last list that was seen. */
  readonly after?: string;
  /** 1 … 1,000. Default 100. */
  readonly limit?: number;
}

export interface ResetOptions {
  /**
   * Also forget that the lists had rows, those that were never read to their end as well: then an empty answer is believed, and with `deletions: 'full-pass'` deletes what they had.
   * Default false: an empty answer ends `truncated`, and the rows are kept.
   */
  readonly forgetsRows?: boolean;
}

export interface ListStates {
  /** Watermark and rows of each list that was ever read to its end, of an account, or of one sync, node or parent of it. */
  show(of: StateFilter, options?: ShowStateOptions): Promise<readonly KnownList[]>;
  /**
   * Takes the watermarks away: the next run reads these lists from their beginning. Stored rows stay as they are. A run that is
   * going on is not disturbed: it reads on as it has begun, and its lists have no watermark when it ends.
   * @returns how many lists are known of what was named; 0: there was nothing to take away.
   */
  reset(of: StateFilter, options?: ResetOptions): Promise<number>;
}

export function createListStates(pool: Pool): ListStates {
  return {
    show: async (of, options) => {
      check(of);
      return listState(pool, of, options);
    },
    reset: async (of, { forgetsRows = false } = {}) => {
      check(of);
      return resetState(pool, of, forgetsRows);
    },
  };
}

/** A name that is misspelt would widen what is reset. @throws TypeError */
function check(of: StateFilter): void {
  checkAccount(of.account);
  const unknown = Object.keys(of).filter((name) => !['account', 'sync', 'node', 'parentKey'].includes(name));
  if (unknown.length > 0)
    throw new TypeError(`\`${unknown[0]}\` is unknown here; lists are named by account, sync, node and parentKey.`);
  for (const name of ['sync', 'node', 'parentKey'] as const)
    if (of[name] !== undefined && typeof of[name] !== 'string')
      throw new TypeError(`\`${name}\` is ${kindOf(of[name])}; it must be text, or left out.`);
}
