/**
 * Tells the runs that wait for their account that it is connected again. Used by: `client/account/accounts.ts` when it is, and
 * `workers/loops/resume-reconnected.ts` for those whose client died in between.
 */
import type { Client } from '@temporalio/client';
import { signalNames } from '../../contracts/names.ts';
import { runsToResume, type AccountRef, type Pool } from '../../db/index.ts';
import { tellKnown } from '../describe-workflow.ts';

/** @param of one account. Default: all. */
export async function resumeReconnected(pool: Pool, client: Client, of?: AccountRef): Promise<void> {
  for (const { workflowId } of await runsToResume(pool, of))
    await tellKnown(client, workflowId, signalNames.reconnected);
}
