/** The hostile matrix of `npm run bench -- hostile` in short: some statuses with every kind of answer, to every subject. */
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { sentence, hostileCases } from '../../../bench/hostile.ts';
import { SUBJECTS } from '../../../bench/hostile/cases.ts';
import { playMatrix, type MatrixResult } from '../../../bench/hostile/matrix.ts';
import { isLongForm } from '../../setup/long-form.ts';
import { createTestDatabase, type TestDatabase } from '../../setup/servers/database.ts';

/** It worked · refused · it may have worked. */
const STATUSES = isLongForm ? [200, 204, 302, 401, 402, 413, 429, 500, 503, 999] : [200, 403, 503];

describe('the same hostile answer every time, without a deadline', () => {
  let database: TestDatabase;
  let result: MatrixResult;
  beforeAll(async () => {
    database = await createTestDatabase({ max: 20 });
    result = await playMatrix(database.pool, hostileCases(STATUSES));
  });
  afterAll(() => database?.drop());

  it('comes to a typed end within the attempts, and to one write where one was asked for', () => {
    expect(result.ends.filter(({ mistake }) => mistake !== undefined).map(sentence)).toEqual([]);
    // It was really played, and did not end in one way alone.
    for (const subject of SUBJECTS)
      expect(
        new Set(result.ends.filter(({ of }) => of.subject === subject).map(({ end }) => end)).size,
      ).toBeGreaterThan(1);
  });

  it('disturbs no other provider: its calls are answered, and its permits given back', () => {
    expect(result.bystander.failures).toEqual([]);
    expect(result.bystander.calls).toBeGreaterThan(20);
    expect(result.bystander.hasPermits).toBe(true);
    expect(result.isLimiterDone).toBe(true);
  });

  it('takes bounded memory, and holds up the process for no second', () => {
    expect(result.peakMiB).toBeLessThan(1_024);
    expect(result.longestBlockMs).toBeLessThan(1_000);
  });
});
