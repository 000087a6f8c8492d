import * as fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { createCallPlaces } from '../../../activities/call/call-places.ts';
import { createTurns, type Turns } from '../../../activities/sync/serialize-calls.ts';
import type { PageFact } from '../../../contracts/messages.ts';

/** After all that can happen by itself has happened. */
const turn = () => new Promise((resolve) => setImmediate(resolve));

/** A third party whose calls begin when they are made, and end when the test says so. */
function play(turns: Turns) {
  const made: string[] = [];
  const answered: string[] = [];
  const open = new Map<string, { end: () => void; fail: (error: Error) => void }>();
  return {
    made,
    answered,
    open: () => [...open.keys()],
    ask: (unit: number, name: string, role = 'bulk'): Promise<PageFact> => {
      const answer = turns.inTurn(unit, role, () => {
        made.push(name);
        return new Promise<PageFact>((resolve, reject) => {
          const left = (): boolean => open.delete(name);
          open.set(name, {
            end: () => left() && resolve({ unit, state: 'more' }),
            fail: (error) => left() && reject(error),
          });
        });
      });
      answer.then(
        () => answered.push(name),
        (error: unknown) => answered.push(`${name}: ${(error as Error).message}`),
      );
      return answer;
    },
    end: async (name: string) => {
      open.get(name)?.end();
      await turn();
    },
    fail: async (name: string, message: string) => {
      open.get(name)?.fail(new Error(message));
      await turn();
    },
  };
}

describe('calls of one list that are asked for at once', () => {
  it('are made in their order, each when the one before it has ended', async () => {
    const party = play(createTurns(createCallPlaces(100)));
    for (const name of ['a', 'b', 'c']) void party.ask(1, name);
    await turn();
    expect(party.made).toEqual(['a']);
    await party.end('a');
    expect(party.made).toEqual(['a', 'b']);
    await party.end('b');
    expect(party.made).toEqual(['a', 'b', 'c']);
    expect(party.open()).toEqual(['c']);
  });

  it('are answered together, when the last of them has ended, each with what it has said', async () => {
    const party = play(createTurns(createCallPlaces(100)));
    const answers = ['a', 'b', 'c'].map((name) => party.ask(1, name));
    await turn();
    await party.end('a');
    await party.end('b');
    expect(party.answered).toEqual([]);
    await party.end('c');
    expect([...party.answered].sort()).toEqual(['a', 'b', 'c']);
    await expect(Promise.all(answers)).resolves.toHaveLength(3);
  });

  it('wait for those that came while they were made', async () => {
    const party = play(createTurns(createCallPlaces(100)));
    void party.ask(1, 'a');
    await turn();
    void party.ask(1, 'b');
    await party.end('a');
    expect(party.answered).toEqual([]);
    expect(party.made).toEqual(['a', 'b']);
    void party.ask(1, 'c');
    await party.end('b');
    expect(party.answered).toEqual([]);
    expect(party.made).toEqual(['a', 'b', 'c']);
    await party.end('c');
    expect([...party.answered].sort()).toEqual(['a', 'b', 'c']);
  });

  it('do not wait for those of another list', async () => {
    const party = play(createTurns(createCallPlaces(100)));
    void party.ask(1, 'a');
    void party.ask(2, 'b');
    await turn();
    expect(party.made).toEqual(['a', 'b']);
    await party.end('b');
    expect(party.answered).toEqual(['b']);
    await party.end('a');
    expect(party.answered).toEqual(['b', 'a']);
  });

  it.each([
    ['the first', ['a'], ['a: no', 'b', 'c']],
    ['one in the middle', ['b'], ['a', 'b: no', 'c']],
    ['the last', ['c'], ['a', 'b', 'c: no']],
    ['each', ['a', 'b', 'c'], ['a: no', 'b: no', 'c: no']],
  ])('are made and answered when %s of them throws, which is told to that one alone', async (_, failing, expected) => {
    const party = play(createTurns(createCallPlaces(100)));
    for (const name of ['a', 'b', 'c']) party.ask(1, name).catch(() => {});
    await turn();
    for (const name of ['a', 'b', 'c']) {
      if (failing.includes(name)) await party.fail(name, 'no');
      else await party.end(name);
    }
    expect(party.made).toEqual(['a', 'b', 'c']);
    expect([...party.answered].sort()).toEqual(expected);
  });

  it('are made and answered when one throws before it has begun', async () => {
    const turns = createTurns(createCallPlaces(100));
    const failed = turns.inTurn(1, 'bulk', () => {
      throw new Error('no');
    });
    const next = turns.inTurn(1, 'bulk', async () => ({ unit: 1, state: 'ended' }));
    await expect(failed).rejects.toThrow('no');
    await expect(next).resolves.toEqual({ unit: 1, state: 'ended' });
  });

  it('are at most as many at once as the role has places, and those of another role do not wait for them', async () => {
    const party = play(createTurns(createCallPlaces(2)));
    for (const unit of [1, 2, 3]) void party.ask(unit, `bulk ${unit}`);
    void party.ask(4, 'person', 'interactive');
    await turn();
    expect(party.open()).toEqual(['bulk 1', 'bulk 2', 'person']);
    await party.end('person');
    expect(party.open()).toEqual(['bulk 1', 'bulk 2']);
    await party.fail('bulk 2', 'no');
    expect(party.open()).toEqual(['bulk 1', 'bulk 3']);
    // Who was let in gives a place back as well.
    for (const name of ['bulk 1', 'bulk 3']) await party.end(name);
    for (const unit of [5, 6, 7]) void party.ask(unit, `bulk ${unit}`);
    await turn();
    expect(party.open()).toEqual(['bulk 5', 'bulk 6']);
  });

  it('leave nothing behind: a later call is made at once, and many lists that were read take no room from others', async () => {
    const turns = createTurns(createCallPlaces(8), () => 0);
    const party = play(turns);
    for (let unit = 0; unit < 1_000; unit++) {
      party.ask(unit, `${unit}a`).catch(() => {});
      void party.ask(unit, `${unit}b`);
    }
    await turn();
    expect(turns.ahead(1, 1_000)).toBe(1);
    let isFirst = true;
    while (party.open().length > 0) {
      for (const name of party.open()) await (isFirst && name.endsWith('a') ? party.fail(name, 'no') : party.end(name));
      isFirst = false;
    }
    expect(party.answered).toHaveLength(2_000);
    void party.ask(1, 'later');
    await turn();
    expect(party.open()).toEqual(['later']);
    expect(turns.ahead(1, 1_000)).toBe(16);
  });

  it('keep all this however they come and end', async () => {
    const steps = fc.array(
      fc.record({ unit: fc.integer({ min: 1, max: 3 }), does: fc.constantFrom('ask', 'ask', 'end', 'fail') }),
      { maxLength: 40, size: 'max' },
    );
    await fc.assert(
      fc.asyncProperty(steps, async (taken) => {
        const party = play(createTurns(createCallPlaces(100)));
        const asked = new Map<number, string[]>([1, 2, 3].map((unit) => [unit, []]));
        const answered = new Map<number, number>();
        const openOf = (unit: number) => party.open().filter((name) => name.startsWith(`${unit}/`));
        for (const { unit, does } of taken) {
          const names = asked.get(unit) ?? [];
          if (does === 'ask') {
            const name = `${unit}/${names.length}`;
            names.push(name);
            party.ask(unit, name).catch(() => {});
            await turn();
          } else if (does === 'end') await party.end(openOf(unit)[0] ?? '');
          else await party.fail(openOf(unit)[0] ?? '', 'no');
          for (const [each, all] of asked) {
            // At most one at a time, and one as long as there are any that were not made.
            const made = party.made.filter((name) => name.startsWith(`${each}/`));
            expect(made).toEqual(all.slice(0, made.length));
            const ended = made.length - openOf(each).length;
            expect(openOf(each)).toHaveLength(ended === all.length ? 0 : 1);
            // While one is open, answered are those that were when none was.
            if (ended === all.length) answered.set(each, ended);
            expect(party.answered.filter((name) => name.startsWith(`${each}/`))).toHaveLength(answered.get(each) ?? 0);
          }
        }
      }),
      { numRuns: 60 },
    );
  });
});

describe('how many calls of a list may be asked for at once', () => {
  it.each([
    // pages, ms of its last call, expected
    [1_000, 0, 16],
    [1_000, 62, 16],
    [1_000, 63, 15],
    [1_000, 300, 3],
    [1_000, 500, 2],
    [1_000, 501, 1],
    [1_000, 60_000, 1],
    [0, 1, 1],
    [1, 1, 1],
    [7, 1, 1],
    [8, 1, 2],
    [63, 1, 15],
    [64, 1, 16],
  ])('is bounded by what the list has and by how fast it is: %d pages, %d ms', async (pages, tookMs, expected) => {
    let now = 10_000;
    const turns = createTurns(createCallPlaces(200), () => now);
    const party = play(turns);
    void party.ask(1, 'a');
    void party.ask(1, 'b');
    await turn();
    now += 5_000;
    await party.end('a');
    now += tookMs;
    expect(turns.ahead(1, pages)).toBe(expected);
  });

  it('is one where none of its calls is being made', () => {
    expect(createTurns(createCallPlaces(200)).ahead(1, 1_000)).toBe(1);
  });

  it('is bounded by the steps that the process takes at once, shared by the lists that are being read', async () => {
    const turns = createTurns(createCallPlaces(20), () => 0);
    const party = play(turns);
    const found: number[] = [];
    for (let unit = 1; unit <= 90; unit++) {
      void party.ask(unit, `${unit}`);
      await turn();
      found.push(turns.ahead(1, 1_000));
    }
    expect(found.slice(0, 7)).toEqual([16, 16, 16, 16, 16, 13, 11]);
    expect(found[39]).toBe(2);
    expect(found[40]).toBe(1);
    expect(found.at(-1)).toBe(1);
  });
});
