/** Endpoints that may be asked for no more than so many days at once. */
import { describe, expect, it } from 'vitest';
import { z } from 'zod';
import {
  bodyField,
  capped,
  days,
  defineProvider,
  defineSync,
  get,
  noAuth,
  rules,
  when,
} from '../../../providers/index.ts';
import { onListStage, type ListStage } from '../../setup/list-stage.ts';

const DAY_MS = 86_400_000;
const dayOf = (n: number): string => new Date(Date.UTC(2024, 0, 1) + n * DAY_MS).toISOString().slice(0, 10);

describe('a range that is wider than one call may ask for', () => {
  let stage: ListStage;
  onListStage((set) => (stage = set));

  /** A row for each day of 2024 and 2025; the server refuses more than 31 days. */
  function serve(widest?: number, saysSo = false, hasRange = true) {
    const asked: string[] = [];
    stage.api.route('GET', '/days', ({ query }) => {
      const [from = '', to = ''] = ['from', 'to'].map((name) => query.get(name) ?? '');
      const width = (Date.parse(to) - Date.parse(from)) / DAY_MS + 1;
      if (!(width <= 31)) return { status: 400, body: { error: 'at most 31 days' } };
      const place = Number(query.get('cursor') ?? 0);
      asked.push(`${from} ${to} ${place}`);
      const all = Array.from({ length: 731 }, (_, n) => ({ id: dayOf(n) })).filter(({ id }) => id >= from && id <= to);
      const next = place + 20 < all.length ? String(place + 20) : null;
      return { body: { items: all.slice(place, place + 20), next } };
    });
    const provider = defineProvider({
      id: 'ranges',
      baseUrl: () => stage.api.url,
      auth: noAuth(),
      limits: [],
      ...(saysSo ? { classify: rules([when(bodyField('error', 'at most 31 days'), capped())]) } : {}),
    });
    const list = provider.endpoint('days', {
      input: z.object({}),
      response: z.object({ items: z.array(z.object({ id: z.string() })), next: z.string().nullable() }),
      request: (_, page) => get('/days', { from: page.range?.from, to: page.range?.to, cursor: page.cursor }),
      paginate: {
        kind: 'cursor',
        items: ({ items }) => items,
        next: ({ next }) => next,
        ...(hasRange
          ? {
              range: { whole: () => ({ from: dayOf(0), to: dayOf(730) }), ...(widest === undefined ? {} : { widest }) },
            }
          : {}),
      },
    });
    const sync = defineSync('ranges', { provider, input: z.object({}) }, (s) => ({
      days: s.one(list, { input: () => ({}), key: ({ id }) => id, deletions: 'full-pass' }),
    }));
    return { sync, asked };
  }

  it('is cut into as few pieces before anything is asked for, and each is read to its end', async () => {
    const { sync, asked } = serve(days(31));
    const result = await stage.drive.run(sync, { account: stage.account });
    expect(result).toMatchObject({ state: 'done', complete: true, rows: 731 });
    // 25 pieces of 31 days or less, each of two pages, that share the day between them; none was refused.
    expect(asked.filter((call) => call.endsWith(' 0'))).toHaveLength(25);
    expect(result?.calls).toBe(asked.length);
    expect(stage.api.report().refused).toBe(0);
    expect(await stage.drive.run(sync, { account: stage.account })).toMatchObject({ complete: true, rows: 731 });
  });

  it('is read as often the next time: none of its pieces is taken for a list that has lost most of its rows', async () => {
    const { sync, asked } = serve(days(31));
    await stage.drive.run(sync, { account: stage.account });
    const calls = asked.length;
    expect(await stage.drive.run(sync, { account: stage.account })).toMatchObject({ complete: true });
    expect(asked).toHaveLength(2 * calls);
  });

  it('is refused by the third party where nobody says how wide it may be', async () => {
    const { sync } = serve();
    const result = await stage.drive.run(sync, { account: stage.account });
    expect(result).toMatchObject({ complete: false });
    expect(JSON.stringify(result?.flaws)).toContain('at most 31 days');
  });

  it('is halved where a rule says that a refusal means it, and capped where there is nothing to halve', async () => {
    const { sync, asked } = serve(undefined, true);
    const result = await stage.drive.run(sync, { account: stage.account });
    expect(result).toMatchObject({ state: 'done', complete: true, rows: 731, flaws: [] });
    // 731 days in 32 parts, and the 31 halvings above them.
    expect(result?.calls).toBe(asked.length + 31);
    const { sync: whole } = serve(undefined, true, false);
    expect(await stage.drive.run(whole, { account: `${stage.account}-whole` })).toMatchObject({
      state: 'incomplete',
      complete: false,
      calls: 1,
      flaws: [{ kind: 'capped', reason: expect.stringMatching(/refused as too long \(HTTP 400.*at most 31 days/) }],
    });
  });

  it.each([
    ['whole seconds', (ms: number) => Math.floor(ms / 1_000), (bound: number, at: number) => at <= bound * 1_000],
    ['times before the last one', (ms: number) => ms, (bound: number, at: number) => at < bound],
  ])('of times loses no row between two parts to a third party that is asked in %s', async (_, ask, isUpTo) => {
    const second = ask(1_000) === 1 ? 1_000 : 1;
    const all = Array.from({ length: 300 }, (_row, n) => ({ id: `r${n}`, at: n === 180 ? 59_999 : n * 333 }));
    stage.api.route('GET', '/times', ({ query }) => {
      const [from, to] = ['from', 'to'].map((name) => Number(query.get(name)));
      const found = all.filter(({ at }) => at >= Number(from) * second && isUpTo(Number(to), at));
      const place = Number(query.get('cursor') ?? 0);
      return {
        body: {
          items: found.slice(place, Math.min(place + 10, 50)),
          next: place + 10 < Math.min(found.length, 50) ? place + 10 : null,
        },
      };
    });
    for (const widest of [undefined, 20_000]) {
      const provider = defineProvider({ id: 'times', baseUrl: stage.api.url, auth: noAuth(), limits: [] });
      const list = provider.endpoint('times', {
        input: z.object({}),
        response: z.object({ items: z.array(z.object({ id: z.string() })), next: z.number().nullable() }),
        request: (__, page) =>
          get('/times', {
            from: ask(Date.parse(String(page.range?.from))),
            to: ask(Date.parse(String(page.range?.to))),
            cursor: page.cursor,
          }),
        paginate: {
          kind: 'cursor',
          items: ({ items }) => items,
          next: ({ next }) => next,
          resultCap: 50,
          range: {
            whole: () => ({ from: new Date(0).toISOString(), to: new Date(120_000).toISOString() }),
            ...(widest === undefined ? {} : { widest }),
          },
        },
      });
      const sync = defineSync('times', { provider, input: z.object({}) }, (s) => ({
        rows: s.one(list, { input: () => ({}), key: ({ id }) => id }),
      }));
      const account = `${stage.account}-${widest ?? 'halved'}`;
      expect(await stage.drive.run(sync, { account })).toMatchObject({ complete: true });
      const { rows } = await stage.db.pool.query('select key from sluice.record where account = $1', [account]);
      expect(rows).toHaveLength(300);
    }
  });

  const HOUR_MS = 3_600_000;
  it.each([
    ['is read, and so is the day between two parts', 12, {}, undefined],
    [
      'loses the days between two parts that leave them out, and is truncated',
      12,
      { step: DAY_MS },
      /parts have brought/,
    ],
    ['loses what one day has of it, and is truncated', 0.01, {}, /parts have brought/],
  ])('of days, whose last one means its midnight, %s', async (_, hours, more, lost) => {
    const began = Date.UTC(2024, 0, 2);
    const rows = Array.from({ length: 60 }, (__, n) => ({ id: `r${n}`, at: began + (n + 1) * hours * HOUR_MS }));
    const capAt = 20;
    stage.api.route('GET', '/midnights', ({ query }) => {
      const [from, to] = [Date.parse(query.get('from') ?? ''), Date.parse(query.get('to') ?? '')];
      const found = rows.filter(({ at }) => at >= from && at <= to);
      const place = Number(query.get('cursor') ?? 0);
      const end = Math.min(found.length, place + 10, capAt);
      const next = end < Math.min(found.length, capAt) ? end : null;
      return { body: { items: found.slice(place, end), next, total: found.length } };
    });
    const provider = defineProvider({ id: 'midnights', baseUrl: stage.api.url, auth: noAuth(), limits: [] });
    const list = provider.endpoint('midnights', {
      input: z.object({}),
      response: z.object({
        items: z.array(z.object({ id: z.string() })),
        next: z.number().nullable(),
        total: z.number(),
      }),
      request: (__, page) =>
        get('/midnights', { from: page.range?.from, to: page.range?.to, cursor: page.cursor, limit: page.size }),
      paginate: {
        kind: 'cursor',
        items: ({ items }) => items,
        next: ({ next }) => next,
        total: ({ total }) => total,
        pageSize: { start: 10 },
        resultCap: capAt,
        range: { whole: () => ({ from: dayOf(0), to: dayOf(63) }), ...more },
      },
    });
    const sync = defineSync('midnights', { provider, input: z.object({}) }, (s) => ({
      rows: s.one(list, { input: () => ({}), key: ({ id }) => id }),
    }));
    const result = await stage.drive.run(sync, { account: stage.account });
    expect(result?.complete, JSON.stringify(result?.flaws)).toBe(lost === undefined);
    if (lost === undefined) expect(result?.rows).toBe(60);
    else expect(result?.flaws.map(({ reason }) => reason).join('; ')).toMatch(lost);
  });
});
