/**
 * Alerts: fired when something is so, cleared when it is not any more, once each, whoever looks. Next: `delivery-store.ts` has them on
 * their way.
 */
import { checkLimit } from '../../../contracts/values/list-page.ts';
import {
  ALERT_KINDS,
  type Alert,
  type AlertKind,
  type AlertRules,
  type Condition,
} from '../../../contracts/alerts/alert.ts';
import { cleanText } from '../../../contracts/values/clean-text.ts';
import { oneOf } from '../../../contracts/values/one-of.ts';
import { redact } from '../../../contracts/secrets/redact.ts';
import type { Pool, Queryable } from '../../pool.ts';
import { inTransaction } from '../../pool.ts';

const LONGEST_TEXT = 2_000;

// One open alert of a kind and subject (alert_open): of two processes that look, one fires.
const FIRE = `
  with fired as (
    insert into sluice.alert (kind, subject, tenant, text, details)
    select $1, c.subject, c.tenant, c.text, c.details from unnest($2::text[], $3::text[], $4::text[], $5::jsonb[])
      as c (subject, tenant, text, details)
    on conflict (kind, subject) where cleared_at is null do nothing returning id
  ), told as (
    insert into sluice.alert_delivery (alert_id, event, channel)
    select fired.id, 'fired', v.channel from fired cross join (values ('handler'), ('webhook')) v (channel))
  select count(*)::int as count from fired`;
const RENEW = `
  update sluice.alert a set text = c.text, details = c.details
  from unnest($2::text[], $3::text[], $4::jsonb[]) as c (subject, text, details)
  where a.kind = $1 and a.subject = c.subject and a.cleared_at is null and a.text <> c.text`;
const CLEAR = `
  with cleared as (
    update sluice.alert set cleared_at = clock_timestamp()
    where kind = $1 and cleared_at is null and subject <> all ($2) returning id
  ), told as (
    insert into sluice.alert_delivery (alert_id, event, channel)
    select cleared.id, 'cleared', v.channel from cleared cross join (values ('handler'), ('webhook')) v (channel))
  select count(*)::int as count from cleared`;

export interface LookResult {
  readonly fired: number;
  readonly cleared: number;
}

/** One process at a time looks at a kind and writes down what it saw: none takes back what another has seen since. */
export async function withKindLocked<T>(pool: Pool, kind: AlertKind, work: (tx: Queryable) => Promise<T>): Promise<T> {
  return inTransaction(pool, async (tx) => {
    await tx.query(`select pg_advisory_xact_lock(hashtextextended('sluice.alert ' || $1, 0))`, [kind]);
    return work(tx);
  });
}

/** @param conditions all of this kind that are so now: what is open and not among them is cleared. */
export async function settleAlerts(
  tx: Queryable,
  kind: AlertKind,
  conditions: readonly Condition[],
): Promise<LookResult> {
  const columns = (of: readonly Condition[]) => ({
    subjects: of.map(({ subject }) => subject),
    texts: of.map(({ text }) => cleanText(redact(text), LONGEST_TEXT)),
    details: of.map((each) => JSON.stringify(each.details)),
  });
  const all = columns(conditions);
  const cleared = await tx.query<{ count: number }>(CLEAR, [kind, all.subjects]);
  await tx.query(RENEW, [kind, all.subjects, all.texts, all.details]);
  const alone = conditions.filter(({ isOneOfMany = false }) => !isOneOfMany);
  const { subjects, texts, details } = columns(alone);
  const tenants = alone.map(({ tenant }) => tenant);
  const fired = await tx.query<{ count: number }>(FIRE, [kind, subjects, tenants, texts, details]);
  return { fired: fired.rows[0]?.count ?? 0, cleared: cleared.rows[0]?.count ?? 0 };
}

/**
 * @param rules of this worker's code, for those who look without any.
 * @returns whether it is this process's turn to look: nobody has for so long.
 */
export async function takeRound(db: Queryable, everyMs: number, rules: AlertRules): Promise<boolean> {
  const { rowCount } = await db.query(
    `insert into sluice.alert_round as r (looked_at, rules) values (clock_timestamp(), $2)
     on conflict (one) do update set looked_at = clock_timestamp(), rules = excluded.rules
     where r.looked_at < clock_timestamp() - make_interval(secs => $1 / 1000.0)`,
    [everyMs, JSON.stringify(rules)],
  );
  return rowCount === 1;
}

/** What the workers' code says; nothing before one has looked. */
export async function readAlertRules(db: Queryable): Promise<AlertRules> {
  return (await db.query<{ rules: AlertRules }>('select rules from sluice.alert_round')).rows[0]?.rules ?? {};
}

export interface AlertFilter {
  readonly kind?: AlertKind;
  readonly tenant?: string;
  /** That one alone, open or cleared. */
  readonly id?: string;
  /** Of an account: what is about one of its syncs, or its token. */
  readonly account?: string;
  /** True: also those that are cleared. Default false. */
  readonly all?: boolean;
  /** 1 … 1,000, the newest ones. Default 100. */
  readonly limit?: number;
}

interface AlertRow {
  readonly id: string;
  readonly kind: AlertKind;
  readonly subject: string;
  readonly tenant: string | null;
  readonly text: string;
  readonly details: Alert['details'];
  readonly fired_at: Date;
  readonly cleared_at: Date | null;
}

export const ALERT_COLUMNS = 'a.id, a.kind, a.subject, a.tenant, a.text, a.details, a.fired_at, a.cleared_at';

export function toAlert({ id, kind, subject, tenant, text, details, fired_at, cleared_at }: AlertRow): Alert {
  return {
    id,
    kind,
    subject,
    tenant,
    text,
    details,
    firedAt: fired_at.toISOString(),
    clearedAt: cleared_at?.toISOString() ?? null,
  };
}

/** Open ones, or all, the newest first. @throws TypeError when `kind` or `limit` is not what it should be. */
export async function listAlerts(db: Queryable, filter: AlertFilter = {}): Promise<Alert[]> {
  const { kind, tenant, id, account, all = id !== undefined, limit = 100 } = filter;
  checkLimit(limit);
  oneOf('kind', kind, ALERT_KINDS);
  // Subjects are `sync/account` and `provider/account`, without a slash in the first part.
  const { rows } = await db.query<AlertRow>(
    `select ${ALERT_COLUMNS} from sluice.alert a
     where ($1::text is null or a.kind = $1) and ($2::text is null or a.tenant = $2) ${all ? '' : 'and a.cleared_at is null'}
       ${id === undefined ? 'and $4::uuid is null' : 'and a.id = $4::uuid'}
       and ($5::text is null or a.kind in ('stale', 'needs-reconnect', 'flaws') and substr(a.subject, strpos(a.subject, '/') + 1) = $5)
     order by a.fired_at desc, a.id limit $3`,
    [kind ?? null, tenant ?? null, limit, id ?? null, account ?? null],
  );
  return rows.map(toAlert);
}
