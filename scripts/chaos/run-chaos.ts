/**
 * A chaos run: syncs go on while their processes are killed and frozen by a schedule; then everything is left in peace and
 * must come to its end. Next stop: `schedule.ts` for what happens, `verdict.ts` for what must hold.
 */
import { chmod, mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import { connect } from '../../client/index.ts';
import { readCallBook } from './call-book.ts';
import { describeFault, drawSchedule, type Fault, type VictimName } from './schedule.ts';
import { startServers } from './servers.ts';
import { startSyncs } from './syncs.ts';
import { judge, type Verdict } from './verdict.ts';
import type { Victim } from './victim.ts';
import { createWorkerVictim, TASK_QUEUE } from './worker.ts';

export interface ChaosOptions {
  readonly seed: number;
  /** How long processes are killed and frozen; the recovery comes on top. */
  readonly minutes: number;
  readonly log: (line: string) => void;
  /** Keep data and logs of all processes, and say where. Default: only of a run that failed. */
  readonly keep?: boolean;
  /** The repository as built JavaScript, for workers that start quickly. Default: they run the sources. */
  readonly builtFolder?: string;
}

export interface ChaosResult extends Verdict {
  readonly accounts: number;
  readonly kills: number;
  readonly freezes: number;
  /** From the last fault until everything had ended, in milliseconds. */
  readonly recoveryMs: number;
}

/** Nothing may take longer than this after the last fault. */
const RECOVERY_LIMIT_MS = 120_000;
const START_LIMIT_MS = 60_000;
const FIRST_CALLS = 20;

export async function runChaos({ seed, minutes, log, keep = false, builtFolder }: ChaosOptions): Promise<ChaosResult> {
  const schedule = drawSchedule(seed, minutes);
  log(`Seed ${seed}, ${minutes} minutes:\n${schedule.map((fault) => `  ${describeFault(fault)}`).join('\n')}`);
  const dataDir = await mkdtemp(join(tmpdir(), 'sluice-chaos-'));
  await chmod(dataDir, 0o755); // Postgres may run as another user
  const servers = await startServers(dataDir);
  const victims = [...servers.victims];
  let ends = 0;
  let failed = true;
  try {
    const onEnd = (name: string) => (code: number | null) => {
      ends++;
      log(`         ${name} ended by itself with code ${code} and is started again`);
    };
    const startWorker = async (name: VictimName): Promise<void> => {
      victims.push(await createWorkerVictim(name, servers, dataDir, builtFolder, onEnd(name)));
    };
    await Promise.all([startWorker('worker-1'), startWorker('worker-2')]);
    const { databaseUrl, temporalAddress } = servers;
    const sluice = await connect({ databaseUrl, temporal: { address: temporalAddress }, taskQueue: TASK_QUEUE });
    try {
      const syncs = startSyncs(sluice, RECOVERY_LIMIT_MS);
      await callsFlow(servers.bookFile);
      const startedAt = performance.now();
      const clock = (): string => `${((performance.now() - startedAt) / 1_000).toFixed(1).padStart(6)} s`;
      const struck = await Promise.all(
        schedule.map(async (fault) => {
          await delay(fault.atMs - (performance.now() - startedAt));
          const victim = victims.find(({ name }) => name === fault.victim) as Victim;
          const isDone = await strike(victim, fault);
          log(`${clock()}  ${fault.victim} ${isDone ? `is back after a ${fault.kind}` : 'was still down: left alone'}`);
          return isDone && fault.kind;
        }),
      );
      const calmAt = performance.now();
      syncs.finishUp();
      const accounts = await syncs.ended;
      const recoveryMs = Math.round(performance.now() - calmAt);
      log(`${clock()}  ${accounts.length} accounts, recovered in ${(recoveryMs / 1_000).toFixed(1)} s`);
      const kills = ends + struck.filter((kind) => kind === 'kill').length;
      const freezes = struck.filter((kind) => kind === 'freeze').length;
      const verdict = await judge(sluice, servers, accounts, kills);
      failed = verdict.faults.length > 0;
      return { ...verdict, accounts: accounts.length, kills, freezes, recoveryMs };
    } finally {
      await sluice.close();
    }
  } finally {
    // Workers first: they have calls to end.
    for (const victim of victims.toReversed()) await victim.stop();
    if (keep || failed) log(`Data and logs: ${dataDir}`);
    else await rm(dataDir, { recursive: true, force: true });
  }
}

/** Before calls are made there is nothing to lose. */
async function callsFlow(bookFile: string): Promise<void> {
  const deadline = performance.now() + START_LIMIT_MS;
  while ((await readCallBook(bookFile, 1_000)).calls < FIRST_CALLS) {
    if (performance.now() > deadline) throw new Error(`The workers made no calls within ${START_LIMIT_MS} ms`);
    await delay(100);
  }
}

const busy = new WeakSet<Victim>();

/** @returns false when the victim was not back from the fault before. */
async function strike(victim: Victim, { kind, forMs }: Fault): Promise<boolean> {
  if (busy.has(victim)) return false;
  busy.add(victim);
  if (kind === 'freeze') {
    victim.freeze();
    await delay(forMs);
    victim.thaw();
  } else {
    await victim.kill();
    await delay(forMs);
    await victim.start();
  }
  busy.delete(victim);
  return true;
}
