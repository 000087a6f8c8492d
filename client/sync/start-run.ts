/**
 * Starts the workflow of a run, with its report written before it. Next: `client/start-workflow.ts`, then
 * `workflows/sync.ts`.
 */
import { randomUUID } from 'node:crypto';
import type { SyncInput } from '../../contracts/messages.ts';
import { syncWorkflowId } from '../../contracts/names.ts';
import { insertReport, lacksTable } from '../../db/index.ts';
import { startReported, type ClientParts } from '../start-workflow.ts';

/** Temporal takes 2 MiB in one piece, with what else is in it, and warns of a quarter of that. */
const MOST_INPUT_BYTES = 2 ** 19;

/**
 * @param id of its report. Default: a new one.
 * @throws TypeError when its input is too large to go along in every history of the run.
 * @returns its run id; undefined when a run of this sync and account is going on already: nothing was started then.
 */
export async function launchRun(
  parts: ClientParts,
  provider: string,
  input: SyncInput,
  id: string = randomUUID(),
): Promise<string | undefined> {
  const { sync: name, account, tenant = account, startedBy = 'system', priority = 'bulk', weight = 1 } = input;
  checkSize(name, input.input);
  const workflowId = syncWorkflowId(name, account);
  const what = `${name} of ${account}${input.retryOf ? ', its failed lists again' : ''}`;
  const reportId = await insertReport(parts.pool, {
    id,
    kind: 'sync',
    name,
    account,
    tenant,
    startedBy,
    workflowId,
    rootWorkflowId: workflowId,
    what,
  }).then(
    () => id,
    (error: unknown) => {
      // A database that no worker has migrated yet: the workflow writes its report itself.
      if (lacksTable(error)) return undefined;
      throw error;
    },
  );
  return startReported(parts, {
    workflow: 'sync',
    workflowId,
    input,
    reportId,
    summary: what,
    provider,
    name,
    account,
    tenant,
    priority,
    weight,
    mayRunAgain: true,
  });
}

/** @throws TypeError when it does not fit into a history. */
export function checkSize(sync: string, input: unknown): void {
  const bytes = Buffer.byteLength(JSON.stringify(input ?? null));
  if (bytes <= MOST_INPUT_BYTES) return;
  throw new TypeError(
    `The input of sync "${sync}" has ${Math.ceil(bytes / 1_024)} KiB as JSON, and may have ${MOST_INPUT_BYTES / 1_024}: it is part ` +
      'of every history of its run. Store it where `input` of a node can read it, and give the sync its id.',
  );
}
