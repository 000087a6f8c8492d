import * as fc from 'fast-check';
import { describe, expect, it } from 'vitest';
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
    ask: (unit: number, name: string): Promise<PageFact> => {
      const answer = turns.inTurn(unit, () => {
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
    const party = play(createTurns(100));
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
    const party = play(createTurns(100));
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
    const party = play(createTurns(100));
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
    const party = play(createTurns(100));
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
    const party = play(createTurns(100));
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
    const turns = createTurns(100);
    const failed = turns.inTurn(1, () => {
      throw new Error('no');
    });
    const next = turns.inTurn(1, async () => ({ unit: 1, state: 'ended' }));
    await expect(failed).rejects.toThrow('no');
    await expect(next).resolves.toEqual({ unit: 1, state: 'ended' });
  });

  it('leave nothing behind: a later call is made at once, and many lists that were read take no room from others', async () => {
    const turns = createTurns(8);
    const party = play(turns);
    for (let unit = 0; unit < 1_000; unit++) {
      party.ask(unit, `${unit}a`).catch(() => {});
      void party.ask(unit, `${unit}b`);
    }
    await turn();
    expect(turns.ahead(1_000, 1)).toBe(1);
    for (const name of party.open()) await party.fail(name, 'no');
    for (const name of party.open()) await party.end(name);
    expect(party.answered).toHaveLength(2_000);
    expect(turns.ahead(1_000, 1)).toBe(8);
    void party.ask(1, 'later');
    await turn();
    expect(party.open()).toEqual(['later']);
  });

  it('keep all this however they come and end', async () => {
    const steps = fc.array(
      fc.record({ unit: fc.integer({ min: 1, max: 3 }), does: fc.constantFrom('ask', 'ask', 'end', 'fail') }),
      { maxLength: 40, size: 'max' },
    );
    await fc.assert(
      fc.asyncProperty(steps, async (taken) => {
        const party = play(createTurns(100));
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
    [1_000, 0, 8],
    [1_000, 50, 8],
    [1_000, 51, 7],
    [1_000, 150, 2],
    [1_000, 200, 2],
    [1_000, 201, 1],
    [1_000, 60_000, 1],
    [1_000, Infinity, 1],
    [0, 1, 1],
    [1, 1, 1],
    [7, 1, 1],
    [8, 1, 2],
    [31, 1, 7],
    [32, 1, 8],
  ])('is bounded by what the list has and by how fast it is: %d pages, %d ms', (pages, elapsedMs, expected) => {
    expect(createTurns(200).ahead(pages, elapsedMs)).toBe(expected);
  });

  it('is bounded by the steps that the process takes at once, shared by the lists that are being read', async () => {
    const turns = createTurns(20);
    const party = play(turns);
    const found: number[] = [];
    for (let unit = 1; unit <= 25; unit++) {
      void party.ask(unit, `${unit}`);
      found.push(turns.ahead(1_000, 1));
    }
    expect(found.slice(0, 7)).toEqual([8, 8, 6, 5, 4, 3, 2]);
    expect(found.at(-1)).toBe(1);
    await turn();
    for (const name of party.open().slice(1)) await party.end(name);
    expect(turns.ahead(1_000, 1)).toBe(8);
  });

  it('is a whole number from one to eight, at most a quarter of the pages and what the steps leave', async () => {
    const cases = fc.record({
      slots: fc.integer({ min: 1, max: 1_000 }),
      lists: fc.integer({ min: 0, max: 30 }),
      pages: fc.integer({ min: 0, max: 100_000 }),
      elapsedMs: fc.oneof(fc.double({ min: 0, max: 1_000, noNaN: true }), fc.constant(Infinity)),
    });
    await fc.assert(
      fc.asyncProperty(cases, async ({ slots, lists, pages, elapsedMs }) => {
        const turns = createTurns(slots);
        const party = play(turns);
        for (let unit = 0; unit < lists; unit++) void party.ask(unit, `${unit}`);
        const ahead = turns.ahead(pages, elapsedMs);
        expect(Number.isInteger(ahead)).toBe(true);
        expect(ahead).toBeGreaterThanOrEqual(1);
        expect(ahead).toBeLessThanOrEqual(8);
        if (ahead > 1) {
          expect(ahead).toBeLessThanOrEqual(pages / 4);
          expect(ahead * lists).toBeLessThanOrEqual(slots);
          expect(ahead * elapsedMs).toBeLessThanOrEqual(400);
        }
        await turn();
      }),
      { numRuns: 200 },
    );
  });
});
