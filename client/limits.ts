/** Limits for operators: as they stand, what is done to them, and who waits. Next: `limiter/admin/operations.ts`. */
import { createOperations, type Operations } from '../limiter/admin/operations.ts';
import { readLimitUsers, type Pool } from '../db/index.ts';

export interface LimitUse {
  /** The sync, or the action. */
  readonly sync: string;
  /** Null where an account is its own tenant. */
  readonly tenant: string | null;
  /** Calls that wait, and of how many accounts. */
  readonly waiting: number;
  readonly accounts: number;
}

export interface Limits extends Operations {
  /** Who waits for a key now, by sync and tenant, the largest share first; of 2,000 calls at most. */
  users(key: string): Promise<readonly LimitUse[]>;
}

/** No run's. */
const NO_RUN = '00000000-0000-0000-0000-000000000000';

export function createLimits(pool: Pool): Limits {
  return {
    ...createOperations(pool),
    users: async (key) => {
      const uses = new Map<string, LimitUse>();
      for (const { sync, tenant, waiting, accounts } of await readLimitUsers(pool, [key], NO_RUN)) {
        // One row for each class of priority.
        const of = JSON.stringify([sync, tenant]);
        const known = uses.get(of) ?? { sync, tenant, waiting: 0, accounts: 0 };
        const most = Math.max(known.accounts, accounts);
        uses.set(of, { sync, tenant, waiting: known.waiting + waiting, accounts: most });
      }
      return [...uses.values()].sort((a, b) => b.waiting - a.waiting);
    },
  };
}
