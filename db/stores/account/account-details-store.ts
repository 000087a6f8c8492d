/**
 * All that is known of one account: its token's state, and the newest and the last good run of each of its syncs. Every part is read
 * by an index, whatever the number of accounts and runs. Next: `client/account/account-details.ts`.
 */
import type { AccountStatus, TokenState } from '../../../contracts/account.ts';
import type { RunMode, RunState } from '../../../contracts/run.ts';
import type { Queryable } from '../../pool.ts';

export interface ConnectionRow {
  readonly provider: string;
  readonly tenant: string | null;
  readonly status: AccountStatus;
  readonly reason: string | null;
  readonly since: string;
  readonly token: TokenState | null;
}

/** Index: account_by_name. */
const CONNECTIONS = `
  select a.provider, a.tenant, a.status, a.reason, a.since, c.expires_at, c.issued_at, c.failures, c.failure, c.has_token,
    case when c.retry_at > clock_timestamp() then c.retry_at end as retry_at, c.expires_at <= clock_timestamp() as has_ended
  from sluice.account a left join sluice.credential c using (provider, account) where a.account = $1 order by a.provider`;

/** The account of that name at each provider that it was connected to. */
export async function readConnections(db: Queryable, account: string): Promise<ConnectionRow[]> {
  const { rows } = await db.query<FoundConnection>(CONNECTIONS, [account]);
  return rows.map(({ provider, tenant, status, reason, since, ...token }) => ({
    provider,
    tenant,
    status,
    reason,
    since: since.toISOString(),
    token: tokenOf(token),
  }));
}

export interface AccountSyncRow {
  readonly sync: string;
  readonly provider: string;
  readonly tenant: string | null;
  readonly workflowId: string;
  readonly runId: string;
  readonly state: RunState;
  readonly startedAt: Date;
  readonly endedAt: Date | null;
  readonly goodRunId: string | null;
  readonly goodMode: RunMode | null;
  readonly goodEndedAt: Date | null;
  readonly ageMs: number | null;
  readonly flaws: number;
  readonly quarantined: number;
}

/** Steps from sync to sync through run_by_account, and reads two runs of each; run_good; the quarantine by its unique index. */
const SYNCS = `
  with recursive known (sync) as (
    (select r.sync from sluice.run r where r.account = $1 order by r.sync limit 1)
    union all
    select (select r.sync from sluice.run r where r.account = $1 and r.sync > known.sync order by r.sync limit 1)
      from known where known.sync is not null
  )
  select known.sync, coalesce(nullif(newest.provider, ''), good.provider, '') as provider, newest.tenant,
    newest.workflow_id as "workflowId", newest.id as "runId", newest.state, newest.started_at as "startedAt",
    newest.ended_at as "endedAt", good.id as "goodRunId", good.mode as "goodMode", good.ended_at as "goodEndedAt",
    (extract(epoch from clock_timestamp() - good.ended_at) * 1000)::float8 as "ageMs", flaws.count as flaws,
    (select count(*)::int from sluice.quarantine q where q.account = $1 and q.sync = known.sync) as quarantined
  from known
  cross join lateral (
    select * from sluice.run r where r.account = $1 and r.sync = known.sync order by r.started_at desc limit 1) newest
  left join lateral (
    select * from sluice.run r where r.account = $1 and r.sync = known.sync and r.state = 'done'
     order by r.ended_at desc limit 1) good on true
  cross join lateral (select coalesce(sum(n.flawed), 0)::int as count from sluice.node n where n.run_id = newest.id) flaws
  where known.sync is not null order by known.sync`;

/** Every sync that was ever run for an account of this name. */
export async function readAccountSyncs(db: Queryable, account: string): Promise<AccountSyncRow[]> {
  return (await db.query<AccountSyncRow>(SYNCS, [account])).rows;
}

/** Index: report_pending_by_account. */
const PENDING_OPERATIONS = `
  select distinct r.root_workflow_id as "workflowId", s.provider from sluice.report r
    left join sluice.action_step s on s.root_workflow_id = r.root_workflow_id
   where r.account = $1 and r.status = 'pending' and r.kind <> 'sync' order by 1 limit $2`;

export interface OpenOperation {
  /** Of an action or a whole saga. */
  readonly workflowId: string;
  /** Null while nothing of it was written down. */
  readonly provider: string | null;
}

/** Actions and sagas of the account that have not ended, at most `limit`. */
export async function openOperations(db: Queryable, account: string, limit: number): Promise<OpenOperation[]> {
  return (await db.query<OpenOperation>(PENDING_OPERATIONS, [account, limit])).rows;
}

/** Index: limit_ticket_call. */
const KEYS_OF_ACTIONS = `
  select distinct s.root_workflow_id as "workflowId", b.key from sluice.action_step s
    join sluice.limit_ticket t on t.call_key = 'action/' || s.workflow_id
    join sluice.limit_bucket b on b.id = t.bucket_id where s.root_workflow_id = any ($1)`;

/** The limits that actions have a place in the queue of. */
export async function keysOfOperations(
  db: Queryable,
  rootIds: readonly string[],
): Promise<readonly { readonly workflowId: string; readonly key: string }[]> {
  return (await db.query<{ workflowId: string; key: string }>(KEYS_OF_ACTIONS, [rootIds])).rows;
}

interface FoundToken {
  readonly expires_at: Date | null;
  readonly issued_at: Date | null;
  readonly failures: number | null;
  readonly failure: string | null;
  readonly retry_at: Date | null;
  readonly has_ended: boolean | null;
  readonly has_token: boolean | null;
}

interface FoundConnection extends FoundToken {
  readonly provider: string;
  readonly tenant: string | null;
  readonly status: AccountStatus;
  readonly reason: string | null;
  readonly since: Date;
}

function tokenOf(found: FoundToken): TokenState | null {
  const { expires_at, issued_at, failures, failure, retry_at, has_ended, has_token } = found;
  if (issued_at === null) return null;
  return {
    state: (failures ?? 0) > 0 ? 'refresh-fails' : !has_token ? 'none' : has_ended ? 'ended' : 'valid',
    endsAt: expires_at?.toISOString() ?? null,
    issuedAt: issued_at.toISOString(),
    failures: failures ?? 0,
    failure,
    retryAt: retry_at?.toISOString() ?? null,
  };
}
