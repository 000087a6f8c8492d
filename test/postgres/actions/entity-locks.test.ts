import { randomUUID } from 'node:crypto';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import type { ConflictPolicy } from '../../../contracts/action.ts';
import { holdsLock, inTransaction, pendingOperations, releaseLock, takeLock } from '../../../db/index.ts';
import { createTestDatabase, type TestDatabase } from '../../setup/servers/database.ts';

describe('the lock of an entity', () => {
  let db: TestDatabase;
  beforeAll(async () => {
    db = await createTestDatabase({ max: 20 });
  });
  afterAll(() => db?.drop());

  const take = (entity: string, workflowId: string, policy: ConflictPolicy = 'wait', rootWorkflowId = workflowId) =>
    takeLock(db.pool, {
      entity,
      workflowId,
      rootWorkflowId,
      kind: 'action',
      name: 'notes/copy',
      account: 'a',
      startedBy: 'system',
      policy,
    });

  it('is held by the first, handed over in the order of asking, and free when all have given it back', async () => {
    const entity = randomUUID();
    expect(await take(entity, 'w1')).toEqual({ state: 'held', ahead: [] });
    expect(await take(entity, 'w2')).toEqual({ state: 'waiting', ahead: ['w1'] });
    expect(await take(entity, 'w3')).toEqual({ state: 'waiting', ahead: ['w1', 'w2'] });
    expect(await take(entity, 'w2')).toEqual({ state: 'waiting', ahead: ['w1'] });
    expect(await holdsLock(db.pool, entity, 'w2')).toBe(false);
    expect(await releaseLock(db.pool, entity, 'w1')).toBe('w2');
    // Not told yet: whoever gives a place back again hears it again.
    expect(await releaseLock(db.pool, entity, 'w1')).toBe('w2');
    expect(await holdsLock(db.pool, entity, 'w2')).toBe(true);
    expect(await releaseLock(db.pool, entity, 'w1')).toBeUndefined();
    expect(await releaseLock(db.pool, entity, 'w2')).toBe('w3');
    expect(await releaseLock(db.pool, entity, 'w3')).toBeUndefined();
    expect(await pendingOperations(db.pool, entity)).toEqual([]);
  });

  it('is refused while it is held, and a refused one has no place', async () => {
    const entity = randomUUID();
    await take(entity, 'w1');
    expect(await take(entity, 'w2', 'refuse')).toEqual({ state: 'refused', ahead: ['w1'] });
    expect((await pendingOperations(db.pool, entity)).map((each) => each.workflowId)).toEqual(['w1']);
    await releaseLock(db.pool, entity, 'w1');
    expect(await take(entity, 'w2', 'refuse')).toMatchObject({ state: 'held' });
  });

  it('marks all earlier ones as cancelled when a later one wants them gone, and none behind it', async () => {
    const entity = randomUUID();
    await take(entity, 'w1');
    await take(entity, 'w2');
    expect(await take(entity, 'w3', 'cancel-previous')).toEqual({ state: 'waiting', ahead: ['w1', 'w2'] });
    await take(entity, 'w4');
    const cancelled = (await pendingOperations(db.pool, entity)).map((each) => each.isCancelled);
    expect(cancelled).toEqual([true, true, false, false]);
  });

  it('is held for the steps of a saga that holds it, which have no place of their own', async () => {
    const entity = randomUUID();
    await take(entity, 'saga');
    expect(await take(entity, 'saga/step', 'wait', 'saga')).toMatchObject({ state: 'held', byRoot: true });
    expect(await take(entity, 'other/step', 'wait', 'other')).toMatchObject({ state: 'waiting' });
    expect((await pendingOperations(db.pool, entity)).map((each) => each.workflowId)).toEqual(['saga', 'other/step']);
  });

  it('is refused to the step of a saga whose waiting would never end, and to no other', async () => {
    const [x, y, z] = [randomUUID(), randomUUID(), randomUUID()];
    await take(x, 'A');
    await take(y, 'B');
    await take(z, 'C');
    expect(await take(y, 'A/step', 'wait', 'A')).toMatchObject({ state: 'waiting' });
    expect(await take(z, 'B/step', 'wait', 'B')).toMatchObject({ state: 'waiting' });
    // C → A → B → C, over three sagas. Who holds nothing may wait for anything.
    expect(await take(x, 'C/step', 'wait', 'C')).toEqual({ state: 'refused', ahead: ['A'], isCircle: true });
    expect(await take(x, 'D/step', 'wait', 'D')).toMatchObject({ state: 'waiting' });
    expect(await take(x, 'E')).toMatchObject({ state: 'waiting' });
    // Asking again for a place that it has is no new one.
    expect(await take(y, 'A/step', 'wait', 'A')).toMatchObject({ state: 'waiting', ahead: ['B'] });
    // C takes back what it did and gives its entity back: B's step has its turn.
    expect(await releaseLock(db.pool, z, 'C')).toBe('B/step');
  });

  it('is refused to exactly one of two steps that close a circle in the same moment', async () => {
    for (let round = 0; round < 30; round++) {
      const [x, y] = [`x-${randomUUID()}`, `y-${randomUUID()}`];
      const [a, b] = [`A${round}`, `B${round}`];
      await take(x, a);
      await take(y, b);
      const answers = await Promise.all([take(y, `${a}/step`, 'wait', a), take(x, `${b}/step`, 'wait', b)]);
      expect(answers.map(({ state }) => state).toSorted()).toEqual(['refused', 'waiting']);
    }
  });

  it('has exactly one holder at any moment, however many race for it', async () => {
    const entity = randomUUID();
    const racers = Array.from({ length: 60 }, (_, index) => `w${index}`);
    let holders = 0;
    let most = 0;
    const done: string[] = [];
    const work = async (workflowId: string): Promise<void> => {
      holders += 1;
      most = Math.max(most, holders);
      await db.pool.query('select 1'); // the others have their chance meanwhile
      holders -= 1;
      done.push(workflowId);
      const next = await releaseLock(db.pool, entity, workflowId);
      if (next !== undefined && (await holdsLock(db.pool, entity, next))) await work(next);
    };
    await Promise.all(
      racers.map(async (workflowId) => {
        const { state } = await inTransaction(db.pool, (tx) =>
          takeLock(tx, {
            entity,
            workflowId,
            rootWorkflowId: workflowId,
            kind: 'action',
            name: 'notes/copy',
            account: 'a',
            startedBy: 'system',
            policy: 'wait',
          }),
        );
        if (state === 'held') await work(workflowId);
      }),
    );
    expect(most).toBe(1);
    expect(done.toSorted()).toEqual(racers.toSorted());
    expect(await pendingOperations(db.pool, entity)).toEqual([]);
  });
});
