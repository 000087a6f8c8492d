/** Lists whose place the third party keeps itself, under a name that stays the same on each page: a scroll. */
import { randomUUID } from 'node:crypto';
import { beforeEach, describe, expect, it } from 'vitest';
import { z } from 'zod';
import { defineSync, post } from '../../../providers/index.ts';
import type { ScriptStep } from '../../../testing/index.ts';
import { onListStage, openProvider, type ListStage } from '../../setup/list-stage.ts';

const SIZE = 10;
const COUNT = 45;
const PAGES = Math.ceil(COUNT / SIZE) + 1;

describe('a list whose place the third party keeps', () => {
  let stage: ListStage;
  onListStage((set) => (stage = set));
  /** Where each scroll stands, and how often one was opened. */
  let places: Map<string, number>;
  let calls: number;
  /** What is written down of the list while the third party has the call. */
  let written: (string | null)[];

  beforeEach(() => {
    [places, calls, written] = [new Map(), 0, []];
  });

  const syncOf = (
    nameOf: (page: number, scroll: string) => string = (_, scroll) => scroll,
    urlOf = () => stage.api.url,
  ) => {
    const { api, db, account } = stage;
    api.route('POST', '/scroll', async ({ body }) => {
      calls++;
      const { rows } = await db.pool.query<{ puzzle: string | null }>(
        'select puzzle from sluice.unit u join sluice.run r on r.id = u.run_id where r.account = $1',
        [account],
      );
      written.push(rows[0]?.puzzle ?? null);
      const { id = `s${places.size}-0` } = (body ?? {}) as { id?: string };
      const scroll = id.split('-')[0] as string;
      const at = places.get(scroll) ?? 0;
      places.set(scroll, at + SIZE);
      const rowsOfPage = Array.from({ length: Math.max(0, Math.min(SIZE, COUNT - at)) }, (_, n) => ({ id: at + n }));
      return { body: { id: nameOf(at / SIZE + 1, `${scroll}-0`), rows: rowsOfPage } };
    });
    const provider = openProvider(
      {
        get url() {
          return urlOf();
        },
      },
      account,
      3,
    );
    const scroll = provider.endpoint('scroll', {
      input: z.object({}),
      response: z.object({ id: z.string(), rows: z.array(z.object({ id: z.number() })) }),
      request: (_, page) => post('/scroll', { id: page.cursor }),
      paginate: {
        kind: 'cursor',
        items: ({ rows }) => rows,
        next: ({ id }) => id,
        hasMore: ({ rows }) => rows.length > 0,
        guards: { 'repeated-token': false },
      },
    });
    return defineSync('scroll', { provider, input: z.object({}) }, (s) => ({
      rows: s.one(scroll, { input: () => ({}), key: ({ id }) => id }),
    }));
  };
  const run = (sync = syncOf()) => stage.drive.run(sync, { account: stage.account, skipsBackoffs: true });
  const failing = (at: number, ...steps: ScriptStep[]) =>
    stage.api.script('POST /scroll', [...Array.from({ length: at - 1 }, (): ScriptStep => 'ok'), ...steps]);

  it.each<[string, ScriptStep]>([
    ['500', '500-after'],
    ['a broken connection', 'reset-after'],
    ['half a body', 'half-body'],
    ['a page for people', 'html-200'],
    ['JSON of another shape', { status: 200, body: '{"id":7}' }],
  ])('is begun again where an answer was lost, since the next call brings the page behind it: %s', async (_, step) => {
    const sync = syncOf();
    failing(3, step);
    expect(await run(sync)).toMatchObject({ complete: true, rows: COUNT, flaws: [] });
    expect(places.size).toBe(2);
    expect(stage.api.report().calls).toBe(3 + PAGES);
  });

  it('is read on where the page was refused: nothing has moved', async () => {
    const sync = syncOf();
    failing(3, { status: 429, headers: { 'retry-after': '0' } });
    expect(await run(sync)).toMatchObject({ complete: true, rows: COUNT });
    expect([places.size, calls]).toEqual([1, PAGES]);
  });

  it('is not begun again where a call never left', async () => {
    let refused = 0;
    const sync = syncOf(undefined, () => (calls === 3 && refused++ < 2 ? 'http://127.0.0.1:1' : stage.api.url));
    expect(await run(sync)).toMatchObject({ complete: true, rows: COUNT });
    expect(refused).toBeGreaterThan(1);
    expect([places.size, calls]).toEqual([1, PAGES]);
  });

  it('is begun again where the worker was lost that had asked for a page, which is written down before', async () => {
    const { drive, db, account } = stage;
    const sync = syncOf();
    const runId = randomUUID();
    await drive.open(sync, runId, { account });
    await drive.goOn(sync, runId, { account, dieAfterCalls: 3 });
    expect(written).toEqual([null, 'sent', 'sent']);
    // A fourth page was given out, and nobody has stored it.
    places.set('s0', 40);
    await db.pool.query(`update sluice.unit set puzzle = 'sent' where run_id = $1`, [runId]);
    expect(await drive.goOn(sync, runId, { account })).toMatchObject({ complete: true, rows: COUNT });
    expect(calls).toBe(3 + PAGES);
  });

  it('ends as truncated where answers are lost again and again', async () => {
    const sync = syncOf();
    stage.api.script('POST /scroll', Array.from({ length: 6 }, (): ScriptStep[] => ['ok', '500']).flat());
    expect(await run(sync)).toMatchObject({
      complete: false,
      flaws: [
        {
          kind: 'truncated',
          reason: expect.stringMatching(/keeps the place of reading, and 6 of its answers/) as string,
        },
      ],
    });
    expect(stage.api.report().calls).toBe(12);
  });

  it('is not begun again where each page has a name of its own after all', async () => {
    const sync = syncOf((page, scroll) => `${scroll}-${page}`);
    failing(4, '500');
    expect(await run(sync)).toMatchObject({ complete: true, rows: COUNT });
    expect([places.size, calls]).toEqual([1, PAGES]);
    expect(written.every((each) => each === null || each === 'sent')).toBe(true);
  });
});
