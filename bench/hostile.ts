/**
 * `npm run bench -- hostile`: every status with every kind of hostile answer, to a read, a write, a refresh, a probe and the calls of a job, the same answer
 * every time. Wants a typed end within the attempts, one write where one was asked for, another provider undisturbed, and bounds for
 * memory and the event loop. Next: `hostile/matrix.ts`.
 */
import { createPool, migrate } from '../db/index.ts';
import { startBenchServers } from './engine/servers.ts';
import { ANSWER_KINDS, STATUSES, type AnswerKind } from './hostile/answers.ts';
import { SUBJECTS, type Case } from './hostile/cases.ts';
import { playMatrix, type MatrixResult } from './hostile/matrix.ts';
import type { BenchOptions } from './main.ts';
import { atLeast, atMost, type Measure } from './common/measures.ts';

const LONGEST_BLOCK_MS = 100;
const MOST_MIB = 768;
const SLOWEST_BYSTANDER_MS = 2_000;
const SHOW_EVERY = 250;
/** One of each class, and those with rules of their own. */
const FEW_STATUSES = [200, 204, 302, 401, 402, 413, 429, 500, 503, 999];

export async function runHostile({ quick, only }: BenchOptions): Promise<readonly Measure[]> {
  const kinds = only === undefined ? ANSWER_KINDS : (only.split(',') as AnswerKind[]);
  const servers = await startBenchServers();
  const pool = createPool(await servers.createDatabase('bench_hostile'), { max: 20 });
  try {
    await migrate(pool);
    const result = await playMatrix(pool, hostileCases(quick ? FEW_STATUSES : STATUSES, kinds), (end, done) => {
      if (end.mistake !== undefined) console.log(sentence(end));
      if (done % SHOW_EVERY === 0) console.log(`  ${done} cases`);
    });
    return measuresOf(result);
  } finally {
    await pool.end();
    await servers.stop();
  }
}

/** Kinds one after another for each status, so that what is heavy comes together. */
export function hostileCases(statuses: readonly number[], kinds: readonly AnswerKind[] = ANSWER_KINDS): Case[] {
  return kinds.flatMap((kind) => statuses.flatMap((status) => SUBJECTS.map((subject) => ({ status, kind, subject }))));
}

export function sentence({ of, end, mistake }: MatrixResult['ends'][number]): string {
  return `${of.status} with ${of.kind} to a ${of.subject}: ${mistake ?? end}${mistake === undefined ? '' : ` (${end})`}`;
}

function measuresOf({ ends, bystander, longestBlockMs, peakMiB, isLimiterDone }: MatrixResult): readonly Measure[] {
  const wrong = ends.filter(({ mistake }) => mistake !== undefined);
  for (const end of wrong.slice(0, 40)) console.log(sentence(end));
  for (const failure of new Set(bystander.failures)) console.log(`another provider: ${failure}`);
  const byEnd = new Map<string, number>();
  for (const { end } of ends) {
    const kind = end.split(':', 1)[0] as string;
    byEnd.set(kind, (byEnd.get(kind) ?? 0) + 1);
  }
  console.log([...byEnd].map(([kind, count]) => `${kind}: ${count}`).join(', '));
  return [
    atLeast('cases played', ends.length, 'cases', 1),
    atMost('without a typed end within the attempts, or with a write too many', wrong.length, 'cases', 0),
    atMost('calls of another provider that failed', bystander.failures.length, 'calls', 0),
    atLeast('calls of another provider', bystander.calls, 'calls', 20),
    atLeast('its permits are all there', bystander.hasPermits ? 1 : 0, '', 1),
    atMost('its slowest call', bystander.slowestMs, 'ms', SLOWEST_BYSTANDER_MS),
    atLeast('the limiter has told everything and ended', isLimiterDone ? 1 : 0, '', 1),
    atMost('longest block of the event loop', longestBlockMs, 'ms', LONGEST_BLOCK_MS),
    atMost('memory above the start', peakMiB, 'MiB', MOST_MIB),
  ];
}
