/**
 * What is done to which process, and when: drawn from a seed, so that a run that failed can be played again.
 * Next: `run-chaos.ts` carries it out.
 */
import { pick, seededRandom } from '../../testing/fake-api/random.ts';

export const victimNames = ['worker-1', 'worker-2', 'temporal', 'postgres', 'third-party'] as const;
export type VictimName = (typeof victimNames)[number];
/** One of the runs that are going on, by the number of the lane that syncs it. */
export type RunName = `run-${number}`;

export interface Fault {
  /** After the first calls were made, in milliseconds. */
  readonly atMs: number;
  readonly victim: VictimName | RunName;
  /**
   * `kill`: SIGKILL, started again after `forMs`. `freeze`: SIGSTOP, and SIGCONT after `forMs`. `slow`: the third party takes 400 ms for
   * each answer. `restore`: Postgres is killed, and after `forMs` put back to that moment. `pause`: a run, and resumed after `forMs`.
   * `cancel`: a run, which is then started again.
   */
  readonly kind: 'kill' | 'freeze' | 'slow' | 'restore' | 'pause' | 'cancel';
  readonly forMs: number;
}

/** Between two faults, in milliseconds. */
const GAP_MS = [2_500, 8_000] as const;
/** How long one lasts. A frozen worker passes the time limit of its workflow tasks and the heartbeats of its activities. */
const LASTS_MS: Readonly<Record<Fault['kind'], readonly [number, number]>> = {
  kill: [200, 3_000],
  freeze: [300, 7_000],
  slow: [1_000, 8_000],
  restore: [500, 4_000],
  pause: [300, 4_000],
  cancel: [0, 0],
};
const FROZEN_WORKER_MS = [300, 15_000] as const;
export const LANES_OF_RUNS = 3;
/** How often each one is hit; workers are the ones that are killed in daily life. */
const draws: readonly (VictimName | 'run')[] = [
  'worker-1',
  'worker-1',
  'worker-2',
  'worker-2',
  'temporal',
  'postgres',
  'third-party',
  'run',
  'run',
];

/** Faults for `minutes`, in order of time. Two may overlap, but not on the same victim. */
export function drawSchedule(seed: number, minutes: number): Fault[] {
  const random = seededRandom(seed);
  const between = ([least, most]: readonly [number, number]): number => Math.round(least + random() * (most - least));
  const busyUntil = new Map<Fault['victim'], number>();
  const kindFor = (victim: VictimName | 'run'): Fault['kind'] => {
    const draw = random();
    if (victim === 'run') return draw < 0.6 ? 'pause' : 'cancel';
    if (victim === 'third-party' && draw < 0.4) return 'slow';
    if (victim === 'postgres' && draw < 0.3) return 'restore';
    return draw < 0.6 ? 'kill' : 'freeze';
  };
  const faults: Fault[] = [];
  for (let atMs = between(GAP_MS); atMs < minutes * 60_000; atMs += between(GAP_MS)) {
    const drawn = pick(random, draws);
    const victim = drawn === 'run' ? (`run-${Math.floor(random() * LANES_OF_RUNS)}` as const) : drawn;
    const kind = kindFor(drawn);
    const forMs = between(kind === 'freeze' && drawn.startsWith('worker') ? FROZEN_WORKER_MS : LASTS_MS[kind]);
    if ((busyUntil.get(victim) ?? 0) > atMs) continue;
    busyUntil.set(victim, atMs + forMs);
    faults.push({ atMs, victim, kind, forMs });
  }
  return faults;
}

/** One line of the printed schedule. */
export function describeFault({ atMs, victim, kind, forMs }: Fault): string {
  return `${(atMs / 1_000).toFixed(1).padStart(6)} s  ${kind.padEnd(7)}  ${victim}  for ${(forMs / 1_000).toFixed(1)} s`;
}
