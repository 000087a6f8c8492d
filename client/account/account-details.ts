/**
 * One account for the person who is asked why it has no news. It has the token's state, what it waits for, each sync's
 * last good run and next one. Next: `db/stores/account/account-details-store.ts`; shown by `sluice accounts show`.
 */
import type { Client } from '@temporalio/client';
import type { AccountDetails, AccountSync } from '../../contracts/account.ts';
import { searchAttributes } from '../../contracts/names.ts';
import type { RunWait } from '../../contracts/run.ts';
import {
  keysOfOperations,
  nextStarts,
  openOperations,
  readAccountSyncs,
  readConnections,
  type AccountSyncRow,
  type ConnectionRow,
  type NextStart,
  type OpenOperation,
} from '../../db/index.ts';
import type { ClientParts } from '../start-workflow.ts';
import { createHandle } from '../sync/sync-handle.ts';
import { readActionWaits } from '../waits/action-waits.ts';

export interface AccountDetailsFilter {
  readonly account: string;
  /** Its id. Default: every provider where there is an account of this name. */
  readonly provider?: string;
  readonly tenant?: string;
}

/** Actions and sagas that are looked at; an account has few at once. */
const MOST_OPERATIONS = 20;
/** Schedules of one account. */
const MOST_SCHEDULES = 100;

/** @returns one entry for each provider, by its id; empty when nothing is known of such an account. */
export async function readAccountDetails(
  parts: ClientParts,
  { account, provider, tenant }: AccountDetailsFilter,
): Promise<AccountDetails[]> {
  const { client, pool } = parts;
  const starts = nextStarts(pool, account);
  const [known, ownStarts, nextRuns] = await Promise.all([
    knownOf(parts, account, provider),
    starts,
    nextRunsOf(client, starts, account),
  ]);
  return known
    .filter((found) => tenant === undefined || found.tenant === tenant)
    .map((found) => ({
      ...found,
      syncs: found.syncs.map((each) => ({ ...each, nextRunAt: nextRuns.get(each.sync) ?? null })),
      scheduled: ownStarts
        .filter((start) => start.provider === found.provider && !found.syncs.some(({ sync }) => sync === start.sync))
        .map(({ sync, at }) => ({ sync, nextRunAt: at.toISOString() })),
    }));
}

type Known = Omit<AccountDetails, 'scheduled'>;

/** All but the next runs, which Temporal is asked for meanwhile. */
async function knownOf(parts: ClientParts, account: string, provider: string | undefined): Promise<Known[]> {
  const { pool } = parts;
  const [connections, syncs, operations] = await Promise.all([
    readConnections(pool, account),
    readAccountSyncs(pool, account),
    openOperations(pool, account, MOST_OPERATIONS),
  ]);
  const names = [connections, syncs, operations].flat().flatMap((row) => row.provider ?? []);
  const providers = [...new Set(names)].sort();
  const wanted = providers.filter((name) => provider === undefined || name === provider);
  return Promise.all(
    wanted.map((name) =>
      detailsOf(
        parts,
        { account, provider: name },
        {
          connection: connections.find((row) => row.provider === name),
          syncs: syncs.filter((row) => row.provider === name),
          operations: operations.filter((row) => row.provider === name),
        },
      ),
    ),
  );
}

interface Found {
  readonly connection: ConnectionRow | undefined;
  readonly syncs: readonly AccountSyncRow[];
  readonly operations: readonly OpenOperation[];
}

async function detailsOf(
  parts: ClientParts,
  name: { readonly account: string; readonly provider: string },
  { connection, syncs, operations }: Found,
): Promise<Known> {
  const { client, pool } = parts;
  const running = syncs.filter(({ state }) => state === 'running' || state === 'paused');
  const [ofRuns, ofOperations, keys] = await Promise.all([
    Promise.all(running.map(({ workflowId }) => waitsOf(workflowId, createHandle(parts, { workflowId }).waits()))),
    Promise.all(operations.map(({ workflowId }) => waitsOf(workflowId, readActionWaits(client, pool, workflowId)))),
    keysOfOperations(
      pool,
      operations.map(({ workflowId }) => workflowId),
    ),
  ]);
  const waits = [...ofRuns, ...ofOperations].flat();
  const limits = [...waits.flatMap(({ limit }) => limit ?? []), ...keys.map(({ key }) => key)];
  return {
    ...name,
    tenant: connection?.tenant ?? syncs.find((row) => row.tenant !== null)?.tenant ?? null,
    status: connection?.status ?? 'none',
    reason: connection?.reason ?? null,
    since: connection?.since ?? null,
    token: connection?.token ?? null,
    keys: [...new Set(limits)].sort(),
    waits: waits.map(({ workflowId, text }) => ({ workflowId, text })),
    syncs: syncs.map(toSync),
  };
}

async function waitsOf(
  workflowId: string,
  waits: Promise<readonly RunWait[]>,
): Promise<(RunWait & { readonly workflowId: string })[]> {
  return (await waits).map((wait) => ({ ...wait, workflowId }));
}

/**
 * By the schedules of the syncs' code, and by Temporal schedules, whose search attributes of Sluice say for whom they
 * are. What a schedule would start is not part of a list.
 */
async function nextRunsOf(
  client: Client,
  starts: Promise<readonly NextStart[]>,
  account: string,
): Promise<Map<string, string>> {
  const next = new Map((await starts).map(({ sync, at }) => [sync, at.toISOString()]));
  // A quote would end the text in the query.
  if (/["'\\]/.test(account)) return next;
  let left = MOST_SCHEDULES;
  for await (const { typedSearchAttributes, info, state } of client.schedule.list({
    query: `${searchAttributes.account} = "${account}"`,
    pageSize: MOST_SCHEDULES,
  })) {
    const sync = (typedSearchAttributes?.getAll() ?? []).find(({ key }) => key.name === searchAttributes.sync)?.value;
    const at = info?.nextActionTimes[0]?.toISOString();
    if (typeof sync === 'string' && at !== undefined && !state?.paused && !((next.get(sync) ?? at) < at))
      next.set(sync, at);
    if (--left === 0) break;
  }
  return next;
}

function toSync(row: AccountSyncRow): AccountSync {
  const { sync, workflowId, runId, state, startedAt, endedAt, goodRunId, goodMode, goodEndedAt, ageMs } = row;
  return {
    sync,
    workflowId,
    runId,
    state,
    startedAt: startedAt.toISOString(),
    endedAt: endedAt?.toISOString() ?? null,
    lastGood:
      goodRunId === null || goodMode === null || goodEndedAt === null
        ? null
        : { runId: goodRunId, mode: goodMode, endedAt: goodEndedAt.toISOString() },
    ageMs,
    nextRunAt: null,
    flaws: row.flaws,
    quarantined: row.quarantined,
  };
}
