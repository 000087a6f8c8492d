import { setTimeout as sleep } from 'node:timers/promises';
import { describe, expect, it } from 'vitest';
import { createTogether } from '../../../activities/run/answer-together.ts';

describe('calls of one workflow that are made at the same time', () => {
  const later = <Value>(): { promise: Promise<Value>; end: (value: Value) => void; fail: (error: Error) => void } => {
    let end: (value: Value) => void = () => {};
    let fail: (error: Error) => void = () => {};
    const promise = new Promise<Value>((resolve, reject) => ([end, fail] = [resolve, reject]));
    return { promise, end, fail };
  };

  it('are answered when the last of them has ended, each with its own end', async () => {
    const together = createTogether(60_000);
    const [one, other, elsewhere] = [later<number>(), later<number>(), later<number>()];
    const told: unknown[] = [];
    const ask = (key: string, work: Promise<number>) =>
      together(key, () => work).then(
        (value) => told.push(value),
        (error: Error) => told.push(error.message),
      );
    const all = [ask('a', one.promise), ask('a', other.promise), ask('b', elsewhere.promise)];
    one.end(1);
    await sleep(5);
    expect(told).toEqual([]);
    elsewhere.end(3);
    await sleep(5);
    expect(told).toEqual([3]);
    other.fail(new Error('away'));
    await Promise.all(all);
    expect(new Set(told)).toEqual(new Set([1, 3, 'away']));
    expect(await together('a', () => Promise.resolve(4))).toBe(4);
  });

  it('wait for a slow one only so long', async () => {
    const together = createTogether(10);
    const slow = later<number>();
    const waits = together('a', () => slow.promise);
    expect(await together('a', () => Promise.resolve(1))).toBe(1);
    expect(await together('a', () => Promise.resolve(2))).toBe(2);
    slow.end(3);
    expect(await waits).toBe(3);
  });
});
