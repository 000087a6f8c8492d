/** Lists that move where no border shows it: rows come in at the front all the time, by page numbers of a size that can't be asked for; rows change places. */
import { describe, expect, it } from 'vitest';
import { z } from 'zod';
import { defineProvider, defineSync, get, noAuth } from '../../../providers/index.ts';
import { onListStage, type ListStage } from '../../setup/list-stage.ts';

describe('lists that grow at the front', () => {
  let stage: ListStage;
  onListStage((set) => (stage = set));

  it('are complete though rows come in during each reading of them, and have all rows', async () => {
    const { api, drive, db, account } = stage;
    const size = 10;
    let rows = Array.from({ length: 203 }, (_, n) => ({ id: `r${n}` }));
    let calls = 0;
    api.route('GET', '/grows', ({ query }) => {
      if (++calls % 7 === 0) rows = [{ id: `r${rows.length}` }, ...rows];
      const from = (Number(query.get('page')) - 1) * size;
      return { status: 200, body: { items: rows.slice(from, from + size) } };
    });
    const provider = defineProvider({ id: 'grows', baseUrl: () => api.url, auth: noAuth(), limits: [] });
    const list = provider.endpoint('grows', {
      input: z.object({}),
      response: z.object({ items: z.array(z.object({ id: z.string() })) }),
      request: (_, page) => get('/grows', { page: page.number }),
      paginate: { kind: 'page', items: ({ items }) => items },
    });
    const sync = defineSync('grows', { provider, input: z.object({}) }, (s) => ({
      rows: s.one(list, { input: () => ({}), key: ({ id }) => id }),
    }));
    expect(await drive.run(sync, { account })).toMatchObject({ complete: true });
    const { rows: kept } = await db.pool.query<{ key: string }>('select key from sluice.record where account = $1', [
      account,
    ]);
    const stored = new Set(kept.map(({ key }) => key));
    // What came in behind the last look at the front is the next run's.
    expect(rows.slice(2).filter(({ id }) => !stored.has(id))).toEqual([]);
    expect(calls).toBeGreaterThan(2 * (203 / size));
  });
});

describe('a list by offset', () => {
  let stage: ListStage;
  onListStage((set) => (stage = set));

  it('has both of two rows that change places over the place where it is read', async () => {
    const { api, drive, account } = stage;
    let calls = 0;
    const rows = Array.from({ length: 95 }, (_, n) => ({ id: `r${n}` }));
    api.route('GET', '/ranked', ({ query }) => {
      if (++calls === 4) [rows[12], rows[77]] = [rows[77]!, rows[12]!];
      const from = Number(query.get('offset'));
      return { status: 200, body: { items: rows.slice(from, from + Number(query.get('limit'))) } };
    });
    const provider = defineProvider({ id: 'ranked', baseUrl: () => api.url, auth: noAuth(), limits: [] });
    const list = provider.endpoint('ranked', {
      input: z.object({}),
      response: z.object({ items: z.array(z.object({ id: z.string() })) }),
      request: (_, page) => get('/ranked', { offset: page.offset, limit: page.size }),
      paginate: { kind: 'offset', items: ({ items }) => items, pageSize: { start: 10 } },
    });
    const sync = defineSync('ranked', { provider, input: z.object({}) }, (s) => ({
      rows: s.one(list, { input: () => ({}), key: ({ id }) => id }),
    }));
    expect(await drive.run(sync, { account })).toMatchObject({ complete: true, rows: 95 });
    const moved = calls;
    // At rest it is read once.
    expect(await drive.run(sync, { account })).toMatchObject({ complete: true });
    expect(calls - moved).toBeLessThan(13);
  });
});
