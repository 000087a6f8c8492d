import { describe, expect, it } from 'vitest';
import { z } from 'zod';
import { defineProvider, defineSync, get, noAuth } from '../../../providers/index.ts';
import { onListStage, type ListStage } from '../../setup/list-stage.ts';

const SIZE = 50;
const PAGES = 12;

describe('a log of changes, whose cursors count its lines and go on from run to run', () => {
  let stage: ListStage;
  onListStage((set) => (stage = set));

  /** Each line is a row that has changed: some come several times. */
  const logOf = (
    form: (line: number) => string,
    lineOf: (cursor: string) => number,
    checkpoint: (answer: { readonly after: string; readonly more: boolean }) => string | null,
  ) => {
    const { api, drive, account } = stage;
    const lines = Array.from({ length: SIZE * PAGES - 7 }, (_, n) => ({
      id: n % 100 === 99 ? 'row-5' : `row-${n}`,
      at: n,
    }));
    let calls = 0;
    api.route('GET', '/log', ({ query }) => {
      calls += 1;
      const from = lineOf(query.get('after') ?? form(0));
      const items = lines.slice(from, from + SIZE);
      const end = from + items.length;
      return { body: { items, after: form(end), more: end < lines.length } };
    });
    const provider = defineProvider({ id: 'log', baseUrl: () => api.url, auth: noAuth(), limits: [] });
    const log = provider.endpoint('log', {
      input: z.object({ after: z.string().optional() }),
      response: z.object({
        items: z.array(z.object({ id: z.string(), at: z.number() })),
        after: z.string(),
        more: z.boolean(),
      }),
      request: ({ after }, page) => get('/log', { after: page.cursor ?? after, size: page.size }),
      paginate: {
        kind: 'cursor',
        items: ({ items }) => items,
        next: ({ after }) => after,
        hasMore: ({ more }) => more,
        checkpoint,
        pageSize: { start: SIZE },
      },
    });
    const sync = defineSync('log', { provider, input: z.object({}) }, (s) => ({
      rows: s.one(log, {
        input: (_, { checkpoint }) => ({ after: checkpoint }),
        key: ({ id }) => id,
        incremental: 'checkpoint',
        deletions: 'told',
      }),
    }));
    return {
      lines,
      run: () => drive.run(sync, { account }),
      callsSince: () => {
        const made = calls;
        calls = 0;
        return made;
      },
    };
  };

  const inBase64 = (line: number): string => Buffer.from(`MTU|${line}|x`).toString('base64');
  const outOfBase64 = (cursor: string): number => Number(Buffer.from(cursor, 'base64').toString().split('|')[1]);
  const atTheEnd = ({ after, more }: { readonly after: string; readonly more: boolean }): string | null =>
    more ? null : after;

  it.each([
    ['a number, told at the end', String, Number, atTheEnd],
    ['a number, told by each page', String, Number, ({ after }: { readonly after: string }) => after],
    ['a number in Base64', inBase64, outOfBase64, atTheEnd],
  ])('is read once, though rows come again in it: %s', async (_, form, lineOf, checkpoint) => {
    const { lines, run, callsSince } = logOf(form, lineOf, checkpoint);
    expect(await run()).toMatchObject({ complete: true, flaws: [] });
    expect(callsSince()).toBeLessThanOrEqual(PAGES + 1);
    lines.push({ id: 'row-7', at: 10_000 }, { id: 'new', at: 10_001 });
    expect(await run()).toMatchObject({ complete: true, flaws: [] });
    expect(callsSince()).toBe(1);
    const text = `select key, data -> 'at' as line from sluice.record where account = $1 and key in ('row-5', 'row-7', 'new') order by key`;
    expect((await stage.db.pool.query(text, [stage.account])).rows).toEqual([
      { key: 'new', line: 10_001 },
      { key: 'row-5', line: 499 },
      { key: 'row-7', line: 10_000 },
    ]);
  });

  it('is read again where its checkpoint is something else: then rows that come again may have moved', async () => {
    const { run, callsSince } = logOf(String, Number, ({ more }) => (more ? null : '0'));
    await run();
    expect(callsSince()).toBeGreaterThan(2 * PAGES);
  });
});
