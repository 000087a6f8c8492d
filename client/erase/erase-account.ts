/**
 * The end of an account. What is open is stopped, and the third party is told that its token is not wanted any more.
 * Everything stored of it is deleted, and Temporal is asked to delete its histories. Each step does what is still to
 * do, so one that was cut off is run again. Next: `db/stores/account/erase-store.ts`.
 */
import { setTimeout as delay } from 'node:timers/promises';
import { quoted, searchAttributes } from '../../contracts/names.ts';
import type { ErasureProof, ErasureRest } from '../../contracts/operate/erasure.ts';
import {
  clearAudit,
  countRows,
  endFleetRun,
  eraseRows,
  fleetRunsOf,
  openWorkflowsOf,
  readRevocation,
  removeAccount,
  sagasOfOthers,
  syncsOfAccount,
  wasOnceKnown,
  type AccountRef,
} from '../../db/index.ts';
import { describeKnown, isNotFound } from '../describe-workflow.ts';
import type { ClientParts } from '../start-workflow.ts';

/** What is open has so long to end by itself: a write that was sent is heard to its end. */
const STOP_MS = 15_000;
/** A worker looks every five seconds for tokens that are to be revoked. */
const REVOKE_MS = 15_000;
/** Temporal deletes a history when its own queues have noted that they are done with it: every 30 s by default. */
const DELETE_MS = 90_000;
const LOOK_MS = 200;
const MOST_LISTED = 100;

export async function eraseAccount(parts: ClientParts, of: AccountRef): Promise<ErasureProof> {
  const { pool } = parts;
  const syncs = await syncsOfAccount(pool, of);
  const stopped = await stopWorkflows(parts, of, syncs);
  const before = await countRows(pool, of, syncs);
  const wasErased = await wasOnceKnown(pool, of);
  const hadSecrets = await removeAccount(pool, of, true);
  // Before its rows go: the call that revokes takes permits of the account.
  await until(REVOKE_MS, async () => (await readRevocation(pool, of)) !== 'waiting');
  const histories = await deleteHistories(parts, of, syncs);
  const deleted = await eraseRows(pool, of, syncs);
  if (hadSecrets && before.rows['account'] !== undefined) deleted['account'] = before.rows['account'];
  await clearAudit(pool, of, syncs);
  await until(DELETE_MS, async () => (await listedWorkflows(parts, of, syncs)).length === 0);
  const revocation = await readRevocation(pool, of);
  const { rows, kept, at } = await countRows(pool, of, syncs);
  const left = { rows, ...(await leftAtTemporal(parts, of, syncs)) };
  const isEmpty = Object.keys(rows).length + left.histories.length + left.schedules.length === 0;
  const found = Object.keys(before.rows).length + histories + left.schedules.length;
  return {
    ...of,
    wasKnown: found > 0 || wasErased,
    at,
    stopped,
    revocation,
    deleted,
    histories,
    left,
    kept,
    isComplete: isEmpty && revocation !== 'waiting',
  };
}

/** What would be erased: the same counts, nothing changed. */
export async function whatIsStored(parts: ClientParts, of: AccountRef): Promise<ErasureRest> {
  const syncs = await syncsOfAccount(parts.pool, of);
  const { rows } = await countRows(parts.pool, of, syncs);
  return { rows, ...(await leftAtTemporal(parts, of, syncs)) };
}

async function stopWorkflows(
  parts: ClientParts,
  of: AccountRef,
  syncs: readonly string[],
): Promise<ErasureProof['stopped']> {
  const { client, pool } = parts;
  for (const runId of await fleetRunsOf(pool, of.account, syncs))
    await endFleetRun(pool, runId, { status: 'cancelled', error: 'its account is erased' });
  const open = new Set(await openWorkflowsOf(pool, of, syncs));
  for (const { workflowId, isOpen } of await listedWorkflows(parts, of, syncs)) if (isOpen) open.add(workflowId);
  const stillOpen = async (workflowId: string): Promise<boolean> =>
    (await describeKnown(client, workflowId))?.status.name === 'RUNNING';
  const running: string[] = [];
  for (const workflowId of open) if (await stillOpen(workflowId)) running.push(workflowId);
  // It may end just now.
  for (const workflowId of running)
    await client.workflow
      .getHandle(workflowId)
      .cancel()
      .catch(() => {});
  const left = new Set(running);
  await until(STOP_MS, async () => {
    for (const workflowId of left) if (!(await stillOpen(workflowId))) left.delete(workflowId);
    return left.size === 0;
  });
  for (const workflowId of left)
    await client.workflow
      .getHandle(workflowId)
      .terminate('its account is erased')
      .catch(() => {});
  return { ended: running.length - left.size, terminated: left.size };
}

interface Listed {
  readonly workflowId: string;
  readonly runId: string;
  readonly isOpen: boolean;
}

/** What Temporal lists of the account at this provider. Sagas and starts that were queued name no provider. */
async function listedWorkflows(
  { client, pool }: ClientParts,
  of: AccountRef,
  syncs: readonly string[],
): Promise<Listed[]> {
  const found: Listed[] = [];
  const others = new Set(await sagasOfOthers(pool, of));
  const query = `${searchAttributes.account} = ${quoted(of.account)}`;
  for await (const { workflowId, runId, status, searchAttributes: has } of client.workflow.list({ query })) {
    const [provider] = valuesOf(has, searchAttributes.provider);
    const [name] = valuesOf(has, searchAttributes.sync);
    const isIts =
      provider === undefined
        ? (workflowId.startsWith('saga/') && !others.has(workflowId)) || (name !== undefined && syncs.includes(name))
        : provider === of.provider;
    if (isIts) found.push({ workflowId, runId, isOpen: status.name === 'RUNNING' });
  }
  return found;
}

async function deleteHistories(parts: ClientParts, of: AccountRef, syncs: readonly string[]): Promise<number> {
  const { client } = parts;
  const { namespace } = client.options;
  const found = await listedWorkflows(parts, of, syncs);
  for (const { workflowId, runId } of found)
    await client.workflowService
      .deleteWorkflowExecution({ namespace, workflowExecution: { workflowId, runId } })
      .catch((error: unknown) => {
        // It is gone, and the list has not heard of it.
        if (!isNotFound(error)) throw error;
      });
  return found.length;
}

async function leftAtTemporal(
  parts: ClientParts,
  of: AccountRef,
  syncs: readonly string[],
): Promise<Omit<ErasureRest, 'rows'>> {
  const workflows = await listedWorkflows(parts, of, syncs);
  const schedules: string[] = [];
  const query = `${searchAttributes.account} = ${quoted(of.account)}`;
  for await (const { scheduleId, searchAttributes: has } of parts.client.schedule.list({ query })) {
    const [name] = valuesOf(has, searchAttributes.sync);
    if (name === undefined || syncs.includes(name)) schedules.push(scheduleId);
  }
  return { histories: workflows.slice(0, MOST_LISTED).map(({ workflowId }) => workflowId), schedules };
}

function valuesOf(has: unknown, name: string): readonly (string | undefined)[] {
  const value = (has as Readonly<Record<string, unknown>> | undefined)?.[name];
  return Array.isArray(value) ? (value as string[]) : [];
}

async function until(mostMs: number, isTrue: () => Promise<boolean>): Promise<void> {
  const end = performance.now() + mostMs;
  while (!(await isTrue()) && performance.now() < end) await delay(LOOK_MS);
}
