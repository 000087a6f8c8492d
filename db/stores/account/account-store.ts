/**
 * Accounts: connected or not, and the runs that wait for one of them. Their secrets are in `credential-store.ts`.
 * Next: `client/account/accounts.ts` for the app, `activities/credentials/credentials.ts` for calls.
 */
import { checkLimit } from '../../../contracts/values/list-page.ts';
import type { AccountInfo, AccountStatus, ListedAccount } from '../../../contracts/account.ts';
import { MOST_COUNTED } from '../../../contracts/operate/run-list.ts';
import { cleanText } from '../../../contracts/values/clean-text.ts';
import { oneOf } from '../../../contracts/values/one-of.ts';
import { redact } from '../../../contracts/secrets/redact.ts';
import type { Queryable } from '../../pool.ts';

export interface AccountRef {
  readonly provider: string;
  readonly account: string;
}

/** A run that is paused because its account must be connected again. */
export interface PausedRun {
  readonly runId: string;
  readonly workflowId: string;
}

const LONGEST_REASON = 1_000;

const ACCOUNT = `
  select a.provider, a.account, a.tenant, a.status, a.reason, a.since, a.settings, c.expires_at
  from sluice.account a left join sluice.credential c using (provider, account)`;

/** @returns undefined when the account was never connected. */
export async function readAccount(db: Queryable, { provider, account }: AccountRef): Promise<AccountInfo | undefined> {
  const { rows } = await db.query<AccountRow>(`${ACCOUNT} where a.provider = $1 and a.account = $2`, [
    provider,
    account,
  ]);
  return rows[0] && toInfo(rows[0]);
}

export interface AccountFilter {
  readonly status?: AccountStatus;
  readonly provider?: string;
  readonly tenant?: string;
  /** `place` of the last account seen: goes on behind it. */
  readonly after?: string;
  /** Default 1,000. */
  readonly limit?: number;
}

const PLACE = /^(\d{1,17})\.([^/]*)\/(.*)$/s;
const STATUSES: readonly AccountStatus[] = ['connected', 'needs_reconnect'];

/** Each status is an index scan of its own that stops after one page. Indexes: account_by_status, account_by_provider. */
const LIST = (where: string, limit: string): string => `
  select a.provider, a.account, a.tenant, a.status, a.reason, a.since, a.settings, c.expires_at,
    (extract(epoch from a.since) * 1000000)::bigint as micros
  from (
    select found.* from unnest($1::text[]) wanted (status) cross join lateral (
      select a.* from sluice.account a where a.status = wanted.status ${where}
       order by a.since desc, a.provider desc, a.account desc limit ${limit}) found
    order by found.since desc, found.provider desc, found.account desc limit ${limit}) a
  left join sluice.credential c using (provider, account)
  order by a.since desc, a.provider desc, a.account desc`;

/**
 * Accounts, the latest change of status first.
 * @throws TypeError when `after` is not the place of an account, or there is no such `status`.
 */
export async function listAccounts(db: Queryable, filter: AccountFilter = {}): Promise<ListedAccount[]> {
  const { status, provider, tenant, after, limit = 1_000 } = filter;
  checkLimit(limit);
  oneOf('status', status, STATUSES);
  const values: unknown[] = [status === undefined ? STATUSES : [status]];
  const conditions: string[] = [];
  const at = (value: unknown): string => `$${values.push(value)}`;
  if (provider !== undefined) conditions.push(`and a.provider = ${at(provider)}`);
  if (tenant !== undefined) conditions.push(`and a.tenant = ${at(tenant)}`);
  if (after !== undefined) {
    const [, micros, ofProvider, account] = PLACE.exec(after) ?? [];
    if (micros === undefined)
      throw new TypeError(`\`after\` is ${JSON.stringify(after)}; pass the \`place\` of an account.`);
    conditions.push(
      `and (a.since, a.provider, a.account) < (timestamptz 'epoch' + ${at(micros)}::bigint * interval '1 microsecond', ${at(ofProvider)}::text, ${at(account)}::text)`,
    );
  }
  const where = conditions.join(' ');
  const { rows } = await db.query<AccountRow & { micros: number }>(LIST(where, at(limit)), values);
  return rows.map(({ micros, ...row }) => ({ ...toInfo(row), place: `${micros}.${row.provider}/${row.account}` }));
}

/** How many there are of each status, each counted up to `MOST_COUNTED + 1`. The same indexes. */
export async function countAccounts(db: Queryable, provider?: string): Promise<Record<AccountStatus, number>> {
  const { rows } = await db.query<{ status: AccountStatus; count: number }>(
    `select wanted.status, counted.count from unnest($1::text[]) wanted (status) cross join lateral (
       select count(*)::int as count from (
         select from sluice.account a where a.status = wanted.status ${provider === undefined ? '' : 'and a.provider = $2'} order by a.since
          limit ${MOST_COUNTED + 1}) few) counted`,
    [STATUSES, ...(provider === undefined ? [] : [provider])],
  );
  const of = (status: AccountStatus): number => rows.find((row) => row.status === status)?.count ?? 0;
  return { connected: of('connected'), needs_reconnect: of('needs_reconnect') };
}

// A refresh that was refused for the app's set-up may be tried at once: its settings may have been the reason. Locks: account, credential.
const UPDATE_SETTINGS = `
  with changed as (update sluice.account set settings = $3 where provider = $1 and account = $2 returning 1),
  mended as (
    update sluice.credential set retry_at = null
    where provider = $1 and account = $2 and is_misconfigured and exists (select 1 from changed)
  )
  select 1 from changed`;

/** Replaces its settings. Calls see them within some seconds. @returns false for an account that is not known. */
export async function updateSettings(
  db: Queryable,
  { provider, account }: AccountRef,
  settings: unknown,
): Promise<boolean> {
  const { rowCount } = await db.query(UPDATE_SETTINGS, [provider, account, JSON.stringify(settings)]);
  return rowCount === 1;
}

/**
 * Removes the account and its secrets. Its runs and records stay.
 * @param revokes keeps the secrets aside until the third party was told: see `revocation-store.ts`.
 * @returns false when there was none.
 */
export async function removeAccount(
  db: Queryable,
  { provider, account }: AccountRef,
  revokes: boolean,
): Promise<boolean> {
  const { rows } = await db.query<{ removed: boolean }>('select sluice.disconnect_account($1, $2, $3) as removed', [
    provider,
    account,
    revokes,
  ]);
  return rows[0]?.removed ?? false;
}

/**
 * Gives an account up until its user connects it again, and pauses its running syncs.
 * @returns false when the credentials were replaced meanwhile: then nothing was changed.
 */
export async function markNeedsReconnect(
  db: Queryable,
  { provider, account }: AccountRef,
  refused: {
    /** Of the credentials that were refused; null when there are none in the store. */
    readonly version: number | null;
    /** Without a version: how long ago they were asked for, in milliseconds. */
    readonly askedAgoMs?: number;
    readonly reason: string;
  },
): Promise<boolean> {
  const { rows } = await db.query<{ marked: boolean }>(
    'select sluice.mark_needs_reconnect($1, $2, $3, $4, $5) as marked',
    [provider, account, refused.version, refused.askedAgoMs ?? 0, cleanText(redact(refused.reason), LONGEST_REASON)],
  );
  return rows[0]?.marked ?? false;
}

/** Pauses a run whose account needs its user. @returns the reason; undefined when the account is connected (again). */
export async function pauseForAccount(db: Queryable, runId: string): Promise<string | undefined> {
  const { rows } = await db.query<{ reason: string | null }>('select sluice.pause_for_account($1) as reason', [runId]);
  return rows[0]?.reason ?? undefined;
}

/** Runs that are paused for an account that is connected: they are to be told. Index: run_paused_for_auth. */
export async function runsToResume(db: Queryable, of?: AccountRef): Promise<PausedRun[]> {
  const { rows } = await db.query<{ id: string; workflow_id: string }>(
    `select r.id, r.workflow_id from sluice.run r join sluice.account a using (provider, account)
     where r.state = 'paused' and r.paused_by = 'auth' and a.status = 'connected'
       and ($1::text is null or (r.provider = $1 and r.account = $2))
     order by r.started_at`,
    [of?.provider ?? null, of?.account ?? null],
  );
  return rows.map(({ id, workflow_id }) => ({ runId: id, workflowId: workflow_id }));
}

interface AccountRow {
  provider: string;
  account: string;
  tenant: string | null;
  status: AccountStatus;
  reason: string | null;
  since: Date;
  settings: unknown;
  expires_at: Date | null;
}

function toInfo(row: AccountRow): AccountInfo {
  const { since, expires_at, ...rest } = row;
  return { ...rest, since: since.toISOString(), expiresAt: expires_at?.toISOString() ?? null };
}
