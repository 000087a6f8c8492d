/**
 * A chaos run: syncs go on while their processes are killed and frozen by a schedule; then everything is left in peace and
 * must come to its end. Next: `schedule.ts` for what happens, `verdict.ts` for what must hold.
 */
import { chmod, mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import { connect } from '../../client/index.ts';
import { readCallBook } from './call-book.ts';
import { describeFault, drawSchedule, type Fault, type VictimName } from './schedule.ts';
import { startServers, type ChaosServers } from './servers.ts';
import { startSyncs, type Syncs } from './syncs.ts';
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
  /** Runs that were paused or cancelled, times that Postgres was put back and that the third party was slow. */
  readonly others: number;
  /** From the last fault until everything had ended, in milliseconds. */
  readonly recoveryMs: number;
}

/** Nothing may take longer than this after the last fault. */
const RECOVERY_LIMIT_MS = 180_000;
const START_LIMIT_MS = 60_000;
const FIRST_CALLS = 20;
/** Whoever is frozen for longer is taken for dead by the others. */
const LONG_MS = 7_000;

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
          const isDone = await strike(fault, victims, servers, syncs);
          log(`${clock()}  ${fault.victim} ${isDone ? `is back after a ${fault.kind}` : 'was left alone'}`);
          return isDone && fault;
        }),
      );
      const calmAt = performance.now();
      syncs.finishUp();
      const accounts = await syncs.ended;
      const recoveryMs = Math.round(performance.now() - calmAt);
      log(`${clock()}  ${accounts.length} accounts, recovered in ${(recoveryMs / 1_000).toFixed(1)} s`);
      const count = (...kinds: Fault['kind'][]): number =>
        struck.filter((fault) => fault !== false && kinds.includes(fault.kind)).length;
      const restores = count('restore');
      const kills = ends + count('kill') + 2 * restores;
      const freezes = count('freeze');
      const longFreezes = struck.filter((fault) => fault !== false && fault.kind === 'freeze' && fault.forMs > LONG_MS);
      const verdict = await judge(sluice, servers, accounts, {
        kills: kills + longFreezes.length,
        restores,
        readAgain: syncs.readAgain,
      });
      const others = restores + count('pause', 'cancel', 'slow');
      failed = verdict.faults.length > 0;
      return { ...verdict, accounts: accounts.length, kills, freezes, others, recoveryMs };
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

/** @returns false when the victim was not back from the fault before, or there was none. */
async function strike(
  { victim: name, kind, forMs }: Fault,
  victims: readonly Victim[],
  { postgresData }: ChaosServers,
  syncs: Syncs,
): Promise<boolean> {
  const lane = Number(/^run-(\d+)$/.exec(name)?.[1]);
  if (kind === 'pause') return syncs.pause(lane, forMs);
  if (kind === 'cancel') return syncs.cancel(lane);
  const victim = victims.find((each) => each.name === name) as Victim;
  if (busy.has(victim)) return false;
  busy.add(victim);
  if (kind === 'slow') {
    await victim.slow(true);
    await delay(forMs);
    await victim.slow(false);
  } else if (kind === 'restore') {
    const since = performance.now();
    await victim.kill();
    await postgresData.save();
    await victim.start();
    await delay(forMs);
    await victim.kill();
    await postgresData.putBack();
    await victim.start();
    await syncs.putBack(since);
  } else if (kind === 'freeze') {
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
