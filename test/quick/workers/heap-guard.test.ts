import { describe, expect, it } from 'vitest';
import { createHeapGuard } from '../../../workers/capacity/heap-guard.ts';

/** A worker with a heap of a thousand bytes, of which some are garbage. */
function worker(maxShare = 0.85) {
  const heap = { held: 0, garbage: 0, now: 0, collected: 0 };
  const said: string[] = [];
  const say = (_: object, message: string) => void said.push(message);
  const guard = createHeapGuard(
    { info: say, warn: say, error: say },
    {
      maxShare,
      read: () => ({ usedBytes: heap.held + heap.garbage, limitBytes: 1_000 }),
      collect: () => {
        heap.garbage = 0;
        heap.collected++;
      },
      now: () => heap.now,
    },
  );
  const at = (ms: number, held: number, garbage = 0): boolean => {
    Object.assign(heap, { now: ms, held, garbage });
    return guard.isFull();
  };
  return { at, said, heap, guard };
}

describe('the guard on the heap', () => {
  it('takes no calls near the limit, says so once a minute, and takes them again when there is clearly room', () => {
    const { at, said } = worker();
    expect(at(0, 840)).toBe(false);
    expect(at(200, 860)).toBe(true);
    expect(at(400, 900)).toBe(true);
    // Not at once full again.
    expect(at(3_000, 800)).toBe(true);
    expect(said).toEqual([expect.stringMatching(/nearly full: this worker makes no more calls until there is room/)]);
    expect(at(61_000, 900)).toBe(true);
    expect(said).toHaveLength(2);
    expect(at(64_000, 700)).toBe(false);
    expect(said[2]).toContain('there is room in the heap again');
  });

  it('is not full of what nobody holds any more: that is removed first, at most every two seconds', () => {
    const { at, said, heap } = worker();
    expect(at(0, 300, 600)).toBe(false);
    expect(heap.collected).toBe(1);
    // Too soon for another collection, so it waits.
    expect(at(500, 300, 600)).toBe(true);
    expect(heap.collected).toBe(1);
    expect(at(2_100, 300, 600)).toBe(false);
    expect(heap.collected).toBe(2);
    expect(said).toHaveLength(2);
  });

  it('looks at most ten times a second, and never with a share of 1', () => {
    const { at } = worker();
    expect(at(0, 100)).toBe(false);
    expect(at(50, 999)).toBe(false);
    expect(at(120, 999)).toBe(true);
    expect(worker(1).at(0, 999)).toBe(false);
  });

  it("reads this process's own heap and can remove garbage", () => {
    const log = { info: () => {}, warn: () => {}, error: () => {} };
    const { usedBytes, limitBytes } = createHeapGuard(log, { maxShare: 0.85 }).use();
    expect(usedBytes).toBeGreaterThan(1_000_000);
    expect(limitBytes).toBeGreaterThan(usedBytes);
    // Above any share: it collects for real, and is full all the same.
    const tight = createHeapGuard(log, { maxShare: 0.1, read: () => ({ usedBytes: 90, limitBytes: 100 }) });
    expect(tight.isFull()).toBe(true);
  });
});
