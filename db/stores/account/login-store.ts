/**
 * Logins at third parties that are under way in a browser. Each is taken once, by the browser and the account that began it; whoever else
 * comes with its state changes nothing. Next: `connecting/begin-login.ts` and `connecting/finish-login.ts`.
 */
import type { Queryable } from '../../pool.ts';

/** Who comes back must be who left. */
export interface LoginOwner {
  /** Hash of the state. */
  readonly state: Buffer;
  /** Hash of what the browser proves itself by. */
  readonly session: Buffer;
  readonly provider: string;
  readonly account: string;
  readonly tenant: string | null;
}

export interface NewLogin extends LoginOwner {
  /** Undefined: those that the account has when the callback comes. */
  readonly settings: unknown;
  /** Path of the app that the browser is sent to at the end. */
  readonly returnTo: string;
  /** In milliseconds. */
  readonly lifeMs: number;
}

export type TakenLogin =
  | { readonly state: 'taken'; readonly settings: unknown; readonly returnTo: string }
  /** Nothing was changed. */
  | { readonly state: 'unknown' | 'used' | 'over' | 'other-browser' | 'other-account' };

/** By the index login_by_end, so many at a time. */
const REMOVE_OLD = `
  delete from sluice.login where state in (
    select state from sluice.login where expires_at < clock_timestamp() - interval '1 hour' order by expires_at limit 100 for update skip locked)`;

const KEEP = `
  insert into sluice.login (state, session, provider, account, tenant, settings, return_to, expires_at)
  values ($1, $2, $3, $4, $5, $6, $7, clock_timestamp() + $8::float8 * interval '1 millisecond')`;

/** Also deletes what is long over. */
export async function keepLogin(db: Queryable, login: NewLogin): Promise<void> {
  const { state, session, provider, account, tenant, settings, returnTo, lifeMs } = login;
  await db.query(REMOVE_OLD);
  const json = settings === undefined ? null : JSON.stringify(settings);
  await db.query(KEEP, [state, session, provider, account, tenant, json, returnTo, lifeMs]);
}

// One statement: of two callbacks at once the second finds it taken.
const TAKE = `
  update sluice.login set taken_at = clock_timestamp()
  where state = $1 and session = $2 and provider = $3 and account = $4 and tenant is not distinct from $5
    and taken_at is null and expires_at > clock_timestamp()
  returning settings, return_to as "returnTo"`;

const LOOK = `
  select session = $2 as "isBrowser", account = $4 and tenant is not distinct from $5 as "isAccount",
    taken_at is not null as "isUsed" from sluice.login where state = $1 and provider = $3`;

export async function takeLogin(
  db: Queryable,
  { state, session, provider, account, tenant }: LoginOwner,
): Promise<TakenLogin> {
  const values = [state, session, provider, account, tenant];
  const taken = await db.query<{ settings: unknown; returnTo: string }>(TAKE, values);
  if (taken.rows[0]) return { state: 'taken', ...taken.rows[0] };
  const { rows } = await db.query<{ isBrowser: boolean; isAccount: boolean; isUsed: boolean }>(LOOK, values);
  const [known] = rows;
  // What belongs to another browser is told nothing more.
  if (!known) return { state: 'unknown' };
  if (!known.isBrowser) return { state: 'other-browser' };
  if (!known.isAccount) return { state: 'other-account' };
  return { state: known.isUsed ? 'used' : 'over' };
}
