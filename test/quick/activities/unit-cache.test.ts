import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { createCallPlaces } from '../../../activities/call/call-places.ts';
import { createUnitMemory } from '../../../activities/sync/unit-cache.ts';
import type { LoadedUnit } from '../../../db/stores/sync/unit-store.ts';

const standing = (pages: number) => ({ pages, state: 'running' }) as LoadedUnit;

describe('what a process remembers of its units', () => {
  it('is given out once, for the page that the workflow asks for', () => {
    const memory = createUnitMemory(createCallPlaces(200), () => 100);
    memory.remember(1, standing(3), 50);
    expect(memory.take(1, 3)).toEqual({ standing: standing(3), readAt: 50 });
    expect(memory.take(1, 3)).toBeUndefined();
  });

  it('is worth nothing when somebody else has moved the unit, or nobody says how far it is', () => {
    const memory = createUnitMemory(createCallPlaces(200), () => 100);
    memory.remember(1, standing(3), 50);
    expect(memory.take(1, 4)).toBeUndefined();
    memory.remember(2, standing(3), 50);
    expect(memory.take(2, undefined)).toBeUndefined();
  });

  it('is read from the database again after five seconds, however many pages came since', () => {
    let now = 0;
    const memory = createUnitMemory(createCallPlaces(200), () => now);
    memory.remember(1, standing(1), 0);
    now = 4_900;
    const found = memory.take(1, 1);
    expect(found?.readAt).toBe(0);
    memory.remember(1, standing(2), found?.readAt ?? Number.NaN);
    now = 5_100;
    expect(memory.take(1, 2)).toBeUndefined();
  });

  it('forgets the oldest unit beyond a thousand', () => {
    const memory = createUnitMemory(createCallPlaces(200), () => 0);
    for (let unit = 0; unit <= 1_000; unit++) memory.remember(unit, standing(1), 0);
    expect(memory.take(0, 1)).toBeUndefined();
    expect(memory.take(1, 1)).toBeDefined();
    expect(memory.take(1_000, 1)).toBeDefined();
  });
});

describe('a page that is stored behind its answer', () => {
  const unhandled: unknown[] = [];
  const note = (error: unknown) => void unhandled.push(error);
  beforeEach(() => {
    unhandled.length = 0;
    process.on('unhandledRejection', note);
  });
  afterEach(() => process.off('unhandledRejection', note));
  /** Node tells of unhandled rejections after the microtasks of a turn. */
  const turn = () => new Promise((resolve) => setImmediate(resolve));
  const deferred = () => {
    let resolve!: () => void;
    let reject!: (error: Error) => void;
    const promise = new Promise<void>((yes, no) => {
      resolve = yes;
      reject = no;
    });
    return { promise, resolve, reject };
  };
  /** Whether it has ended, and how, after all that can happen by itself has happened. */
  const stateOf = async (promise: Promise<unknown>): Promise<string> => {
    let state = 'waiting';
    promise.then(
      () => (state = 'done'),
      (error: unknown) => (state = (error as Error).message),
    );
    await turn();
    return state;
  };

  it('is waited for by the next call of its unit, and by no other', async () => {
    const memory = createUnitMemory();
    const page = deferred();
    memory.storeBehind(1, 'run', page.promise);
    const next = memory.stored(1);
    expect(await stateOf(next)).toBe('waiting');
    expect(await stateOf(memory.stored(2))).toBe('done');
    page.resolve();
    expect(await stateOf(next)).toBe('done');
    expect(await stateOf(memory.stored(1))).toBe('done');
  });

  it('tells its failure once, to the next call of its unit, and to nobody else', async () => {
    const memory = createUnitMemory();
    const page = deferred();
    memory.storeBehind(1, 'run', page.promise);
    page.reject(new Error('disk full'));
    await turn();
    expect(unhandled).toEqual([]);
    expect(await stateOf(memory.stored(2))).toBe('done');
    expect(await stateOf(memory.stored(1))).toBe('disk full');
    expect(await stateOf(memory.stored(1))).toBe('done');
    expect(unhandled).toEqual([]);
  });

  it('tells its failure also to a call that already waits, and once', async () => {
    const memory = createUnitMemory();
    const page = deferred();
    memory.storeBehind(1, 'run', page.promise);
    const next = memory.stored(1);
    page.reject(new Error('disk full'));
    expect(await stateOf(next)).toBe('disk full');
    expect(await stateOf(memory.stored(1))).toBe('done');
    expect(unhandled).toEqual([]);
  });

  it('is waited for by what settles all, which never fails', async () => {
    const memory = createUnitMemory();
    const pages = [deferred(), deferred(), deferred()] as const;
    pages.forEach(({ promise }, unit) => memory.storeBehind(unit, 'run', promise));
    const settled = memory.settled();
    pages[0].reject(new Error('disk full'));
    pages[1].resolve();
    expect(await stateOf(settled)).toBe('waiting');
    expect(await stateOf(memory.settled('run'))).toBe('waiting');
    // One run's page does not hold up the end of another.
    expect(await stateOf(memory.settled('another'))).toBe('done');
    pages[2].reject(new Error('disk full'));
    expect(await stateOf(settled)).toBe('done');
    // A failure that is kept holds nobody up.
    expect(await stateOf(memory.settled())).toBe('done');
    expect(unhandled).toEqual([]);
    expect(await stateOf(memory.stored(0))).toBe('disk full');
  });

  it('is forgotten once it is stored; of failures that nobody asks for, the oldest beyond a thousand', async () => {
    const memory = createUnitMemory();
    for (let unit = 0; unit < 2_000; unit++) memory.storeBehind(unit, 'run', Promise.resolve());
    await turn();
    for (let unit = 10_000; unit <= 11_000; unit++)
      memory.storeBehind(unit, 'run', Promise.reject(new Error('disk full')));
    await turn();
    expect(await stateOf(memory.stored(10_000))).toBe('done');
    expect(await stateOf(memory.stored(10_001))).toBe('disk full');
    expect(await stateOf(memory.stored(11_000))).toBe('disk full');
    expect(unhandled).toEqual([]);
  });
});
