/** How many calls at once: as many as the worker was started with, fewer when an operator says so, none with 0. */
import { describe, expect, it } from 'vitest';
import { createCallPlaces, inPlace } from '../../../activities/call/call-places.ts';

const soon = (): Promise<void> => new Promise((resolve) => setImmediate(resolve));

describe('calls inside workflow tasks', () => {
  it('wait for a place of their role, first come first served', async () => {
    const places = createCallPlaces(1);
    const first = await places.wait('bulk');
    const came: string[] = [];
    const second = Promise.resolve(places.wait('bulk')).then((giveBack) => (came.push('second'), giveBack));
    const third = Promise.resolve(places.wait('bulk')).then((giveBack) => (came.push('third'), giveBack));
    await places.wait('interactive');
    await soon();
    expect(came).toEqual([]);
    first();
    (await second)();
    await third;
    expect(came).toEqual(['second', 'third']);
  });

  it('are fewer from then on, and as many again', async () => {
    const places = createCallPlaces(3);
    const held = [await places.wait('bulk'), await places.wait('bulk'), await places.wait('bulk')];
    places.set(1);
    let isIn = false;
    const next = Promise.resolve(places.wait('bulk')).then((giveBack) => ((isIn = true), giveBack));
    held[0]?.();
    held[1]?.();
    await soon();
    expect(isIn).toBe(false);
    places.set(2);
    await next;
    expect(isIn).toBe(true);
  });

  it('pass where there are none, those that wait as well: they are told so and go back', async () => {
    const places = createCallPlaces(1);
    const first = await places.wait('bulk');
    const waiting = places.wait('bulk');
    places.set(0);
    (await waiting)();
    (await places.wait('bulk'))();
    first();
    places.set(1);
    await places.wait('bulk');
  });
});

describe('durable calls', () => {
  it('find as many places as an operator has set, role by role', () => {
    const places = createCallPlaces(10);
    places.set(1);
    const giveBack = places.take('bulk');
    expect(giveBack).toBeDefined();
    expect(places.take('bulk')).toBeUndefined();
    expect(places.take('interactive')).toBeDefined();
    giveBack?.();
    expect(places.take('bulk')).toBeDefined();
    places.set(0);
    expect(places.take('background')).toBeUndefined();
  });

  it('are never refused where nobody has set anything', async () => {
    const places = createCallPlaces(1);
    expect([places.take('bulk'), places.take('bulk')]).not.toContain(undefined);
    expect(await inPlace({}, 'bulk', async () => 'made')).toBe('made');
  });

  it('give their place back however they end, and are not made without one', async () => {
    const places = createCallPlaces(10);
    places.set(1);
    let made = 0;
    const call = async () => ++made;
    await inPlace({ places }, 'bulk', async () => {
      expect(await inPlace({ places }, 'bulk', call)).toBeUndefined();
    });
    await expect(inPlace({ places }, 'bulk', () => Promise.reject(new Error('it failed')))).rejects.toThrow(
      'it failed',
    );
    expect(made).toBe(0);
    expect(await inPlace({ places }, 'bulk', call)).toBe(1);
  });
});
