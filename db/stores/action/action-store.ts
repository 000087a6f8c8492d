/**
 * Actions: one row for each write, from the moment it is accepted. `sending` is committed before the call, so whoever
 * finds it later knows that something may have gone out. Each statement touches one row by primary key.
 * `action-sendings.ts` has what is written around each call. Next: `db/schema/action.sql`; here the walk of the README ends.
 */
import { createHash } from 'node:crypto';
import type { ActionErrorType, ActionState } from '../../../contracts/action.ts';
import { cleanJson } from '../../../contracts/values/clean-json.ts';
import { cleanText } from '../../../contracts/values/clean-text.ts';
import { redact } from '../../../contracts/secrets/redact.ts';
import type { Queryable } from '../../pool.ts';

export interface NewActionStep {
  readonly workflowId: string;
  readonly rootWorkflowId: string;
  readonly provider: string;
  readonly action: string;
  readonly account: string;
  readonly tenant: string;
  readonly input: unknown;
  /** Workflow id of the write that this one takes back. */
  readonly undoes?: string;
}

export interface ActionStep {
  readonly workflowId: string;
  readonly rootWorkflowId: string;
  readonly provider: string;
  readonly action: string;
  readonly account: string;
  readonly tenant: string;
  /** Of the account, as they were given; null when there are none. */
  readonly settings: unknown;
  readonly undoes: string | null;
  readonly idempotencyKey: string;
  readonly input: unknown;
  readonly state: ActionState;
  readonly attempts: number;
  readonly calls: number;
  readonly sending: number;
  /** Since it was last sent, in milliseconds on the database's clock; null when it never was. */
  readonly sinceSentMs: number | null;
  /** Of a row in state `unknown`: since the first sending whose fate is not known, in milliseconds. */
  readonly unsettledMs: number | null;
  /** Of a row in state `ready`: it was sent, its fate was unknown, and a look-up has not found it. */
  readonly wasUnknown: boolean;
  readonly output: unknown;
  readonly error: string | null;
  readonly errorType: ActionErrorType | null;
  readonly createdAt: string;
  /** Who has decided on its unknown fate. */
  readonly resolvedBy: string | null;
  /** A later operation on the same entity wants this one gone. */
  readonly isUnwanted: boolean;
}

const INSERT = `
  insert into sluice.action_step
    (workflow_id, root_workflow_id, provider, action, account, tenant, input, undoes, idempotency_key)
  values ($1, $2, $3, $4, $5, $6, $7, $8, $9) on conflict (workflow_id) do nothing`;

/** Accepts an action. Doing it twice changes nothing. @returns false when it was there before. */
export async function insertActionStep(db: Queryable, step: NewActionStep): Promise<boolean> {
  const { rowCount } = await db.query(INSERT, [
    step.workflowId,
    step.rootWorkflowId,
    step.provider,
    step.action,
    step.account,
    step.tenant,
    JSON.stringify(step.input ?? null),
    step.undoes ?? null,
    idempotencyKeyOf(step.workflowId),
  ]);
  return rowCount === 1;
}

/**
 * The key that goes to the third party: a UUID made from the workflow id alone, so that it survives every retry, kill and
 * restart. Version 8 of RFC 9562: the bits are a SHA-256.
 */
export function idempotencyKeyOf(workflowId: string): string {
  const bytes = createHash('sha256').update(`sluice/${workflowId}`).digest().subarray(0, 16);
  bytes[6] = ((bytes[6] as number) & 0x0f) | 0x80;
  bytes[8] = ((bytes[8] as number) & 0x3f) | 0x80;
  const hex = bytes.toString('hex');
  return [hex.slice(0, 8), hex.slice(8, 12), hex.slice(12, 16), hex.slice(16, 20), hex.slice(20)].join('-');
}

const COLUMNS = `
  select s.workflow_id as "workflowId", s.root_workflow_id as "rootWorkflowId", s.provider, s.action, s.account, s.tenant,
    a.settings, s.undoes, s.idempotency_key as "idempotencyKey", s.input, s.state, s.attempts, s.calls, s.sending,
    (extract(epoch from clock_timestamp() - s.sent_at) * 1000)::float8 as "sinceSentMs",
    (${unsettledFor('s')})::float8 as "unsettledMs", (s.state = 'ready' and s.unsettled_at is not null) as "wasUnknown", s.output, s.error,
    s.error_type as "errorType", to_char(s.created_at at time zone 'utc', 'YYYY-MM-DD"T"HH24:MI:SS.MS"Z"') as "createdAt",
    s.resolved_by as "resolvedBy",
    exists (select 1 from sluice.entity_lock l where l.workflow_id = s.workflow_id and l.is_cancelled) as "isUnwanted"
  from sluice.action_step s left join sluice.account a on a.provider = s.provider and a.account = s.account`;
const LOAD = `${COLUMNS} where s.workflow_id = $1`;
// Index: action_step_by_root.
const LIST_STEPS = `${COLUMNS} where s.root_workflow_id = $1 order by s.created_at, s.workflow_id`;

/** @returns undefined when it is unknown. */
export async function loadActionStep(db: Queryable, workflowId: string): Promise<ActionStep | undefined> {
  const { rows } = await db.query<ActionStep>({ name: 'load_action_step', text: LOAD, values: [workflowId] });
  return rows[0];
}

/** The steps that a saga has begun, compensations too, in the order in which they were accepted. */
export async function listSteps(db: Queryable, rootWorkflowId: string): Promise<ActionStep[]> {
  const { rows } = await db.query<ActionStep>(LIST_STEPS, [rootWorkflowId]);
  return rows;
}

/** Was it accepted with this very input? Compared as JSON values, not as text. */
export async function hasInput(db: Queryable, workflowId: string, input: unknown): Promise<boolean> {
  const { rows } = await db.query<{ same: boolean }>(
    'select input = $2::jsonb as same from sluice.action_step where workflow_id = $1',
    [workflowId, JSON.stringify(input ?? null)],
  );
  return rows[0]?.same ?? false;
}

/** SQL: milliseconds since the first sending whose fate is not known. */
export function unsettledFor(row: string): string {
  return `extract(epoch from clock_timestamp() - coalesce(${row}.unsettled_at, ${row}.sent_at)) * 1000`;
}

/**
 * The write happened, whoever found it out and however late.
 * @returns the state that it was in before; undefined when that was `done`.
 * @throws DatabaseError of class 22 or 54, RangeError or TypeError when its output can't be kept as JSON.
 */
export async function markDone(
  db: Queryable,
  workflowId: string,
  output: unknown,
  calls: 0 | 1,
): Promise<ActionState | undefined> {
  const { rows } = await db.query<{ state: ActionState }>(
    `update sluice.action_step s set state = 'done', output = $2, error = null, error_type = null,
       calls = s.calls + $3, ended_at = clock_timestamp()
     from (select state from sluice.action_step where workflow_id = $1 for update) was
     where s.workflow_id = $1 and was.state <> 'done' returning was.state`,
    [workflowId, cleanJson(output), calls],
  );
  return rows[0]?.state;
}

/** What a call costs: calls that were made, and how many of them count against the budget. */
export interface Counts {
  readonly calls: 0 | 1;
  readonly attempts: 0 | 1;
  /** Its credentials were refused: of such refusals in a row, the first one costs no attempt. */
  readonly isRefusal?: boolean;
}

export interface FailedEnd {
  readonly state: 'failed' | 'cancelled';
  readonly type: ActionErrorType;
  readonly error: string;
  /** What the last call cost. Default: there was none. */
  readonly counts?: Counts;
}

/**
 * Ends it without a write that is known of.
 * @param sending the last one that the end takes into account: where a later one is under way, nothing is changed. Default: any.
 * @returns the row's state: `done` when that was found out meanwhile.
 */
export async function markFailed(
  db: Queryable,
  workflowId: string,
  how: FailedEnd,
  sending?: number,
): Promise<ActionState | undefined> {
  const { calls, attempts } = how.counts ?? { calls: 0, attempts: 0 };
  const { rows } = await db.query<{ state: ActionState }>(
    `update sluice.action_step set state = $2, error = $3, error_type = $4,
       resolved_by = case when $4 in ('unknown-write', 'output-lost') then null else resolved_by end, -- it was of an earlier sending
       ended_at = coalesce(ended_at, clock_timestamp()), calls = calls + $5, attempts = attempts + $6
     where workflow_id = $1 and state not in ('done', 'failed', 'cancelled') and sending <= coalesce($7, sending) returning state`,
    [workflowId, how.state, reasonOf(how.error), how.type, calls, attempts, sending ?? null],
  );
  if (rows[0]) return rows[0].state;
  const found = await db.query<{ state: ActionState }>('select state from sluice.action_step where workflow_id = $1', [
    workflowId,
  ]);
  return found.rows[0]?.state;
}

const LONGEST_REASON = 2_000;

/** As it is kept. */
export function reasonOf(error: string): string {
  return cleanText(redact(error), LONGEST_REASON);
}
