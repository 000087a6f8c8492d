/**
 * What belongs to one tenant, and what is said where something does not: refused, or as if it were not there.
 * Used by: `bind-tenant.ts`, `own-handles.ts`, `own-accounts.ts`. Next: `db/stores/account/tenant-store.ts` says whose something is.
 */
import {
  TenantMismatch,
  tenantOfAccount,
  tenantOfRows,
  tenantOfRun,
  tenantOfWorkflow,
  type Pool,
} from '../../db/index.ts';

export interface Ownership {
  readonly tenant: string;
  /** The options with this tenant. @throws TypeError when they name another one. */
  readonly stated: <Options extends { readonly tenant?: string }>(options: Options) => Options & { tenant: string };
  readonly ownsAccount: (provider: string, account: string) => Promise<boolean>;
  readonly ownsWorkflow: (workflowId: string) => Promise<boolean>;
  readonly ownsRun: (runId: string) => Promise<boolean>;
  readonly ownsRows: (sync: string, account: string) => Promise<boolean>;
  /** @throws TenantMismatch where the account is another tenant's. One of nobody's may be started for. */
  readonly refuseOthers: (provider: string, account: string, workflowId?: string) => Promise<void>;
  /** Nobody else's, and known: nothing is said of what belongs to others. @throws Error when it is not so. */
  readonly requireWorkflow: (workflowId: string) => Promise<void>;
  /** @throws TenantMismatch when the rows are not this tenant's. */
  readonly requireRows: (sync: string, account: string) => Promise<void>;
}

export function createOwnership(pool: Pool, tenant: string): Ownership {
  const isOwn = async (whose: Promise<string | null | undefined>): Promise<boolean> => (await whose) === tenant;
  const ownsWorkflow = (workflowId: string): Promise<boolean> => isOwn(tenantOfWorkflow(pool, workflowId));
  const ownsRows = (sync: string, account: string): Promise<boolean> => isOwn(tenantOfRows(pool, sync, account));
  return {
    tenant,
    stated: (options) => {
      if (options.tenant !== undefined && options.tenant !== tenant)
        throw new TypeError(`This client is bound to tenant "${tenant}"; \`tenant\` is "${options.tenant}".`);
      return { ...options, tenant };
    },
    ownsAccount: (provider, account) => isOwn(tenantOfAccount(pool, provider, account)),
    ownsWorkflow,
    ownsRun: (runId) => isOwn(tenantOfRun(pool, runId)),
    ownsRows,
    refuseOthers: async (provider, account, workflowId) => {
      let owner = await tenantOfAccount(pool, provider, account);
      // Where the app keeps the credentials itself no account may be known: then whoever came first has it.
      if (owner === undefined && workflowId !== undefined)
        owner = (await tenantOfWorkflow(pool, workflowId)) ?? undefined;
      if (owner !== undefined && owner !== tenant) throw new TenantMismatch({ provider, account }, tenant);
    },
    requireWorkflow: async (workflowId) => {
      if (!(await ownsWorkflow(workflowId))) throw new Error(`"${workflowId}" is not known to tenant "${tenant}".`);
    },
    requireRows: async (sync, account) => {
      if (!(await ownsRows(sync, account))) throw new TenantMismatch({ account }, tenant);
    },
  };
}

/** What a client of one tenant can't do, since it concerns all. */
export const forAllTenants = (what: string) => (): Promise<never> =>
  Promise.reject(new TypeError(`${what} concerns all tenants; a client that is bound to one can't do it.`));
