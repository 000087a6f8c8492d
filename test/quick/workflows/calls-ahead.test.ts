import * as fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import type { FetchPageInput, PageFact } from '../../../contracts/messages.ts';
import { callAhead } from '../../../workflows/run/calls-ahead.ts';

const unit = 7;
const request = { runId: 'r', node: 'notes', unit, pages: 40, context: {}, mode: 'now' } as unknown as FetchPageInput;
const more = (pages?: number, extra: object = {}): PageFact => ({
  unit,
  state: 'more',
  ...(pages === undefined ? {} : { pages }),
  ...extra,
});
const idle: PageFact = { unit, state: 'idle' };
const ended: PageFact = { unit, state: 'ended', pages: 44 };
const later: PageFact = { unit, state: 'later', because: 'the third party said so', inMs: 5 };
const paused: PageFact = { unit, state: 'paused' };
const turn = () => new Promise((resolve) => setImmediate(resolve));

type Ending = PageFact | Error;

/** Asks for as many calls as there are endings, which arrive in the order given: numbers of calls. */
async function play(endings: readonly Ending[], order: readonly number[] = endings.map((_, index) => index)) {
  const asked: FetchPageInput[] = [];
  const arrive: ((ending: Ending) => void)[] = [];
  const told: PageFact[] = [];
  const thrown: unknown[] = [];
  const toldAfter: number[] = [];
  const call = (each: FetchPageInput): Promise<PageFact> => {
    asked.push(each);
    return new Promise((resolve, reject) =>
      arrive.push((ending) => (ending instanceof Error ? reject(ending) : resolve(ending))),
    );
  };
  callAhead(
    call,
    request,
    endings.length,
    (fact) => void told.push(fact),
    (error) => void thrown.push(error),
  );
  for (const index of order) {
    arrive[index]?.(endings[index] as Ending);
    await turn();
    toldAfter.push(told.length + thrown.length);
  }
  return { asked, told, thrown, toldAfter };
}

describe('calls of one list that a workflow asks for at once', () => {
  it('say each which page they are for and their number, the first as if it were alone', async () => {
    const { asked } = await play([more(41), more(42), more(43)]);
    expect(asked).toEqual([request, { ...request, pages: 41, ahead: 1 }, { ...request, pages: 42, ahead: 2 }]);
    expect(asked[0]).toBe(request);
    expect(asked[0]).not.toHaveProperty('ahead');
  });

  it('is a single call as it was where only one is asked for', async () => {
    const { asked, told, thrown } = await play([more(41, { ahead: 3 })]);
    expect(asked).toEqual([request]);
    expect(told).toEqual([more(41, { ahead: 3 })]);
    expect(thrown).toEqual([]);
  });

  it('are all asked for before any has been answered', async () => {
    const { asked, told } = await play([more(41), more(42), more(43), more(44)], []);
    expect(asked).toHaveLength(4);
    expect(told).toEqual([]);
  });

  it('are told of once, when all have ended', async () => {
    const { told, toldAfter } = await play([more(41), more(42, { ahead: 8 }), idle, idle], [1, 3, 2, 0]);
    expect(toldAfter).toEqual([0, 0, 0, 1]);
    expect(told).toEqual([more(42, { ahead: 8 })]);
  });

  it.each([
    ['which has to wait', later],
    ['which was paused', paused],
    ['which has ended the list', ended],
    ['which was slow', more(43, { wantsDurable: true })],
    ['which gave the list lanes', more(43, { lanes: 3 })],
    ['which stored no page, and says so by naming none', more()],
  ])('tell what was said last by a call %s, those after it having been left out', async (_, fact) => {
    const endings = [more(41), more(42), fact, idle, idle];
    for (const order of [
      [0, 1, 2, 3, 4],
      [4, 3, 2, 1, 0],
      [2, 0, 3, 1, 4],
    ])
      expect((await play(endings, order)).told).toEqual([fact]);
  });

  it.each([later, paused, ended, more()])('tell it also of the first: %j', async (fact) => {
    expect((await play([fact, idle, idle])).told).toEqual([fact]);
    expect((await play([fact, idle, idle], [2, 1, 0])).told).toEqual([fact]);
  });

  it('throw what the first to throw has thrown, once, when all have ended, and say nothing else', async () => {
    const first = new Error('disk full');
    const endings = [more(41), first, new Error('gone'), idle];
    const { told, thrown, toldAfter } = await play(endings, [1, 2, 3, 0]);
    expect(toldAfter).toEqual([0, 0, 0, 1]);
    expect(told).toEqual([]);
    expect(thrown).toEqual([first]);
  });

  it('tell the fact of the last call that was made, whatever the order in which they arrive', async () => {
    const last = fc.constantFrom(later, paused, ended, more(), more(90, { wantsDurable: true }), undefined);
    const rows = fc
      .record({ stored: fc.integer({ min: 0, max: 7 }), last, idles: fc.integer({ min: 0, max: 7 }) })
      .filter(({ stored, last: end }) => stored > 0 || end !== undefined)
      .map(({ stored, last: end, idles }) => [
        ...Array.from({ length: stored }, (_, index) => more(41 + index, index % 2 ? { ahead: 8 } : {})),
        ...(end ? [end] : []),
        ...Array.from({ length: idles }, () => idle),
      ]);
    const played = rows.chain((endings) =>
      fc.record({
        endings: fc.constant(endings),
        order: fc.shuffledSubarray(
          endings.map((_, index) => index),
          { minLength: endings.length },
        ),
      }),
    );
    await fc.assert(
      fc.asyncProperty(played, async ({ endings, order }) => {
        const { told, thrown, toldAfter } = await play(endings, order);
        expect(told).toEqual([endings.findLast((each) => each !== idle)]);
        expect(thrown).toEqual([]);
        expect(toldAfter.slice(0, -1).every((times) => times === 0)).toBe(true);
      }),
      { numRuns: 200 },
    );
  });
});
