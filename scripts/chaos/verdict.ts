/**
 * What must hold when everything is over, each thing that does not as one line. Next: `scripts/chaos.ts` prints them.
 */
import { setTimeout as delay } from 'node:timers/promises';
import { Client, Connection } from '@temporalio/client';
import type { Sluice } from '../../client/index.ts';
import type { Node } from '../../providers/index.ts';
import { readCallBook, type CallBook } from './call-book.ts';
import { isLookedAtTwice, LANES, MAX_PER_SECOND, network } from './network.ts';
import { expectedKeys, type NodeName } from './oracle.ts';
import type { ChaosServers } from './servers.ts';
import type { SyncedAccount } from './syncs.ts';

export interface Verdict {
  readonly book: CallBook;
  readonly rows: number;
  /** Empty when all is well. */
  readonly faults: readonly string[];
}

const OPEN_WORKFLOWS_PATIENCE_MS = 15_000;

export interface Excuses {
  /** Processes that were killed, or frozen for so long that others took over: each may have cost one call for each lane. */
  readonly kills: number;
  /** How often the database was put back: it forgets the calls of a window then. */
  readonly restores: number;
  readonly readAgain: ReadonlySet<string>;
}

/** @param excuses what explains that calls came again, or too many. */
export async function judge(
  sluice: Sluice,
  servers: ChaosServers,
  accounts: readonly SyncedAccount[],
  { kills, restores, readAgain }: Excuses,
): Promise<Verdict> {
  const faults: string[] = [];
  let rows = 0;
  for (const { account, result, error } of accounts) {
    if (!result) faults.push(`${account} ${error ?? `did not end: ${await standing(sluice, account)}`}`);
    else if (result.state !== 'done' || !result.complete)
      faults.push(`${account} ended as ${result.state}: ${JSON.stringify(result.flaws)}`);
    for (const [node, keys] of Object.entries(expectedKeys(account))) {
      const stored = await storedKeys(sluice, network[node as NodeName], account);
      rows += stored.size;
      const missing = keys.filter((key) => !stored.has(key));
      const strange = [...stored].filter((key) => !keys.includes(key));
      if (missing.length > 0) faults.push(`${account} lacks ${missing.length} rows of ${node}, e.g. ${missing[0]}`);
      if (strange.length > 0) faults.push(`${account} has ${strange.length} rows of ${node} that are not there`);
    }
  }
  const book = await readCallBook(servers.bookFile, 1_000, isLookedAtTwice, readAgain);
  if (book.repeated > kills * LANES)
    faults.push(`${book.repeated} calls were repeated; ${kills} kills and ${LANES} lanes explain ${kills * LANES}`);
  const most = restores > 0 ? 2 * MAX_PER_SECOND : MAX_PER_SECOND;
  if (book.mostInWindow > most) faults.push(`${book.mostInWindow} calls came within a second; the limit is ${most}`);
  const open = await openWorkflows(servers.temporalAddress);
  if (open > 0) faults.push(`${open} workflows are still open`);
  return { book, rows, faults };
}

async function storedKeys(sluice: Sluice, node: Node<{ id: string }>, account: string): Promise<Set<string>> {
  const keys = new Set<string>();
  for await (const { key, data, change } of sluice.records(node, { account }))
    if (change === 'upsert' && data.id === key) keys.add(key);
  return keys;
}

/** Where a run hangs, for the one who must find out why. */
async function standing(sluice: Sluice, account: string): Promise<string> {
  const progress = await sluice.run({ sync: network, account }).progress();
  if (!('nodes' in progress)) return progress.state;
  return `${progress.state}, ${progress.nodes.map(({ name, state, units }) => `${name} ${state} ${JSON.stringify(units)}`).join('; ')}`;
}

/** Temporal's list of workflows follows with a delay. */
async function openWorkflows(address: string): Promise<number> {
  const connection = await Connection.connect({ address });
  try {
    const { workflow } = new Client({ connection });
    const deadline = performance.now() + OPEN_WORKFLOWS_PATIENCE_MS;
    for (;;) {
      const { count } = await workflow.count('ExecutionStatus = "Running" and WorkflowType != "canary"');
      if (count === 0 || performance.now() > deadline) return count;
      await delay(250);
    }
  } finally {
    await connection.close();
  }
}
