/**
 * What is done to which process, and when: drawn from a seed, so that a run that failed can be played again.
 * Next stop: `run-chaos.ts` carries it out.
 */
import { pick, seededRandom } from '../../testing/fake-api/random.ts';

export const victimNames = ['worker-1', 'worker-2', 'temporal', 'postgres', 'third-party'] as const;
export type VictimName = (typeof victimNames)[number];

export interface Fault {
  /** After the first calls were made, in milliseconds. */
  readonly atMs: number;
  readonly victim: VictimName;
  /** `kill`: SIGKILL, started again after `forMs`. `freeze`: SIGSTOP, and SIGCONT after `forMs`. */
  readonly kind: 'kill' | 'freeze';
  readonly forMs: number;
}

/** Between two faults, and how long one lasts, in milliseconds. Longer freezes pass the time limit of workflow tasks. */
const GAP_MS = [2_500, 8_000] as const;
const DOWN_MS = [200, 3_000] as const;
const FROZEN_MS = [300, 7_000] as const;
/** How often each one is hit; workers are the ones that are killed in daily life. */
const draws: readonly VictimName[] = [
  'worker-1',
  'worker-1',
  'worker-2',
  'worker-2',
  'temporal',
  'postgres',
  'third-party',
];

/** Faults for `minutes`, in order of time. Two may overlap, but not on the same victim. */
export function drawSchedule(seed: number, minutes: number): Fault[] {
  const random = seededRandom(seed);
  const between = ([least, most]: readonly [number, number]): number => Math.round(least + random() * (most - least));
  const busyUntil = new Map<VictimName, number>();
  const faults: Fault[] = [];
  for (let atMs = between(GAP_MS); atMs < minutes * 60_000; atMs += between(GAP_MS)) {
    const victim = pick(random, draws);
    const kind = random() < 0.6 ? 'kill' : 'freeze';
    const forMs = between(kind === 'kill' ? DOWN_MS : FROZEN_MS);
    if ((busyUntil.get(victim) ?? 0) > atMs) continue;
    busyUntil.set(victim, atMs + forMs);
    faults.push({ atMs, victim, kind, forMs });
  }
  return faults;
}

/** One line of the printed schedule. */
export function describeFault({ atMs, victim, kind, forMs }: Fault): string {
  return `${(atMs / 1_000).toFixed(1).padStart(6)} s  ${kind.padEnd(6)}  ${victim}  for ${(forMs / 1_000).toFixed(1)} s`;
}
