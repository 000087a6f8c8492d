/** Ends that were once believed, or not believed, wrongly: the kinds of `bench/honesty` that show them, with the right end of each. */
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { definitionsOf } from '../../../bench/honesty/definitions.ts';
import { kinds } from '../../../bench/honesty/kinds/index.ts';
import { runJobs, type Job } from '../../../bench/honesty/run-kind.ts';
import { startFakeApi, type FakeApi } from '../../../testing/index.ts';
import { createTestDatabase, type TestDatabase } from '../../setup/servers/database.ts';
import { isLongForm } from '../../setup/long-form.ts';

const SEEDS = isLongForm ? [1, 2, 3, 4, 5] : [1];

const jobsOf = (name: string, definition: string): Job[] => {
  const kind = kinds.find((each) => each.name === name);
  const found = kind && definitionsOf(kind.api).find((each) => each.name === definition);
  if (!found) throw new Error(`no kind "${name}" with a definition "${definition}"`);
  return SEEDS.map((seed) => ({ kind, definition: found, seed }));
};

describe('the end of a list', () => {
  let api: FakeApi;
  let db: TestDatabase;
  beforeAll(async () => {
    api = await startFakeApi();
    db = await createTestDatabase({ max: 20 });
  });
  afterAll(async () => {
    await api?.stop();
    await db?.drop();
  });

  const cases: Readonly<
    Record<string, readonly [end: string, ...lists: (readonly [kind: string, definition: string])[]]>
  > = {
    'at a cap is told as a cap, also where pages overlap and come short there': [
      'capped',
      ['1,000 of 2,600 rows, without a word, by offset', "lastPage: 'short'"],
      ['422 behind 1,000 of 2,600 rows, by offset', "lastPage: 'short'"],
      ['10,000 of 23,456 rows, counted up to 10,000 (gte), by page', "lastPage: 'short'"],
    ],
    'at a cap is told as a cap, also where lanes have asked behind it in vain': [
      'capped',
      ['1,000 of 2,600 rows, without a word, by offset', 'lanes'],
      ['10,000 of 23,456 rows, counted up to 10,000 (gte), by offset', 'total'],
    ],
    'is seen where a lane is refused behind it before it has read a page': [
      'complete',
      ['offsets: 404 behind the end', 'lanes'],
      ['offsets: 416 behind the end', 'lanes'],
    ],
    'is found in order where a server rounds the offsets of lanes': [
      'complete',
      ['offsets: rounded down to whole pages', 'lanes'],
      ['offsets: rounded down to whole pages', 'total'],
    ],
    'is not a page without rows in the middle, of pages that do not overlap': [
      'complete',
      ['page numbers: a page without rows in the middle, the size fixed', 'shortest'],
      ['page numbers: a page without rows in the middle, the size fixed', 'total'],
    ],
    'is not a page that had no rows, or was refused, for a moment, of pages that do not overlap': [
      'complete',
      ['page numbers: a page without rows for a moment, the size fixed', 'shortest'],
      ['page numbers: 404 for a moment, the size fixed', 'shortest'],
      ['offsets: rounded down to whole pages, and a page without rows for a moment', 'shortest'],
    ],
    'is behind short pages that were filtered after they were cut': [
      'complete',
      ['page numbers: filtered after it was cut: short pages in the middle', 'shortest'],
      ['offsets: filtered after it was cut: short pages in the middle', 'shortest'],
    ],
    'is found by another reading where rows moved farther than pages overlap': [
      'complete',
      ['a page of rows comes in at the head, by page', 'shortest'],
      ['a page of rows comes in at the head, by page, the size fixed', 'shortest'],
      ['a page of rows comes in at the head, by offset', 'shortest'],
      ['rows are removed at the tail, by page', 'shortest'],
      ['rows are removed at the tail, by offset', 'shortest'],
      ['the list is turned round, by page', 'shortest'],
      ['the list is turned round, by offset', 'total'],
    ],
    'is behind all rows where as many come as go, counted or not': [
      'complete',
      ['rows come and go, by page', 'total'],
      ['rows come and go, by offset', 'total'],
      ['rows come in anywhere, by page', 'total'],
    ],
  };

  for (const [title, [end, ...lists]] of Object.entries(cases))
    it(title, async () => {
      const verdicts = await runJobs(
        db.pool,
        api,
        lists.flatMap(([kind, definition]) => jobsOf(kind, definition)),
        { prefix: `${title.replaceAll(/\W/g, '').slice(0, 40)}-` },
      );
      const isLost = end === 'complete';
      const wrong = verdicts.filter((verdict) => verdict.end !== end || (isLost && verdict.lost > 0));
      expect(
        wrong.map(({ kind, definition, seed, end, reason, lost }) => ({
          of: kind.name,
          definition,
          seed,
          end,
          reason,
          lost,
        })),
      ).toEqual([]);
      expect(verdicts).toHaveLength(lists.length * SEEDS.length);
    });
});
