// Workflows: the fixed interpreters that run any plan. Imports contracts and the Temporal workflow library only.
// Start with sync.ts. Whatever is started from outside goes through `reported`, so that it has a report of its own.
import type { ActionInput, SagaInput } from '../contracts/action.ts';
import type { SyncInput } from '../contracts/messages.ts';
import type { StartedBy } from '../contracts/report.ts';
import { action as runAction } from './action.ts';
import { canary } from './canary.ts';
import { fleet } from './fleet.ts';
import { onePerAccount } from './run/one-per-account.ts';
import { setVersioning } from './run/versioning.ts';
import { reported, reportedAsEnded } from './reported.ts';
import { saga as runSaga } from './saga.ts';
import { sync as runSync } from './sync.ts';

const factsOfSync = (input: SyncInput) =>
  ({ kind: 'sync', name: input.sync, what: input.sync, ...whose(input) }) as const;
export const sync = onePerAccount(reported(runSync, factsOfSync, true), reportedAsEnded(factsOfSync));

export const action = reported(runAction, (input: ActionInput) => ({
  kind: 'action',
  name: input.action,
  what: input.action,
  ...whose(input),
}));

export const saga = reported(runSaga, (input: SagaInput) => ({
  kind: 'saga',
  name: input.saga,
  what: input.saga,
  ...whose(input),
}));

/** Not reported: nobody has asked for the one, and each run of the other has a report of its own. */
export { canary, fleet };

setVersioning({ runs: sync, short: [action, saga, canary, fleet] });

function whose(input: { readonly account: string; readonly tenant?: string; readonly startedBy?: StartedBy }) {
  const { account, tenant = account, startedBy = 'system' } = input;
  return { account, tenant, startedBy };
}
