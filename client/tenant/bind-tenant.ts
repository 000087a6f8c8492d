/**
 * A client that sees and touches one tenant alone: `connect({ tenant })`. What belongs to others is as if it were not there, and
 * starting or connecting something of theirs is refused. It keeps apart what an app does for its tenants; it is no protection from code
 * that has the database's password. Next: `db/stores/account/tenant-store.ts` says whose something is.
 */
import { actionWorkflowId, entityOf, sagaWorkflowId, syncWorkflowId } from '../../contracts/names.ts';
import {
  pendingOperations,
  TenantMismatch,
  tenantOfAccount,
  tenantOfRows,
  tenantOfRun,
  tenantOfWorkflow,
  type Pool,
} from '../../db/index.ts';
import type { AccountName, Accounts } from '../account/accounts.ts';
import type { RunSelection } from '../../contracts/operate/run-list.ts';
import type { StateFilter } from '../../db/index.ts';
import type { ActionHandle, SagaHandle } from '../action/action-handle.ts';
import type { Sluice } from '../connect.ts';
import type { SyncHandle } from '../sync/sync-handle.ts';

/** @param sluice made with `boundTo` of the same tenant. */
export function bindTenant(sluice: Sluice, pool: Pool, tenant: string): Sluice {
  const isOwn = async (whose: Promise<string | null>): Promise<boolean> => (await whose) === tenant;
  const stated = <Options extends { readonly tenant?: string }>(options: Options): Options & { tenant: string } => {
    if (options.tenant !== undefined && options.tenant !== tenant)
      throw new TypeError(`This client is bound to tenant "${tenant}"; \`tenant\` is "${options.tenant}".`);
    return { ...options, tenant };
  };
  const refuseOthers = async (provider: string, account: string, workflowId?: string): Promise<void> => {
    let owner = await tenantOfAccount(pool, provider, account);
    // Where the app keeps the credentials itself no account may be known: then whoever came first has it.
    if (owner === undefined && workflowId !== undefined)
      owner = (await tenantOfWorkflow(pool, workflowId)) ?? undefined;
    if (owner !== undefined && owner !== tenant) throw new TenantMismatch({ provider, account }, tenant);
  };
  /** Nobody else's, and known: nothing is said of what belongs to others. */
  const ownWorkflow = async (workflowId: string): Promise<void> => {
    if (!(await isOwn(tenantOfWorkflow(pool, workflowId))))
      throw new Error(`"${workflowId}" is not known to tenant "${tenant}".`);
  };
  const sync = (of: SyncHandle): SyncHandle => ({
    ...guarded(of, ownWorkflow),
    progress: async () =>
      (await isOwn(tenantOfWorkflow(pool, of.workflowId))) ? of.progress() : { state: 'unknown' as const },
    startAgain: async (options) => {
      await ownWorkflow(of.workflowId);
      return sync(await of.startAgain(options));
    },
    retryFailed: async (options) => {
      await ownWorkflow(of.workflowId);
      return sync(await of.retryFailed(options));
    },
  });
  const action = <Output>(of: ActionHandle<Output>): ActionHandle<Output> => ({
    ...guarded(of, ownWorkflow),
    status: async () => ((await isOwn(tenantOfWorkflow(pool, of.workflowId))) ? of.status() : undefined),
    request: async () => ((await isOwn(tenantOfWorkflow(pool, of.workflowId))) ? of.request() : undefined),
    sendAgain: async (options) => {
      await ownWorkflow(of.workflowId);
      return action(await of.sendAgain(options));
    },
  });
  const saga = <Outputs>(of: SagaHandle<Outputs>): SagaHandle<Outputs> => ({
    ...guarded(of, ownWorkflow),
    status: async () => ((await isOwn(tenantOfWorkflow(pool, of.workflowId))) ? of.status() : undefined),
    steps: async () => ((await isOwn(tenantOfWorkflow(pool, of.workflowId))) ? of.steps() : []),
  });

  const ownRows = async (name: string, account: string): Promise<void> => {
    if (!(await isOwn(tenantOfRows(pool, name, account)))) throw new TenantMismatch({ account }, tenant);
  };
  const ownState = async ({ sync: name, account }: StateFilter): Promise<void> => {
    if (name === undefined)
      throw new TypeError('A client that is bound to a tenant gives the `sync` whose state it wants.');
    await ownRows(name, account);
  };

  const ownAccount = async ({ sync: name, account }: RunSelection): Promise<boolean> => {
    if (name === undefined || account === undefined)
      throw new TypeError('A client that is bound to a tenant gives `sync` and `account` of the runs that it wants.');
    return isOwn(tenantOfRows(pool, name, account));
  };

  return {
    ...sluice,
    runs: {
      list: async (filter = {}) => ((await ownAccount(filter)) ? sluice.runs.list(filter) : []),
      count: async (selection = {}) => {
        if (await ownAccount(selection)) return sluice.runs.count(selection);
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
      await ownRows(syncOf(node), options.account);
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
    accounts: boundAccounts(sluice.accounts, pool, tenant, stated),
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
      return action(await sluice.act(definition, stated(options)));
    },
    saga: async (definition, options) => {
      const { account, idempotencyKey } = options;
      const { name, steps } = definition.definition;
      const workflowId = idempotencyKey && sagaWorkflowId(name, account, idempotencyKey);
      for (const { action: step } of steps) await refuseOthers(step.provider.id, account, workflowId);
      return saga(await sluice.saga(definition, stated(options)));
    },
    action: (of: { readonly workflowId: string }) => action<never>(sluice.action(of) as ActionHandle<never>),
    sagaOf: (of: { readonly workflowId: string }) => saga<never>(sluice.sagaOf(of) as SagaHandle<never>),
    pending: async (entity) => {
      const operations = await pendingOperations(pool, entityOf(entity, tenant));
      return operations.map((operation) => ({ ...operation, entity }));
    },
    start: async (definition, options) => {
      const { name, provider } = definition.definition;
      await refuseOthers(provider.id, options.account, syncWorkflowId(name, options.account));
      return sync(await sluice.start(definition, stated(options)));
    },
    run: (of) => sync(sluice.run(of)),
    progress: async (runId) => ((await isOwn(tenantOfRun(pool, runId))) ? sluice.progress(runId) : undefined),
    flawedLists: async function* (runId, filter) {
      if (await isOwn(tenantOfRun(pool, runId))) yield* sluice.flawedLists(runId, filter);
    },
    records: async function* (node, options) {
      if (await isOwn(tenantOfRows(pool, syncOf(node), options.account))) yield* sluice.records(node, options);
    },
  };
}

const forAllTenants = (what: string) => (): Promise<never> =>
  Promise.reject(new TypeError(`${what} concerns all tenants; a client that is bound to one can't do it.`));
/** Keys are shared by all tenants. */
const noLimits = forAllTenants('To look at limits, or to change them,');
/** It is for all accounts of a provider. */
const noSchedules = forAllTenants('A schedule');

const noWorkers = forAllTenants('A worker');
const noBuilds = forAllTenants('A build of the workers');

function syncOf({ resource }: { readonly resource: string }): string {
  return resource.split('.', 1)[0] as string;
}

/** Every method of a handle asks first whether it may. */
function guarded<Handle extends { readonly workflowId: string }>(
  handle: Handle,
  mayTouch: (workflowId: string) => Promise<void>,
): Handle {
  const entries = Object.entries(handle).map(([name, value]) => {
    if (typeof value !== 'function') return [name, value] as const;
    const method = value as (...given: unknown[]) => Promise<unknown>;
    const asking = async (...given: unknown[]) => {
      await mayTouch(handle.workflowId);
      return method(...given);
    };
    return [name, asking] as const;
  });
  return Object.fromEntries(entries) as Handle;
}

function boundAccounts(
  accounts: Accounts,
  pool: Pool,
  tenant: string,
  stated: <Options extends { readonly tenant?: string }>(options: Options) => Options & { tenant: string },
): Accounts {
  const isOwn = async ({ provider, account }: AccountName): Promise<boolean> =>
    (await tenantOfAccount(pool, typeof provider === 'string' ? provider : provider.id, account)) === tenant;
  const own = async (of: AccountName): Promise<void> => {
    if (!(await isOwn(of))) throw new TenantMismatch({ account: of.account }, tenant);
  };
  return {
    connect: async ({ replaceTenant, ...options }) => {
      if (replaceTenant) await forAllTenants('To replace a tenant')();
      return accounts.connect(stated(options));
    },
    reconnected: async (options) => {
      await own(options);
      return accounts.reconnected(options);
    },
    status: async (of) => ((await isOwn(of)) ? accounts.status(of) : undefined),
    update: async (options) => {
      await own(options);
      return accounts.update(options);
    },
    show: async (of) => accounts.show(stated(of)),
    count: async () => forAllTenants('Counts of accounts')(),
    list: async (filter = {}) => accounts.list(stated(filter)),
    disconnect: async (of) => ((await isOwn(of)) ? accounts.disconnect(of) : false),
    erase: async (of) => {
      await own(of);
      return accounts.erase(of);
    },
    stored: async (of) => {
      await own(of);
      return accounts.stored(of);
    },
    rotateKeys: async () => forAllTenants('To rotate keys')(),
    secretUses: async (filter = {}) => {
      const { provider, account } = filter;
      if (provider === undefined || account === undefined)
        throw new TypeError('A client that is bound to a tenant gives `provider` and `account` whose uses it wants.');
      return (await isOwn({ provider, account })) ? accounts.secretUses(filter) : [];
    },
  };
}
