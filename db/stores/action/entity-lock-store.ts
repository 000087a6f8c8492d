/**
 * One operation at a time on one entity: a queue in Postgres whose first place holds the lock. The functions are in
 * `functions/locks`. Next: `client/action/act.ts` takes a place, `workflows/action.ts` waits and gives it back.
 */
import type { ConflictPolicy, PendingOperation } from '../../../contracts/action.ts';
import type { Queryable } from '../../pool.ts';

export interface LockRequest {
  readonly entity: string;
  readonly workflowId: string;
  readonly rootWorkflowId: string;
  readonly kind: PendingOperation['kind'];
  readonly name: string;
  readonly account: string;
  readonly startedBy: string;
  readonly policy: ConflictPolicy;
}

export interface LockAnswer {
  readonly state: 'held' | 'waiting' | 'refused';
  /** Workflow ids of the operations before it. */
  readonly ahead: readonly string[];
  /** The saga that it belongs to holds the entity: there is no place of its own. */
  readonly byRoot?: boolean;
  /** Refused because those ahead wait, directly or by others, for what its saga holds. */
  readonly isCircle?: boolean;
}

/** Takes a place, once: asking again answers where it stands. */
export async function takeLock(db: Queryable, request: LockRequest): Promise<LockAnswer> {
  const { rows } = await db.query<{ answer: LockAnswer }>(
    'select sluice.take_lock($1, $2, $3, $4, $5, $6, $7, $8) as answer',
    [
      request.entity,
      request.workflowId,
      request.rootWorkflowId,
      request.kind,
      request.name,
      request.account,
      request.startedBy,
      request.policy,
    ],
  );
  return (rows[0] as { answer: LockAnswer }).answer;
}

/** Gives a place back. @returns the workflow that holds the lock now and must be told; undefined when there is none. */
export async function releaseLock(db: Queryable, entity: string, workflowId: string): Promise<string | undefined> {
  const { rows } = await db.query<{ next: string | null }>('select sluice.release_lock($1, $2) as next', [
    entity,
    workflowId,
  ]);
  return rows[0]?.next ?? undefined;
}

/** Whether the workflow holds the lock. The one who asks knows from then on. */
export async function holdsLock(db: Queryable, entity: string, workflowId: string): Promise<boolean> {
  const { rows } = await db.query<{ held: boolean }>('select sluice.holds_lock($1, $2) as held', [entity, workflowId]);
  return rows[0]?.held ?? false;
}

const COLUMNS = 'l.entity, l.workflow_id, l.kind, l.name, l.account, l.started_by, l.requested_at, l.acquired_at, l.is_cancelled'; // prettier-ignore

/** Operations on an entity that are not done: the one that holds the lock, then those that wait, in order. */
export async function pendingOperations(db: Queryable, entity: string): Promise<PendingOperation[]> {
  const { rows } = await db.query<LockRow>(
    `select ${COLUMNS} from sluice.entity_lock l where l.entity = $1 order by l.ticket`,
    [entity],
  );
  return rows.map(toPending);
}

/** What a workflow waits for: operations on its entity that were asked for before it, in order. Empty when it holds the lock. */
export async function pendingAhead(db: Queryable, workflowId: string): Promise<PendingOperation[]> {
  const { rows } = await db.query<LockRow>(
    `select ${COLUMNS} from sluice.entity_lock mine join sluice.entity_lock l on l.entity = mine.entity and l.ticket < mine.ticket
     where mine.workflow_id = $1 order by l.ticket`,
    [workflowId],
  );
  return rows.map(toPending);
}

function toPending(row: LockRow, position: number): PendingOperation {
  return {
    entity: row.entity,
    kind: row.kind,
    name: row.name,
    account: row.account,
    startedBy: row.started_by,
    workflowId: row.workflow_id,
    position,
    requestedAt: row.requested_at.toISOString(),
    acquiredAt: row.acquired_at?.toISOString() ?? null,
    isCancelled: row.is_cancelled,
  };
}

interface LockRow {
  entity: string;
  workflow_id: string;
  kind: PendingOperation['kind'];
  name: string;
  account: string;
  started_by: string;
  requested_at: Date;
  acquired_at: Date | null;
  is_cancelled: boolean;
}
