/**
 * Reads one list with one definition, in the real storage core against a third party on loopback, and judges the end by what was
 * true of the list. Used by: `bench/honesty.ts` and `test/postgres/pagination/honesty.test.ts`.
 */
import type { Pool } from '../../db/index.ts';
import type { FakeApi } from '../../testing/index.ts';
import { createDrive } from '../common/drive.ts';
import { definitionsOf, syncOf, type Definition } from './definitions.ts';
import { randomOf, type Ask, type HonestyKind } from './kind.ts';

export interface Verdict {
  readonly kind: HonestyKind;
  readonly definition: string;
  readonly seed: number;
  /** `complete`, another kind of end, or `endless`. */
  readonly end: string;
  readonly reason: string | undefined;
  /** Rows that stood in the list all the time and are not stored. */
  readonly lost: number;
  readonly rows: number;
  readonly calls: number;
  readonly fewest: number;
  readonly truth: HonestyKind['truth'];
  /** Complete, although rows are missing or the third party has failed. */
  readonly isWrongGreen: boolean;
  /** Not complete, although all of it could be read. */
  readonly isFalseAlarm: boolean;
}

export interface Job {
  readonly kind: HonestyKind;
  readonly definition: Definition;
  readonly seed: number;
}

export function jobsOf(kinds: readonly HonestyKind[], seeds: readonly number[]): Job[] {
  return seeds.flatMap((seed) =>
    kinds.flatMap((kind) => definitionsOf(kind.api).map((definition) => ({ kind, definition, seed }))),
  );
}

export interface RunOptions {
  /** Lists that are read side by side. Default 20. */
  readonly atOnce?: number;
  /** Begins the names of the lists, for several calls on one database. Default `h`. */
  readonly prefix?: string;
  readonly onEnd?: (verdict: Verdict) => void;
}

export async function runJobs(
  pool: Pool,
  api: FakeApi,
  jobs: readonly Job[],
  { atOnce = 20, prefix = 'h', onEnd }: RunOptions = {},
): Promise<Verdict[]> {
  const drive = await createDrive(pool);
  const open = jobs.map((job, index) => ({ job, index }));
  const verdicts: Verdict[] = [];
  const work = async (): Promise<void> => {
    for (let next = open.shift(); next; next = open.shift()) {
      const verdict = await runJob(pool, api, drive, next.job, `${prefix}${next.index}`);
      verdicts[next.index] = verdict;
      onEnd?.(verdict);
    }
  };
  try {
    await Promise.all(Array.from({ length: atOnce }, work));
    return verdicts;
  } finally {
    await drive.end();
  }
}

async function runJob(
  pool: Pool,
  api: FakeApi,
  drive: Awaited<ReturnType<typeof createDrive>>,
  { kind, definition, seed }: Job,
  id: string,
): Promise<Verdict> {
  const world = kind.world(randomOf(Buffer.from(kind.name).reduce((sum, byte) => Math.imul(sum, 31) + byte, seed)));
  let calls = 0;
  let before = 0;
  api.route('GET', `/${id}`, (call) => world.answer(askOf(call, ++calls - before, kind, id)));
  const sync = syncOf(id, api.url, kind.api, definition);
  const run = () => drive.run(sync, { account: id });
  if (kind.hadRun) {
    await run();
    before = calls;
  }
  const result = await run();
  const { rows } = await pool.query<{ key: string }>(
    'select key from sluice.record where account = $1 and deleted_at is null',
    [id],
  );
  const stored = new Set(rows.map(({ key }) => key));
  const lost = world.stood().filter((key) => !stored.has(key)).length;
  const end = result ? (result.complete ? 'complete' : (result.flaws[0]?.kind ?? result.state)) : 'endless';
  const truth = kind.truthOf?.(definition.name) ?? kind.truth;
  return {
    kind,
    definition: definition.name,
    seed,
    end,
    reason: result?.flaws[0]?.reason,
    lost,
    rows: stored.size,
    calls: calls - before,
    fewest: world.fewest(definition.sign, definition.size),
    truth,
    isWrongGreen: end === 'complete' && (lost > 0 || truth === 'short'),
    isFalseAlarm: end !== 'complete' && truth === 'whole',
  };
}

function askOf(call: Ask['call'], nth: number, { api }: HonestyKind, id: string): Ask {
  const { query } = call;
  const numberOf = (name: string, otherwise: number): number => Number(query.get(name) ?? otherwise);
  return {
    call,
    nth,
    cursor: query.get('cursor') ?? undefined,
    number: numberOf('page', api.firstPage ?? 1),
    offset: numberOf('offset', 0),
    size: numberOf('limit', 100),
    path: `/${id}`,
  };
}
