/**
 * The rows of the audit. Used by: `client/audit/record-act.ts`, which writes them, and `audit.list` of the client.
 */
import { checkLimit, checkPlace } from '../../../contracts/values/list-page.ts';
import type { Actor, AuditEntry, AuditFilter, Subject } from '../../../contracts/operate/audit.ts';
import type { Queryable } from '../../pool.ts';

export interface ActBegun {
  readonly actor: Actor;
  readonly act: string;
  readonly subject: Subject;
  readonly tenant: string | null;
  readonly why: string | null;
  /** JSON, or null. */
  readonly before: string | null;
}

export interface ActEnded {
  readonly outcome: 'done' | 'failed';
  readonly error: string | null;
  readonly after: string | null;
  readonly tenant: string | null;
}

const BEGIN = `
  insert into sluice.audit (by, via, act, subject_kind, subject, account, tenant, why, before)
  values ($1, $2, $3, $4, $5, $6, $7, $8, $9) returning id`;

/** @returns its id. */
export async function beginAct(db: Queryable, begun: ActBegun): Promise<number> {
  const { actor, act, subject, tenant, why, before } = begun;
  const { kind, id, account = null } = subject;
  const values = [actor.by, actor.via ?? 'client', act, kind, id, account, tenant, why, before];
  const { rows } = await db.query<{ id: number }>(BEGIN, values);
  return rows[0]!.id;
}

const END = `
  update sluice.audit set ended_at = clock_timestamp(), outcome = $2, error = $3, after = $4, tenant = $5
  where id = $1 and outcome = 'begun'`;

export async function endAct(db: Queryable, id: number, { outcome, error, after, tenant }: ActEnded): Promise<void> {
  await db.query(END, [id, outcome, error, after, tenant]);
}

type Row = Omit<AuditEntry, 'at' | 'endedAt' | 'subject'> & {
  at: Date;
  endedAt: Date | null;
  kind: string;
  subject: string;
  account: string | null;
};

// Index: the primary key from the newest on, or audit_by_subject and audit_by_account, or audit_by_tenant.
const LIST = `
  select id, at, ended_at as "endedAt", by, via, act, subject_kind as kind, subject, account, tenant, why, before, after, outcome, error
  from sluice.audit
  where ($1::text is null or subject = $1 or account = $1) and ($2::text is null or by = $2)
    and ($3::text is null or act = $3 or starts_with(act, $3 || '.')) and ($4::text is null or tenant = $4)
    and ($5::timestamptz is null or at >= $5) and ($6::bigint is null or id < $6)
  order by id desc limit $7`;

/** The newest first. @throws TypeError when `since`, `after` or `limit` is not what it should be. */
export async function listAudit(db: Queryable, filter: AuditFilter = {}): Promise<AuditEntry[]> {
  const { subject = null, by = null, act = null, tenant = null, since = null, after = null, limit = 100 } = filter;
  checkLimit(limit);
  checkPlace(after, 'an act');
  if (since !== null && Number.isNaN(Date.parse(since)))
    throw new TypeError(`\`since\` is ${JSON.stringify(since)}; it must be a time (ISO 8601).`);
  const { rows } = await db.query<Row>(LIST, [subject, by, act, tenant, since, after, limit]);
  return rows.map(({ kind, subject: id, account, ...row }) => ({
    ...row,
    at: row.at.toISOString(),
    endedAt: row.endedAt?.toISOString() ?? null,
    subject: { kind, id, ...(account === null ? {} : { account }) },
  }));
}
