/** Limits for operators: as they stand, what is done to them, and who waits. Next: `limiter/admin/operations.ts`. */
import { AUTH_CALLS } from '../contracts/limits/auth-calls.ts';
import { createOperations, type LimitDetails, type Operations } from '../limiter/admin/operations.ts';
import { readLimitUsers, readListsOfCalls, type ListOfCall, type Pool } from '../db/index.ts';

export interface LimitUse {
  /** The sync, or the action. */
  readonly sync: string;
  /** Null where an account is its own tenant. */
  readonly tenant: string | null;
  /** Calls that wait, and of how many accounts. */
  readonly waiting: number;
  readonly accounts: number;
}

type QueuedCall = LimitDetails['queue'][number];

/** A call in the queue of a limit. */
export interface WaitingCall extends QueuedCall {
  /** Of its run, action or saga; null for a call that belongs to none: to refresh a token, or of code of your own. */
  readonly workflowId: string | null;
  /** What waits, in words: `posts of "u17"`. */
  readonly text: string;
}

export interface ShownLimit extends Omit<LimitDetails, 'queue'> {
  /** The first calls that wait, in order. */
  readonly queue: readonly WaitingCall[];
}

export interface Limits extends Omit<Operations, 'show'> {
  /** Undefined when the key was never used. */
  show(key: string): Promise<ShownLimit | undefined>;
  /** Who waits for a key now, by sync and tenant, the largest share first; of 2,000 calls at most. */
  users(key: string): Promise<readonly LimitUse[]>;
}

/** No run's. */
const NO_RUN = '00000000-0000-0000-0000-000000000000';

export function createLimits(pool: Pool): Limits {
  const operations = createOperations(pool);
  return {
    ...operations,
    show: async (key) => {
      const found = await operations.show(key);
      if (found === undefined) return undefined;
      const lists = await readListsOfCalls(pool, found.queue.map(({ callKey }) => callKey)); // prettier-ignore
      const listOf = new Map(lists.map((list) => [list.callKey, list]));
      return { ...found, queue: found.queue.map((call) => ({ ...call, ...whoWaits(call, listOf.get(call.callKey)) })) };
    },
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

function whoWaits(
  { callKey, account }: QueuedCall,
  list: ListOfCall | undefined,
): Pick<WaitingCall, 'workflowId' | 'text'> {
  if (list) {
    const { workflowId, node, parentKey } = list;
    return { workflowId, text: parentKey === null ? node : `${node} of ${JSON.stringify(parentKey)}` };
  }
  if (callKey.startsWith('action/')) return { workflowId: callKey.slice('action/'.length), text: 'a call of it' };
  const [call = '', provider = ''] = callKey.split('/');
  const isAuth = (AUTH_CALLS as readonly string[]).includes(call);
  return { workflowId: null, text: isAuth ? `${call} of the credentials of ${provider}/${account}` : callKey };
}
