/**
 * The audit of secrets: who used those of which account, for what, in which hour, how often. Events are written by the functions that
 * make them (`connect_account`, …); reads are counted in the process and written here. Nothing in it is a secret.
 * Next: `workers/loops/audit-reads.ts` writes, `client/account/accounts.ts` shows.
 */
import type { SecretUse } from '../../../contracts/account.ts';
import type { Queryable } from '../../pool.ts';
import type { Telling } from '../../told-once.ts';

export interface CountedUse {
  readonly provider: string;
  readonly account: string;
  readonly what: string;
  readonly times: number;
}

// In the order of the primary key, so that two processes never wait for one another.
const NOTE = `
  with once as materialized (select where sluice.is_told_first($2, $3))
  select sluice.note_secret_use(u.provider, u.account, u.what, u.times)
  from once, jsonb_to_recordset($1) as u (provider text, account text, what text, times bigint)
  order by u.provider, u.account, u.what`;

export async function noteSecretUses(
  db: Queryable,
  uses: readonly CountedUse[],
  { teller, serial }: Telling,
): Promise<void> {
  await db.query(NOTE, [JSON.stringify(uses), teller, serial]);
}

export interface SecretUseFilter {
  readonly provider?: string;
  readonly account?: string;
  /** ISO time: nothing that ended before it. */
  readonly since?: string;
  /** Default 1,000. */
  readonly limit?: number;
}

/** The latest hour first. */
export async function listSecretUses(db: Queryable, filter: SecretUseFilter = {}): Promise<SecretUse[]> {
  const { rows } = await db.query<Omit<SecretUse, 'firstAt' | 'lastAt'> & { firstAt: Date; lastAt: Date }>(
    `select provider, account, what, who, times, first_at as "firstAt", last_at as "lastAt" from sluice.secret_use
     where ($1::text is null or provider = $1) and ($2::text is null or account = $2)
       and ($3::timestamptz is null or last_at >= $3)
     order by hour desc, provider, account, what, who limit $4`,
    [filter.provider ?? null, filter.account ?? null, filter.since ?? null, filter.limit ?? 1_000],
  );
  return rows.map(({ firstAt, lastAt, ...use }) => ({
    ...use,
    firstAt: firstAt.toISOString(),
    lastAt: lastAt.toISOString(),
  }));
}
