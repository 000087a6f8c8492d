/**
 * What is written around each call of an action: that it is about to be sent, and what came of it. Each statement touches one row by
 * primary key. Next: `action-store.ts`.
 */
import type { ActionState } from '../../../contracts/action.ts';
import type { Queryable } from '../../pool.ts';
import { reasonOf, unsettledFor, type ActionStep, type Counts } from './action-store.ts';

// The fence: of two who saw the same row, one gets it. An operation that is not wanted any more is not sent.
const BEGIN_SENDING = `
  update sluice.action_step s set state = 'sending', sending = s.sending + 1, sent_at = clock_timestamp(), change = $4,
    unsettled_at = case s.state when 'unknown' then coalesce(s.unsettled_at, s.sent_at) end
  where s.workflow_id = $1 and s.sending = $2
    and (s.state = 'ready' or (s.state = 'unknown' and ${unsettledFor('s')} < $3))
    and not exists (select 1 from sluice.entity_lock l where l.workflow_id = s.workflow_id and l.is_cancelled and s.state = 'ready')
  returning s.sending`;

/**
 * Commits that the write is about to be sent.
 * @param repeatWithinMs also when its fate is unknown, as long as the first such sending is no older: the third party then knows
 *   the idempotency key. 0: never; `Infinity`: always.
 * @param change of `newChange`: begun once, however often it is repeated because an answer was lost.
 * @returns the number of this sending, or undefined when somebody else was faster or it is not to be sent any more.
 */
export async function beginSending(
  db: Queryable,
  step: Pick<ActionStep, 'workflowId' | 'sending'>,
  repeatWithinMs: number,
  change: number,
): Promise<number | undefined> {
  const values = [step.workflowId, step.sending, repeatWithinMs, change];
  const { rows } = await db.query<{ sending: number }>(BEGIN_SENDING, values);
  const [begun] = rows[0] ? rows : (await db.query<{ sending: number }>(BEGUN, [step.workflowId, change])).rows;
  return begun?.sending;
}

/** By the try before, whose answer was lost. */
const BEGUN = `select sending from sluice.action_step where workflow_id = $1 and state = 'sending' and change = $2`;

/** Parameters: $2 calls, $3 attempts, $4 isRefusal. */
const COUNT = `
  calls = calls + $2, attempts = attempts + case when $4 and refusals = 0 then 0 else $3::int end,
  refusals = case when $4 then refusals + 1 when $3::int > 0 then 0 else refusals end`;

export interface Standing {
  readonly state: ActionState;
  /** Attempts that count so far. */
  readonly attempts: number;
}

/**
 * SQL: whether this sending is the one under way. Whoever was taken for lost has been counted already, and changes
 * nothing any more. An answer to an older sending may still say `done`, and nothing else.
 */
function isUnderWay(sending: string): string {
  return `state = 'sending' and sending = ${sending}`;
}

async function standingOf(db: Queryable, workflowId: string): Promise<Standing> {
  const { rows } = await db.query<Standing>('select state, attempts from sluice.action_step where workflow_id = $1', [
    workflowId,
  ]);
  return rows[0] ?? GONE;
}

/**
 * This sending did not happen: it was refused, or never left. Then it may be sent again, unless the fate of an earlier
 * one is still unknown. A repeat that was refused says nothing about what it repeats.
 * @param error what went wrong; left out when that is no news.
 */
export async function markRefused(
  db: Queryable,
  workflowId: string,
  sending: number,
  { calls, attempts, isRefusal = false }: Counts,
  error?: string,
): Promise<Standing> {
  const { rows } = await db.query<Standing>(
    `update sluice.action_step set state = case when unsettled_at is null then 'ready' else 'unknown' end,
       error = coalesce($6, error), ${COUNT}
     where workflow_id = $1 and ${isUnderWay('$5')} returning state, attempts`,
    [workflowId, calls, attempts, isRefusal, sending, error === undefined ? null : reasonOf(error)],
  );
  return rows[0] ?? standingOf(db, workflowId);
}

/** The third party says that it is not there: it may be sent (again). */
export async function markAbsent(
  db: Queryable,
  workflowId: string,
  sending: number,
  change: number,
): Promise<Standing> {
  const { rows } = await db.query<Standing>(
    `update sluice.action_step set change = $3,
       state = case when state = 'unknown' and sending = $2 then 'ready' else state end,
       unsettled_at = case when state = 'unknown' and sending = $2 then coalesce(unsettled_at, sent_at) else unsettled_at end, calls = calls + 1
     where workflow_id = $1 and change is distinct from $3 returning state, attempts`,
    [workflowId, sending, change],
  );
  return rows[0] ?? standingOf(db, workflowId);
}

/** It was sent and its fate is not known. */
export async function markUnknown(
  db: Queryable,
  workflowId: string,
  sending: number,
  counts: Counts,
  error: string,
): Promise<Standing> {
  const { rows } = await db.query<Standing>(
    `update sluice.action_step set state = 'unknown', calls = calls + $3, attempts = attempts + $4, error = $5
     where workflow_id = $1 and ${isUnderWay('$2')} returning state, attempts`,
    [workflowId, sending, counts.calls, counts.attempts, reasonOf(error)],
  );
  return rows[0] ?? standingOf(db, workflowId);
}

/**
 * A sending that this database has lost, because it was put back to an earlier moment or failed over: its fate is unknown.
 * Nothing is changed when the row knows of it, or has ended.
 */
export async function markForgotten(db: Queryable, workflowId: string, sending: number, error: string): Promise<void> {
  await db.query(
    `update sluice.action_step set state = 'unknown', sending = $2, unsettled_at = coalesce(unsettled_at, sent_at, created_at),
       sent_at = clock_timestamp(), calls = calls + 1, attempts = attempts + 1, error = $3
     where workflow_id = $1 and sending < $2 and state in ('ready', 'sending', 'unknown')`,
    [workflowId, sending, reasonOf(error)],
  );
}

/** What settled nothing: a look-up that failed, an attempt that came to no call. @returns attempts that count so far. */
export async function countAttempt(
  db: Queryable,
  workflowId: string,
  { calls, attempts, isRefusal = false }: Counts,
  change: number,
): Promise<number> {
  const { rows } = await db.query<{ attempts: number }>(
    `update sluice.action_step set change = $5, ${COUNT}
     where workflow_id = $1 and change is distinct from $5 returning attempts`,
    [workflowId, calls, attempts, isRefusal, change],
  );
  return (rows[0] ?? (await standingOf(db, workflowId))).attempts;
}

/** Of a row that is gone (removed after its time): whoever holds its answer can't record it, and sends nothing more. */
const GONE: Standing = { state: 'failed', attempts: Number.MAX_SAFE_INTEGER };
