/**
 * Inputs of sagas, and the outputs of their finished steps. Next: `activities/action/saga-steps.ts`.
 */
import type { StartedBy } from '../../../contracts/report.ts';
import type { Queryable } from '../../pool.ts';

export interface NewSaga {
  readonly workflowId: string;
  readonly name: string;
  readonly account: string;
  readonly tenant: string;
  /** Set when its client sees this tenant alone. */
  readonly boundTo?: string | null;
  readonly startedBy: StartedBy;
  readonly input: unknown;
}

/** Accepts a saga. @returns false when it was there before. */
export async function insertSaga(db: Queryable, saga: NewSaga): Promise<boolean> {
  const { rowCount } = await db.query(
    `insert into sluice.saga (workflow_id, name, account, tenant, started_by, input, bound_to) values ($1, $2, $3, $4, $5, $6, $7)
     on conflict (workflow_id) do nothing`,
    [
      saga.workflowId,
      saga.name,
      saga.account,
      saga.tenant,
      saga.startedBy,
      JSON.stringify(saga.input ?? null),
      saga.boundTo ?? null,
    ],
  );
  return rowCount === 1;
}

/** Was it accepted with this very input? Compared as JSON values, not as text. */
export async function hasSagaInput(db: Queryable, workflowId: string, input: unknown): Promise<boolean> {
  const { rows } = await db.query<{ same: boolean }>(
    'select input = $2::jsonb as same from sluice.saga where workflow_id = $1',
    [workflowId, JSON.stringify(input ?? null)],
  );
  return rows[0]?.same ?? false;
}

export interface LoadedSaga extends NewSaga {
  /** A later operation on the same entity wants this one gone, whether or not its workflow was there to be told. */
  readonly isUnwanted: boolean;
  /** Outputs of finished steps by their workflow ids; compensated ones too. */
  readonly outputs: ReadonlyMap<string, unknown>;
}

/** @returns undefined when it is unknown. */
export async function loadSaga(db: Queryable, workflowId: string): Promise<LoadedSaga | undefined> {
  const { rows } = await db.query<Omit<LoadedSaga, 'outputs'>>(
    `select s.workflow_id as "workflowId", s.name, s.account, s.tenant, s.bound_to as "boundTo", s.started_by as "startedBy", s.input,
       exists (select 1 from sluice.entity_lock l where l.workflow_id = s.workflow_id and l.is_cancelled) as "isUnwanted"
     from sluice.saga s where s.workflow_id = $1`,
    [workflowId],
  );
  const saga = rows[0];
  if (!saga) return undefined;
  const { rows: steps } = await db.query<{ workflow_id: string; output: unknown }>(
    `select workflow_id, output from sluice.action_step
     where root_workflow_id = $1 and state = 'done' and undoes is null`,
    [workflowId],
  );
  return { ...saga, outputs: new Map(steps.map((step) => [step.workflow_id, step.output])) };
}
