import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { z } from 'zod';
import type { RunResult } from '../../../contracts/run.ts';
import { defineProvider, defineSync, get, noAuth, type Paginate } from '../../../providers/index.ts';
import type { FakeAnswer } from '../../../testing/fake-api/answer.ts';
import { startFakeApi, type FakeApi } from '../../../testing/index.ts';
import { createDrive, type Drive } from '../../../bench/common/drive.ts';
import { isLongForm } from '../../setup/long-form.ts';
import { createTestDatabase, type TestDatabase } from '../../setup/servers/database.ts';
import {
  noPages,
  oddCursors,
  oddPages,
  oddTotals,
  spoiltPages,
  type Page,
  type Row,
} from '../../fixtures/untrue-answers.ts';

const ROWS = 25;
const SIZE = 10;
const ATTEMPTS = 2;
const AT_ONCE = 40;

const rows = (from: number, to: number): Row[] =>
  Array.from({ length: Math.max(0, Math.min(ROWS, to) - from) }, (_, i) => ({ id: `r${from + i}` }));

// What a definition in a hurry has everywhere.
// oxlint-disable-next-line typescript/no-explicit-any
type Body = any;

/** How somebody in a hurry writes it: the shortest that compiles, one that forgives everything, one with a schema. */
const styles = {
  shortest: { response: z.any(), items: (body: Body) => body.items },
  forgiving: { response: z.any(), items: (body: Body) => body?.items ?? [] },
  typed: {
    response: z.looseObject({ items: z.array(z.looseObject({ id: z.string() })), next: z.any().optional() }),
    items: (body: Body) => body.items,
  },
};

type Style = keyof typeof styles;
const kinds = ['single', 'cursor', 'link', 'page', 'page with total', 'offset', 'offset with lanes'] as const;
type Kind = (typeof kinds)[number];

interface Case {
  readonly name: string;
  readonly kind: Kind;
  readonly style: Style;
  /** The first page goes wrong, or all behind it. */
  readonly place: 'first' | 'later';
  readonly answer: (page: Page) => FakeAnswer;
}

/**
 * Every answer with every kind of list at every place. The styles take turns: each answer meets each style, in several kinds of lists; the
 * long form has all of them with all.
 */
const cases = (
  answers: Readonly<Record<string, FakeAnswer | ((page: Page) => FakeAnswer)>>,
  {
    kinds: of = kinds,
    styles: by = Object.keys(styles) as Style[],
  }: { kinds?: readonly Kind[]; styles?: readonly Style[] } = {},
): Case[] =>
  Object.entries(answers).flatMap(([name, answer], nth) =>
    of.flatMap((kind, k) =>
      (kind === 'single' ? (['first'] as const) : (['first', 'later'] as const)).flatMap((place, at) =>
        (isLongForm ? by : [by[(nth + k + at) % by.length] as Style]).map((style) => ({
          name,
          kind,
          style,
          place,
          answer: typeof answer === 'function' ? answer : () => answer,
        })),
      ),
    ),
  );

describe('an answer that is not what was asked for, given again and again', () => {
  let api: FakeApi;
  let db: TestDatabase;
  let drive: Drive;
  let runs = 0;

  beforeAll(async () => {
    api = await startFakeApi();
    db = await createTestDatabase({ max: 20 });
    drive = await createDrive(db.pool);
  });
  afterAll(async () => {
    await drive?.end();
    await db?.drop();
    await api?.stop();
  });

  interface Ended {
    readonly of: Case;
    readonly result: RunResult & { readonly fetches: number };
    readonly keys: ReadonlySet<string>;
  }

  async function run(of: Case, onMismatch: 'fail' | 'quarantine' = 'fail'): Promise<Ended> {
    const id = `u${runs++}`;
    const [kind = ''] = of.kind.split(' ');
    serve(id, kind, of);
    const provider = defineProvider({ id, baseUrl: api.url, auth: noAuth(), limits: [], maxAttempts: ATTEMPTS });
    const { response, items } = styles[of.style];
    const common = { items, pageSize: { start: SIZE } };
    const paginate = {
      single: { kind: 'single', items },
      cursor: { ...common, kind: 'cursor', next: (body: Body) => body?.next },
      link: { ...common, kind: 'link', next: (body: Body) => body?.next },
      page: { ...common, kind: 'page' },
      offset: { ...common, kind: 'offset' },
    }[kind] as Paginate<unknown, Row>;
    const extra =
      of.kind === 'page with total'
        ? { total: (body: Body) => body?.total }
        : of.kind === 'offset with lanes'
          ? { lanes: 3 }
          : {};
    const list = provider.endpoint('list', {
      input: z.object({}),
      response,
      request: (_, page) =>
        get(`/${id}`, { size: page.size, at: page.offset, number: page.number, cursor: page.cursor }),
      paginate: { ...paginate, ...extra } as never,
      onMismatch,
    });
    const sync = defineSync(id, { provider, input: z.object({}) }, (s) => ({
      list: s.one(list, { input: () => ({}), key: (row) => (row as Row).id }),
    }));
    const result = await drive.run(sync, { account: id });
    const { rows: stored } = await db.pool.query<{ key: string }>('select key from sluice.record where account = $1', [
      id,
    ]);
    if (!result) throw new Error(`${label(of)}: never came to an end`);
    return { of, result, keys: new Set(stored.map(({ key }) => key)) };
  }

  function serve(id: string, kind: string, { place, answer, kind: full }: Case): void {
    api.route('GET', `/${id}`, ({ query }) => {
      const size = kind === 'single' ? ROWS : Number(query.get('size') ?? SIZE);
      const token = Number(query.get('cursor') ?? query.get('from') ?? 0);
      const at =
        kind === 'page'
          ? (Number(query.get('number')) - 1) * size
          : kind === 'offset'
            ? Number(query.get('at'))
            : token;
      const next = at + size < ROWS ? at + size : null;
      const page: Page = {
        items: rows(at, at + size),
        ...(kind === 'cursor' ? { next: next === null ? null : String(next) } : {}),
        ...(kind === 'link' ? { next: next === null ? null : `/${id}?from=${next}&size=${size}` } : {}),
        ...(full === 'page with total' ? { total: ROWS } : {}),
      };
      // Behind the end of the rows nothing is spoilt.
      const isSpoilt = (place === 'first') === (at === 0) && page.items.length > 0;
      return isSpoilt ? answer(page) : { body: page };
    });
  }

  async function all(list: readonly Case[], onMismatch?: 'quarantine'): Promise<Ended[]> {
    const open = [...list];
    const ended: Ended[] = [];
    const work = async (): Promise<void> => {
      for (let next = open.shift(); next; next = open.shift()) ended.push(await run(next, onMismatch));
    };
    await Promise.all(Array.from({ length: AT_ONCE }, work));
    expect(ended).toHaveLength(list.length);
    return ended;
  }

  const label = ({ name, kind, style, place }: Case): string => `${name}, ${place} page of a list by ${kind}, ${style}`;
  const told = ({ of, result, keys }: Ended): string =>
    `${label(of)}: ${result.state}, ${keys.size} rows, ${result.calls} calls, ${JSON.stringify(result.flaws)}`;

  /** Of none of them may a list be green; each says why, within its attempts. */
  function expectTold(ended: readonly Ended[]): void {
    expect(ended.filter(({ result }) => result.complete).map(told)).toEqual([]);
    expect(ended.filter(({ result }) => (result.flaws[0]?.reason ?? '').length < 10).map(told)).toEqual([]);
    // Lanes are three, and look once behind the end; the attempts are those of one page each.
    expect(ended.filter(({ result }) => result.calls > 3 * (ATTEMPTS + 2)).map(told)).toEqual([]);
  }

  it('is never taken for a page: the list ends red, with a reason, within its attempts', async () => {
    const few = {
      kinds: ['single', 'cursor', 'page with total', 'offset'],
      styles: ['shortest', 'forgiving'],
    } as const;
    expectTold(await all(cases(noPages, few)));
  }, 300_000);

  it('with one row that is none, or two that are one, never ends green', async () => {
    expectTold(await all(cases(spoiltPages)));
  }, 300_000);

  it('with one such row keeps the others, to the last page, where rows may be set aside', async () => {
    const ended = await all(cases(spoiltPages, { styles: ['shortest', 'typed'] }), 'quarantine');
    expectTold(ended);
    // Where two rows are one, a total says that one has not come.
    const isLess = ({ of, result: { flaws }, keys }: Ended): boolean =>
      keys.size < ROWS - 3 ||
      (flaws[0]?.kind !== 'flawed' && !(of.kind === 'page with total' && of.name.startsWith('two rows')));
    expect(ended.filter(isLess).map(told)).toEqual([]);
  });

  it('but whole, though odd, brings every row', async () => {
    const ended = await all(cases(oddPages));
    expect(ended.filter(({ result, keys }) => !result.complete || keys.size !== ROWS).map(told)).toEqual([]);
  });

  it('with a total that is none loses nothing by it', async () => {
    const bodies = oddTotals.map((total) => [JSON.stringify(total), (page: Page) => ({ body: { ...page, total } })]);
    const ended = await all(cases(Object.fromEntries(bodies), { kinds: ['page with total'] }));
    expect(ended.filter(({ result, keys }) => !result.complete || keys.size !== ROWS).map(told)).toEqual([]);
  });

  it('with a next page that leads nowhere never ends green', async () => {
    const bodies = oddCursors.map((next) => [
      JSON.stringify(next),
      (page: Page) => ({ body: JSON.stringify({ ...page, next }) }),
    ]);
    const list = cases(Object.fromEntries(bodies), { kinds: ['cursor', 'link'] });
    expectTold(await all(list.filter(({ place }) => place === 'first')));
  });
});
