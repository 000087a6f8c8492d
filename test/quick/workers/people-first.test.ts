/** Who waits for whom on the loop that all roles of a process share. */
import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import { createCallPlaces } from '../../../activities/call/call-places.ts';
import { createPeopleFirst, type PeopleFirst } from '../../../workers/capacity/people-first.ts';

const MINUTE_MS = 60_000;

describe('calls of lists beside runs of people', () => {
  let nowMs = 0;
  let used = 0;
  let people: PeopleFirst;
  let changes = 0;
  beforeEach(() => {
    vi.useFakeTimers();
    [nowMs, used, changes] = [0, 0, 0];
    people = createPeopleFirst(
      () => changes++,
      () => used,
      () => nowMs,
    );
  });
  afterEach(() => {
    people.stop();
    vi.useRealTimers();
  });

  const pass = (ms: number): void => {
    nowMs += ms;
    vi.advanceTimersByTime(ms);
  };
  const step = (): unknown => people.noting({ open: (id: string) => `opened ${id}` })['open']?.('a' as never);

  it('are as many as ever where nobody waits for a run, however busy the loop is', () => {
    used = 1;
    pass(1_000);
    expect(people.most('bulk')).toBe(Infinity);
    expect(vi.getTimerCount()).toBe(0);
  });

  it('are as many as ever beside canaries, and nobody looks where there are no lists', () => {
    used = 1;
    expect(people.noting({ passCanary: () => 'passed' })['passCanary']?.()).toBe('passed');
    expect(people.most('bulk')).toBe(Infinity);
    step();
    expect(people.most('interactive')).toBe(Infinity);
    expect(vi.getTimerCount()).toBe(0);
  });

  it('are made one after another while a step of such a run is near, and are a few on a busy loop afterwards', () => {
    used = 1;
    expect(step()).toBe('opened a');
    expect(people.most('bulk')).toBe(1);
    expect(people.most('background')).toBe(1);
    expect(people.most('interactive')).toBe(Infinity);
    pass(140);
    expect(people.most('bulk')).toBe(1);
    pass(20);
    expect(people.most('bulk')).toBe(4);
    pass(200);
    used = 0.85;
    pass(200);
    expect(people.most('bulk')).toBe(Infinity);
    step();
    expect(people.most('bulk')).toBe(1);
  });

  it('are not held back while the loop has time, also beside a step', () => {
    used = 0.2;
    step();
    expect(people.most('bulk')).toBe(1);
    pass(140);
    expect(people.most('bulk')).toBe(Infinity);
    step();
    expect(people.most('bulk')).toBe(Infinity);
  });

  it('are as many as ever when no step has come for a minute, and nobody looks any more', () => {
    used = 1;
    step();
    pass(MINUTE_MS);
    expect(people.most('bulk')).toBe(4);
    pass(40);
    expect(people.most('bulk')).toBe(Infinity);
    expect(vi.getTimerCount()).toBe(0);
    const told = changes;
    pass(MINUTE_MS);
    expect(changes).toBe(told);
    step();
    expect(people.most('bulk')).toBe(1);
  });
});

describe('places that are fewer for a while', () => {
  it('are given back to those who wait when they are told that there are more', async () => {
    let most = 1;
    const places = createCallPlaces(3, (role) => (role === 'bulk' ? most : Infinity));
    const first = await places.wait('bulk');
    let isIn = false;
    const second = Promise.resolve(places.wait('bulk')).then((giveBack) => ((isIn = true), giveBack));
    await places.wait('interactive');
    await places.wait('interactive');
    expect(isIn).toBe(false);
    most = Infinity;
    places.admit();
    (await second)();
    first();
  });
});
