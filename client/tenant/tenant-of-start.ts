/**
 * Whose a start is: its account's tenant. Used by: `client/sync/start-sync.ts`, `client/action/act.ts`. A client of one tenant
 * asks more: `bind-tenant.ts`.
 */
import { isUnmigrated, TenantMismatch, tenantOfAccount, type Pool } from '../../db/index.ts';

/**
 * An account that was connected for no tenant, or started for none, may be started for any.
 * @param stated undefined: none was; then it is the one that the account was connected for.
 * @returns undefined when none is known.
 * @throws TenantMismatch when the account belongs to another one than is stated.
 */
export async function tenantOfStart(
  pool: Pool,
  providers: readonly string[],
  account: string,
  stated: string | undefined,
): Promise<string | undefined> {
  let tenant = stated;
  for (const provider of new Set(providers)) {
    const known = (await tenantOfAccount(pool, provider, account).catch(noneYet)) ?? undefined;
    // Its own name is what it has where nobody has said whose it is.
    const owner = known === account ? undefined : known;
    if (stated !== undefined && owner !== undefined && owner !== stated)
      throw new TenantMismatch({ provider, account }, stated);
    tenant ??= owner;
  }
  return tenant;
}

/** A database that nobody has migrated knows no account. */
function noneYet(error: unknown): undefined {
  if (!isUnmigrated(error)) throw error;
}
