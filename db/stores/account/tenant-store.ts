/**
 * Whose something is: accounts belong to the tenant that they were connected for, all else to the one that it was started for.
 * Used by: `client/tenant/bind-tenant.ts`, `client/tenant/tenant-of-start.ts`. Next: `db/functions/accounts/tenant-of-account.sql`.
 */
import { runsBefore } from '../../../contracts/names.ts';
import type { Queryable } from '../../pool.ts';

/** The account belongs to another tenant. Nothing was changed or started. */
export class TenantMismatch extends Error {
  override readonly name = 'TenantMismatch';

  /** @param tenant the one that asked. Whose it is is not said. */
  constructor({ provider, account }: { readonly provider?: string; readonly account: string }, tenant: string) {
    const of = provider === undefined ? '' : ` of "${provider}"`;
    super(
      `account "${account}"${of} does not belong to tenant "${tenant}". Names of accounts must be unique over all tenants; ` +
        'an operator gives an account to another tenant by accounts.connect({ …, replaceTenant: true }).',
    );
  }
}

// By primary key; of one that is not connected by the indexes of what it has left.
const OF_ACCOUNT = 'select tenant from sluice.tenant_of_account($1, $2) tenant';

// An account's runs go with it when it is given to another tenant; what was written for a tenant stays that tenant's. By index each.
const OF_WORKFLOW = `
  select tenant from (
    select coalesce(a.tenant, r.tenant, r.account) as tenant, r.started_at as at
      from sluice.run r left join sluice.account a using (provider, account) where r.workflow_id = $1
    union all select tenant, created_at from sluice.action_step where workflow_id = $1
    union all select tenant, created_at from sluice.saga where workflow_id = $1
    union all select tenant, started_at from sluice.report where workflow_id = $1
      and not exists (select 1 from sluice.run r where r.workflow_id = $1)
  ) known order by at desc limit 1`;

const OF_RUN = `
  select coalesce(a.tenant, r.tenant, r.account) as tenant
  from sluice.run r left join sluice.account a using (provider, account)`;

/**
 * One that is not connected belongs to whom its runs and actions were for: a name that somebody has given up is nobody's to take.
 * @returns null where it has none, undefined where nothing is known of it.
 */
export async function tenantOfAccount(
  db: Queryable,
  provider: string,
  account: string,
): Promise<string | null | undefined> {
  const { rows } = await db.query<{ tenant: string | null }>(OF_ACCOUNT, [provider, account]);
  return rows[0]?.tenant;
}

/** A start that is queued is whose the runs are that it waits for. @returns null when no such workflow is known. */
export async function tenantOfWorkflow(db: Queryable, workflowId: string): Promise<string | null> {
  return first(db, OF_WORKFLOW, [runsBefore(workflowId) ?? workflowId]);
}

/** @returns null when no such run is known. */
export async function tenantOfRun(db: Queryable, runId: string): Promise<string | null> {
  return first(db, `${OF_RUN} where r.id = $1`, [runId]);
}

/** Whose the rows are that a sync stored for an account. @returns null when it has never run. */
export async function tenantOfRows(db: Queryable, sync: string, account: string): Promise<string | null> {
  return first(db, `${OF_RUN} where r.account = $1 and r.sync = $2 order by r.started_at desc limit 1`, [
    account,
    sync,
  ]);
}

async function first(db: Queryable, sql: string, values: readonly string[]): Promise<string | null> {
  const { rows } = await db.query<{ tenant: string | null }>(sql, [...values]);
  return rows[0]?.tenant ?? null;
}
