import { afterAll, beforeAll, describe, expect, inject, it } from 'vitest';
import { postAndKill } from '../../../bench/kills/post-and-kill.ts';
import { startPds, type RunningPds } from '../../../examples/bluesky/pds.ts';
import { createTestDatabase, type TestDatabase } from '../../setup/servers/database.ts';
import { temporalAddress } from '../../setup/servers/servers.ts';

const KILLS = 5;

describe('posting to a real PDS', () => {
  let pds: RunningPds;
  let db: TestDatabase;

  beforeAll(async () => {
    db = await createTestDatabase();
    // The first use on a machine compiles SQLite.
    pds = await startPds({ accounts: 2, posts: 1, follows: 1 });
  }, 300_000);
  afterAll(async () => {
    await pds?.stop();
    await db?.drop();
  });

  it(
    'makes exactly one post although the worker is killed between sending it and recording it',
    { timeout: 240_000 },
    async () => {
      const result = await postAndKill({
        pds,
        databaseUrl: db.url,
        temporalAddress: temporalAddress(),
        kills: KILLS,
        builtFolder: inject('builtFolder'),
      });
      expect(result).toMatchObject({ kills: KILLS, posts: KILLS, exactlyOnce: KILLS, lost: 0, duplicates: 0 });
      // A write that was lost is looked up and sent again, one that arrived is only looked up.
      expect(result.byMoment).toEqual({ after: 2, before: 2, late: 1 });
      expect(result.calls).toBe(2 * 2 + 2 * 3 + 2);
      const { rows } = await db.pool.query('select status, count(*)::int as n from sluice.report group by status');
      expect(rows).toEqual([{ status: 'ok', n: KILLS }]);
    },
  );
});
