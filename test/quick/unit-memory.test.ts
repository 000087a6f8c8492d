import { describe, expect, it } from 'vitest';
import { createUnitMemory } from '../../activities/unit-memory.ts';
import type { LoadedUnit } from '../../db/unit-store.ts';

const standing = (pages: number) => ({ pages, state: 'running' }) as LoadedUnit;

describe('what a process remembers of its units', () => {
  it('is given out once, for the page that the workflow asks for', () => {
    const memory = createUnitMemory(() => 100);
    memory.remember(1, standing(3), 50);
    expect(memory.take(1, 3)).toEqual({ standing: standing(3), readAt: 50 });
    expect(memory.take(1, 3)).toBeUndefined();
  });

  it('is worth nothing when somebody else has moved the unit, or nobody says how far it is', () => {
    const memory = createUnitMemory(() => 100);
    memory.remember(1, standing(3), 50);
    expect(memory.take(1, 4)).toBeUndefined();
    memory.remember(2, standing(3), 50);
    expect(memory.take(2, undefined)).toBeUndefined();
  });

  it('is read from the database again after five seconds, however many pages came since', () => {
    let now = 0;
    const memory = createUnitMemory(() => now);
    memory.remember(1, standing(1), 0);
    now = 4_900;
    const found = memory.take(1, 1);
    expect(found?.readAt).toBe(0);
    memory.remember(1, standing(2), found?.readAt ?? Number.NaN);
    now = 5_100;
    expect(memory.take(1, 2)).toBeUndefined();
  });

  it('forgets the oldest unit beyond a thousand', () => {
    const memory = createUnitMemory(() => 0);
    for (let unit = 0; unit <= 1_000; unit++) memory.remember(unit, standing(1), 0);
    expect(memory.take(0, 1)).toBeUndefined();
    expect(memory.take(1, 1)).toBeDefined();
    expect(memory.take(1_000, 1)).toBeDefined();
  });
});
