/**
 * A start names the tenant of its account, or none. Used by: `client/sync/start-sync.ts`, `client/action/act.ts`. A client of one tenant
 * asks more: `bind-tenant.ts`.
 */
import { TenantMismatch, tenantOfAccount, type Pool } from '../../db/index.ts';

/**
 * An account that was connected for no tenant may be started for any.
 * @param tenant as it was stated; undefined: none was.
 * @throws TenantMismatch when the account belongs to another one.
 */
export async function checkTenant(
  pool: Pool,
  providers: readonly string[],
  account: string,
  tenant: string | undefined,
): Promise<void> {
  if (tenant === undefined) return;
  for (const provider of new Set(providers)) {
    const owner = await tenantOfAccount(pool, provider, account);
    if (owner !== undefined && owner !== null && owner !== tenant)
      throw new TenantMismatch({ provider, account }, tenant);
  }
}
