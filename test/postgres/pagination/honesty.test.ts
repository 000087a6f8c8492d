/** The kinds of `npm run bench -- honesty`, each with one of its definitions; and lists drawn at random against the same claim. */
import * as fc from 'fast-check';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { kinds } from '../../../bench/honesty/kinds/index.ts';
import { jobsOf, runJobs, type Verdict } from '../../../bench/honesty/run-kind.ts';
import { startFakeApi, type FakeApi } from '../../../testing/index.ts';
import { createTestDatabase, type TestDatabase } from '../../setup/servers/database.ts';
import { drawn, jobOf, type Drawn } from '../../setup/drawn-lists.ts';
import { isLongForm } from '../../setup/long-form.ts';

/** A batch is read side by side: most of the time of a list is waiting. */
const BATCH = 16;

const told = ({ kind, definition, seed, end, reason, lost, rows }: Verdict): string =>
  `${kind.name}, ${definition}, seed ${seed}: ${end}, ${rows} rows, ${lost} lost; ${reason ?? ''}`;

describe('a list that ends complete', () => {
  let api: FakeApi;
  let db: TestDatabase;
  let batches = 0;
  beforeAll(async () => {
    api = await startFakeApi();
    db = await createTestDatabase({ max: 20 });
  });
  afterAll(async () => {
    await api?.stop();
    await db?.drop();
  });

  it('has every row that stood in it, of whatever kind it is and however its definition is written', async () => {
    // In turn one of the definitions of each, and none of ten thousands of rows: the benchmark has all of them.
    const few = kinds.filter(({ name }) => isLongForm || !/[12]\d,\d{3} of/.test(name));
    const jobs = few.flatMap((kind, index) => {
      const all = jobsOf([kind], [1]);
      return isLongForm ? all : all.slice(index % all.length, (index % all.length) + 1);
    });
    const verdicts = await runJobs(db.pool, api, jobs);
    expect(verdicts.filter(({ isWrongGreen }) => isWrongGreen).map(told)).toEqual([]);
    expect(verdicts.filter(({ end }) => end === 'endless').map(told)).toEqual([]);
    // Exactly 1,000 rows and no more are taken for a cap, where no total says otherwise.
    const alarms = verdicts.filter(({ isFalseAlarm, kind }) => isFalseAlarm && !kind.name.startsWith('exactly 1,000'));
    expect(alarms.map(told)).toEqual([]);
    expect(verdicts.length).toBeGreaterThan(200);
  }, 600_000);

  it('has every row that stood in it, however large it is, moves, is counted, cut and ended', async () => {
    let complete = 0;
    let all = 0;
    await fc.assert(
      fc.asyncProperty(fc.array(drawn, { minLength: BATCH, maxLength: BATCH }), async (lists: readonly Drawn[]) => {
        const verdicts = await runJobs(db.pool, api, lists.map(jobOf), { prefix: `b${batches++}x`, atOnce: BATCH });
        expect(verdicts.filter(({ isWrongGreen, end }) => isWrongGreen || end === 'endless').map(told)).toEqual([]);
        complete += verdicts.filter(({ end }) => end === 'complete').length;
        all += verdicts.length;
      }),
      // The batch that fails names its lists; to look for a smaller one would take minutes.
      { numRuns: isLongForm ? 400 : 4, endOnFailure: true },
    );
    // Else it would prove nothing.
    expect(complete / all).toBeGreaterThan(0.25);
  }, 1_800_000);
});
