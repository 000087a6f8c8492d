/** One list of three pages, and all who may come too late to it. */
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { createTestDatabase, type TestDatabase } from '../../setup/servers/database.ts';
import { canceller, deadline, fastWorker, lateAttempt, pauser, slowWorker } from '../../setup/interleavings/actors.ts';
import { exploreAll } from '../../setup/interleavings/every-order.ts';
import { playOrder } from '../../setup/interleavings/random-orders.ts';
import { isLongForm } from '../../setup/long-form.ts';

const LANES = 4;
/** `SLUICE_ORDERS=1000000 npx vitest run test/postgres/pages/interleavings.test.ts` plays a million. */
const ORDERS = Number(process.env['SLUICE_ORDERS'] ?? (isLongForm ? 10_000 : 200));
const FIRST_SEED = Number(process.env['SLUICE_FIRST_SEED'] ?? 1);
const LIMIT_MS = 300_000 + ORDERS * 100;

describe('a list of three pages', () => {
  let db: TestDatabase;
  beforeAll(async () => {
    db = await createTestDatabase({ max: LANES * 6 });
  });
  afterAll(() => db?.drop());

  const lasts = [
    ['a cancellation', canceller],
    ['a deadline', deadline],
    ['a pause', pauser],
  ] as const;
  const pairs = [
    ['two workers', [fastWorker, slowWorker]],
    ['a worker and an attempt that was given up', [fastWorker, lateAttempt]],
  ] as const;

  describe.each(lasts)('with %s', (_, last) => {
    it.each(pairs)('is read exactly by %s in every order of their steps', async (__, actors) => {
      const found = await exploreAll(db.pool, [...actors, last]);
      expect(found.broken).toEqual([]);
      expect(found.ends).toContain('done, list complete');
    });

    it.runIf(isLongForm)(
      'is read exactly by all of them in every order',
      async () => {
        const found = await exploreAll(db.pool, [fastWorker, slowWorker, lateAttempt, last]);
        expect(found.broken).toEqual([]);
      },
      600_000,
    );
  });

  it(
    `is read exactly in ${ORDERS} random orders, in which transactions overlap and answers are lost`,
    async () => {
      const broken: string[] = [];
      let waits = 0;
      let lost = 0;
      let next = 0;
      const lane = async (): Promise<void> => {
        while (next < ORDERS && broken.length < 5) {
          const seed = FIRST_SEED + next++;
          const last = lasts[seed % lasts.length]?.[1] ?? canceller;
          const played = await playOrder(db.pool, seed, [fastWorker, slowWorker, lateAttempt, last]);
          broken.push(...played.broken);
          waits += played.waits;
          lost += played.lost;
        }
      };
      await Promise.all(Array.from({ length: LANES }, lane));
      expect(broken).toEqual([]);
      // Locks have been met, so the orders were no mere rows of whole steps.
      expect(waits).toBeGreaterThan(ORDERS / 10);
      expect(lost).toBeGreaterThan(ORDERS / 10);
    },
    LIMIT_MS,
  );
});
