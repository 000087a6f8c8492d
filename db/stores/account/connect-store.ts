/**
 * Connects accounts, for the first time or again. Used by: `client/account/accounts.ts`.
 */
import type { Credentials } from '../../../contracts/secrets/credentials.ts';
import { lifeLeftMs } from '../../../contracts/secrets/token-life.ts';
import type { Keyring } from '../../encryption.ts';
import type { Queryable } from '../../pool.ts';
import type { AccountRef } from './account-store.ts';
import { TenantMismatch } from './tenant-store.ts';

// What the secrets that follow are bound to.
const NEXT = `
  select coalesce(c.generation, nextval('sluice.credential_generation')) as generation, coalesce(c.version, 0) + 1 as version
  from (values (1)) one left join sluice.credential c on c.provider = $1 and c.account = $2`;

/**
 * Connects an account, for the first time or again. Without credentials the app keeps them itself; without settings it keeps those it has.
 * @param of `mayChangeTenant`: an account that belongs to another tenant may be given to this one. Default false.
 * @throws TenantMismatch when it belongs to another one; nothing was changed.
 */
export async function connectAccount(
  db: Queryable,
  keyring: Keyring | undefined,
  of: AccountRef & { readonly tenant?: string; readonly settings?: unknown; readonly mayChangeTenant?: boolean },
  credentials: Credentials | undefined,
): Promise<void> {
  const isStored = credentials !== undefined && keyring !== undefined;
  const lifeMs = credentials ? lifeFromNow(credentials) : null;
  for (;;) {
    const next = isStored ? await nextOf(db, of) : undefined;
    const sealed = isStored && next ? await keyring.seal(JSON.stringify(credentials), { ...of, ...next }) : undefined;
    const { rows } = await db.query<{ state: string }>(
      'select sluice.connect_account($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11) as state',
      [
        of.provider,
        of.account,
        of.tenant ?? null,
        sealed?.blob ?? null,
        sealed?.keyId ?? null,
        lifeMs,
        next?.generation ?? null,
        next?.version ?? null,
        of.settings === undefined ? null : JSON.stringify(of.settings),
        of.mayChangeTenant ?? false,
        credentials?.accessToken !== undefined,
      ],
    );
    const state = rows[0]?.state;
    if (state === 'other-tenant') throw new TenantMismatch(of, of.tenant as string);
    // Others were stored in between: these are newer.
    if (state !== 'newer') return;
  }
}

async function nextOf(
  db: Queryable,
  { provider, account }: AccountRef,
): Promise<{ generation: number; version: number }> {
  const { rows } = await db.query<{ generation: number; version: number }>(NEXT, [provider, account]);
  return rows[0] as { generation: number; version: number };
}

/** The issuer's time is taken relative to this process; from here on only the database's clock counts. */
function lifeFromNow(credentials: Credentials): number | null {
  const { expiresAt } = credentials;
  if (expiresAt !== undefined && Number.isNaN(Date.parse(expiresAt)))
    throw new TypeError(`\`expiresAt\` is ${JSON.stringify(expiresAt)}; it must be an ISO time.`);
  return lifeLeftMs(credentials) ?? null;
}
