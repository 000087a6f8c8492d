/**
 * The run that a handle is about, as Temporal and Postgres know it: the newest one of its id, or one run alone.
 * Used by: `client/sync/sync-handle.ts`, `read-run.ts`, `control-run.ts`, `run-result.ts`.
 */
import type { WorkflowExecutionDescription } from '@temporalio/client';
import type { RunProgress } from '../../../contracts/run.ts';
import { readProgress } from '../../../db/index.ts';
import { chainIdOf, describeKnown } from '../../describe-workflow.ts';
import type { ClientParts } from '../../start-workflow.ts';

export interface KnownRun {
  readonly parts: ClientParts;
  readonly workflowId: string;
  /** It is about this run, also when a newer one has begun. Undefined: it is about the newest one. */
  readonly only: string | undefined;
  /** @returns undefined when Temporal knows no run of this id, or a newer one than this handle's has begun. */
  describe(): Promise<WorkflowExecutionDescription | undefined>;
  /** Its row; undefined before it was opened. */
  row(): Promise<RunProgress | undefined>;
}

export function createKnownRun(parts: ClientParts, workflowId: string, only: string | undefined): KnownRun {
  return {
    parts,
    workflowId,
    only,
    describe: async () => {
      const newest = await describeKnown(parts.client, workflowId);
      return newest && (only === undefined || chainIdOf(newest) === only) ? newest : undefined;
    },
    row: () => readProgress(parts.pool, only === undefined ? { workflowId } : { runId: only }),
  };
}
