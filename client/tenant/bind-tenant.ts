/**
 * A client that sees and touches one tenant alone: `connect({ tenant })`. What belongs to others is as if it were not
 * there, and starting or connecting something of theirs is refused. It keeps apart what an app does for its tenants. It
 * is no protection from code that has the database's password. Next: `ownership.ts`, `own-handles.ts`, `own-accounts.ts`.
 */
import { actionWorkflowId, entityOf, sagaWorkflowId, syncWorkflowId } from '../../contracts/names.ts';
import type { RunSelection } from '../../contracts/operate/run-list.ts';
import { pendingOperations, type Pool, type StateFilter } from '../../db/index.ts';
import type { ActionHandle, SagaHandle } from '../action/action-handle.ts';
import type { Sluice } from '../connect.ts';
import { ownAccounts } from './own-accounts.ts';
import { ownAction, ownRun, ownSaga } from './own-handles.ts';
import { createOwnership, forAllTenants } from './ownership.ts';

/** @param sluice made with `boundTo` of the same tenant. */
export function bindTenant(sluice: Sluice, pool: Pool, tenant: string): Sluice {
  const by = createOwnership(pool, tenant);
  const { stated, refuseOthers, requireRows } = by;
  const ownState = async ({ sync: name, account }: StateFilter): Promise<void> => {
    if (name === undefined)
      throw new TypeError('A client that is bound to a tenant gives the `sync` whose state it wants.');
    await requireRows(name, account);
  };
  const ownsRuns = async ({ sync: name, account }: RunSelection): Promise<boolean> => {
    if (name === undefined || account === undefined)
      throw new TypeError('A client that is bound to a tenant gives `sync` and `account` of the runs that it wants.');
    return by.ownsRows(name, account);
  };

  return {
    ...sluice,
    runs: {
      list: async (filter = {}) => ((await ownsRuns(filter)) ? sluice.runs.list(filter) : []),
      count: async (selection = {}) => {
        if (await ownsRuns(selection)) return sluice.runs.count(selection);
        return { running: 0, paused: 0, done: 0, incomplete: 0, failed: 0, cancelled: 0 };
      },
      names: forAllTenants('Names of syncs and providers'),
      lastEnded: forAllTenants('The last runs of syncs'),
    },
    state: {
      show: async (of, options) => {
        await ownState(of);
        return sluice.state.show(of, options);
      },
      reset: async (of, options) => {
        await ownState(of);
        return sluice.state.reset(of, options);
      },
    },
    mapAgain: async (node, options) => {
      await requireRows(syncOf(node), options.account);
      return sluice.mapAgain(node, options);
    },
    overview: forAllTenants('The overview'),
    workers: { list: noWorkers, control: noWorkers, drain: noWorkers, setConcurrency: noWorkers },
    schedules: { plan: noSchedules, apply: noSchedules, list: noSchedules, pause: noSchedules, resume: noSchedules },
    deployments: { list: noBuilds, promote: noBuilds, release: noBuilds },
    alerts: {
      list: (filter = {}) => sluice.alerts.list(stated(filter)),
      look: forAllTenants('To look for alerts'),
      queues: forAllTenants('Task queues'),
      freshness: forAllTenants('What a worker has seen'),
      forgetQueue: forAllTenants('A task queue'),
    },
    freshness: (filter = {}) => sluice.freshness(stated(filter)),
    pace: forAllTenants('The pace'),
    accounts: ownAccounts(by, sluice.accounts),
    limits: {
      list: noLimits,
      count: noLimits,
      show: noLimits,
      pause: noLimits,
      resume: noLimits,
      override: noLimits,
      forget: noLimits,
      users: noLimits,
      history: noLimits,
    },
    audit: { list: async (filter = {}) => sluice.audit.list(stated(filter)) },
    reports: { list: async (filter = {}) => sluice.reports.list(stated(filter)) },
    act: async (definition, options) => {
      const { id, provider } = definition.definition;
      const { account, idempotencyKey } = options;
      await refuseOthers(provider.id, account, idempotencyKey && actionWorkflowId(id, account, idempotencyKey));
      return ownAction(by, await sluice.act(definition, stated(options)));
    },
    saga: async (definition, options) => {
      const { account, idempotencyKey } = options;
      const { name, steps } = definition.definition;
      const workflowId = idempotencyKey && sagaWorkflowId(name, account, idempotencyKey);
      for (const { action: step } of steps) await refuseOthers(step.provider.id, account, workflowId);
      return ownSaga(by, await sluice.saga(definition, stated(options)));
    },
    action: (of: { readonly workflowId: string }) => ownAction<never>(by, sluice.action(of) as ActionHandle<never>),
    sagaOf: (of: { readonly workflowId: string }) => ownSaga<never>(by, sluice.sagaOf(of) as SagaHandle<never>),
    pending: async (entity) => {
      const operations = await pendingOperations(pool, entityOf(entity, tenant));
      return operations.map((operation) => ({ ...operation, entity }));
    },
    start: async (definition, options) => {
      const { name, provider } = definition.definition;
      await refuseOthers(provider.id, options.account, syncWorkflowId(name, options.account));
      return ownRun(by, await sluice.start(definition, stated(options)));
    },
    run: (of) => ownRun(by, sluice.run(of)),
    progress: async (runId) => ((await by.ownsRun(runId)) ? sluice.progress(runId) : undefined),
    flawedLists: async function* (runId, filter) {
      if (await by.ownsRun(runId)) yield* sluice.flawedLists(runId, filter);
    },
    records: async function* (node, options) {
      if (await by.ownsRows(syncOf(node), options.account)) yield* sluice.records(node, options);
    },
  };
}

/** Keys are shared by all tenants. */
const noLimits = forAllTenants('To look at limits, or to change them,');
/** It is for all accounts of a provider. */
const noSchedules = forAllTenants('A schedule');

const noWorkers = forAllTenants('A worker');
const noBuilds = forAllTenants('A build of the workers');

function syncOf({ resource }: { readonly resource: string }): string {
  return resource.split('.', 1)[0] as string;
}
