/** Answers that are no page: errors under 200, bodies that can't be read, limits and failures, for ever or once. */
import { gzipSync } from 'node:zlib';
import type { FakeAnswer } from '../../../testing/fake-api/answer.ts';
import { body as bodyHas, limited, rules, shrinkPage, status, when } from '../../../providers/index.ts';
import type { Ask, Body, Group, HonestyKind, Row, Style } from '../kind.ts';
import { list, type ListOptions, type Page } from '../third-party.ts';

const styles = ['cursor', 'page', 'offset'] as const satisfies readonly Style[];
const by = (style: Style): 'token' | 'page' | 'offset' => (style === 'page' || style === 'offset' ? style : 'token');
const json = (body: unknown): FakeAnswer => ({ body: JSON.stringify(body) });

/** In place of the third page, for ever: the list can't be read to its end. Each in one style, in turn. */
const errors: Readonly<Record<string, FakeAnswer>> = {
  'ok: false': json({ ok: false, error: 'internal_error' }),
  'ok: false beside an empty list': json({ ok: false, error: 'internal_error', items: [], next: null }),
  'success: false beside an empty list': json({ success: false, items: [], message: 'Try again' }),
  'an error in words': json({ error: 'Something went wrong' }),
  'errors of GraphQL': json({ data: null, errors: [{ message: 'timeout' }] }),
  'a code and a message': json({ code: 40_001, message: 'bad token', data: [] }),
  'a fault': json({ fault: { faultstring: 'Quota exceeded' } }),
  'a problem (RFC 9457)': json({ type: 'about:blank', title: 'Down', status: 503, detail: 'maintenance' }),
  'an error beside an empty list': json({ items: [], next: null, error: 'shard 3 did not answer' }),
  'a message alone': json({ message: 'Internal server error' }),
  'an empty object': json({}),
  'null': json(null),
  'null where the list should be': json({ items: null }),
  'an empty body': { body: '' },
  'half a body': { body: '{"items":[{"id":"r200"},' },
  'HTML': { body: '<!doctype html><title>Sign in</title>', headers: { 'content-type': 'text/html' } },
  'a redirect to a login': { status: 302, headers: { location: 'https://login.example/' } },
  '403': { status: 403, body: { message: 'no' } },
  '500': { status: 500, body: { message: 'oops' } },
}; // prettier-ignore

/** In place of the third page, once; the next call brings it. */
const once: Readonly<Record<string, FakeAnswer>> = {
  'an error under 200': json({ error: 'try again' }),
  'half a body': { body: '{"items":[{"id":"r200"},' },
  'HTML': { body: '<html>gateway</html>', headers: { 'content-type': 'text/html' } },
  '500': { status: 500, body: 'oops' },
  '503 that says when': { status: 503, headers: { 'retry-after': '1' } },
  '429 that says when': { status: 429, headers: { 'retry-after': '1' } },
  '403 that is a limit': { status: 403, headers: { 'x-ratelimit-remaining': '0', 'retry-after': '1' }, body: { message: 'API rate limit exceeded' } },
}; // prettier-ignore

/** Pages that look odd and are whole. */
const odd: Readonly<Record<string, (page: Page, body: unknown) => FakeAnswer>> = {
  'gzip': (_, body) => ({ body: gzipSync(JSON.stringify(body)), headers: { 'content-encoding': 'gzip' } }),
  'latin1 that says so': (_, body) => ({
    body: Buffer.from(JSON.stringify({ ...(body as object), by: 'Zoë' }), 'latin1'),
    headers: { 'content-type': 'application/json; charset=ISO-8859-1' },
  }),
  'a byte-order mark': (_, body) => ({ body: `\ufeff${JSON.stringify(body)}` }),
  'an envelope of success': (_, body) => json({ ok: true, code: 0, error: null, errors: [], message: 'OK', ...(body as object) }),
  'rows with errors of their own': (page, body) => json({ ...(body as object), items: page.items.map((row) => ({ ...row, error: 'x', ok: false })) }),
}; // prettier-ignore

const isThird = ({ cursor, number, offset }: Ask): boolean =>
  Number(cursor ?? 0) >= 200 || number >= 3 || offset >= 150;

const forEver = Object.entries(errors).map(([name, answer], index): Omit<HonestyKind, 'group'> => {
  const style = styles[index % 3] as Style;
  return {
    name: `${name}, for ever, in the middle of a list by ${style}`,
    truth: 'short',
    api: { style },
    world: list({ by: by(style), count: () => 450, instead: (ask) => (isThird(ask) ? answer : undefined) }),
  };
});

const atOnce = Object.entries(once).map(([name, answer], index): Omit<HonestyKind, 'group'> => {
  const style = styles[index % 3] as Style;
  return {
    name: `${name}, once, in the middle of a list by ${style}`,
    truth: 'whole',
    api: { style },
    world: list({
      by: by(style),
      count: () => 450,
      instead: (ask, self) => {
        if (!isThird(ask) || self.refusals > 0) return undefined;
        self.refusals++;
        return answer;
      },
    }),
  };
});

const oddPages = Object.entries(odd).map(([name, answer], index): Omit<HonestyKind, 'group'> => {
  const style = styles[index % 3] as Style;
  return {
    name: `${name}, by ${style}`,
    truth: 'whole',
    api: { style },
    world: list({
      by: by(style),
      answer: (page) =>
        answer(page, {
          items: page.items,
          ...(style === 'cursor' ? { next: page.next === null ? null : String(page.next) } : {}),
        }),
    }),
  };
});

/** One answer that is the whole list. */
const single = (
  name: string,
  truth: HonestyKind['truth'],
  answer: (rows: readonly Row[]) => FakeAnswer,
): Omit<HonestyKind, 'group'> => ({
  name: `one answer: ${name}`,
  truth,
  api: { style: 'single' },
  world: list({ by: 'page', count: () => 80, instead: (_, self) => answer(self.rows), fewest: () => 1 }),
});

const bigId = (n: number): string => String(9_007_199_254_740_993n + BigInt(n));

/** Limits how large a page may be, with an answer of its own for larger ones. */
const tooLarge =
  (answer: FakeAnswer): NonNullable<ListOptions['instead']> =>
  (ask, self) => {
    if (ask.size <= 60) return undefined;
    self.refusals++;
    return answer;
  };

export const answers: Group = {
  group: 'answers',
  kinds: [
    ...forEver,
    ...atOnce,
    ...oddPages,
    single('a list', 'whole', (rows) => ({ body: { items: rows } })),
    single('an error under 200', 'short', () => json({ ok: false, error: 'internal_error' })),
    single('null where the list should be', 'short', () => json({ items: null })),
    single('half of it', 'short', (rows) => ({ body: JSON.stringify({ items: rows }).slice(0, 900) })),
    single('rows and an error', 'short', (rows) => json({ items: rows.slice(0, 40), error: 'shard 3 did not answer' })),
    {
      name: 'ids of 64 bits',
      truth: 'whole',
      api: { style: 'cursor' },
      world: list({
        row: (n) => ({ id: bigId(n), n }),
        answer: ({ items, next }) => ({
          body: JSON.stringify({ items, next: next && String(next) }).replaceAll(/"id":"(\d+)"/g, '"id":$1'),
        }),
      }),
    },
    {
      name: 'rows without ids',
      truth: 'short',
      api: { style: 'offset' },
      world: list({
        by: 'offset',
        answer: ({ items, from }) => ({ body: { items: from >= 150 ? items.map(({ n }) => ({ n })) : items } }),
      }),
    },
    {
      name: 'two different rows of a page under one id',
      truth: 'short',
      api: { style: 'page' },
      world: list({
        by: 'page',
        answer: ({ items }) => ({
          body: { items: items.map((row) => (Number(row.n) % 90 === 1 ? { ...row, id: items[0]!.id } : row)) },
        }),
      }),
    },
    {
      name: 'the same row twice in a page',
      truth: 'whole',
      api: { style: 'page', total: (body: Body) => body.total },
      world: list({ by: 'page', body: ({ items, total }) => ({ items: [...items.slice(0, 1), ...items], total }) }),
    },
    {
      name: 'a server that takes its time',
      truth: 'whole',
      api: { style: 'offset' },
      world: list({
        by: 'offset',
        count: () => 230,
        instead: async (ask, self) => {
          await new Promise((resolve) => setTimeout(resolve, 400));
          return { body: self.bodyOf(self.page(ask, ask.offset)) };
        },
      }),
    },
    ...(['cursor', 'page', 'offset'] as const).flatMap((style): Omit<HonestyKind, 'group'>[] => [
      {
        name: `413 for pages of more than 60, by ${style}`,
        truth: 'whole',
        api: { style, ...(style === 'cursor' ? {} : { always: { pageSize: { start: 100 } } }) },
        world: list({ by: by(style), given: 60, count: () => 230, instead: tooLarge({ status: 413, body: {} }) }),
      },
      {
        name: `500 for pages of more than 60, by ${style}`,
        truth: 'whole',
        api: { style, always: { pageSize: { start: 100 } } },
        world: list({ by: by(style), given: 60, count: () => 230, instead: tooLarge({ status: 500, body: 'oops' }) }),
      },
    ]),
    {
      name: '400 for pages of more than 60, with a rule for it',
      truth: 'whole',
      api: { style: 'page', always: { pageSize: { start: 100 } }, classify: rules([when(status(400), shrinkPage())]) },
      world: list({
        by: 'page',
        given: 60,
        count: () => 230,
        instead: tooLarge({ status: 400, body: { error: 'limit' } }),
      }),
    },
    {
      name: '400 for pages of more than 60, without a rule',
      truth: 'short',
      api: { style: 'page', always: { pageSize: { start: 100 } } },
      world: list({
        by: 'page',
        given: 60,
        count: () => 230,
        instead: tooLarge({ status: 400, body: { error: 'limit' } }),
      }),
    },
    {
      name: 'a limit that a 200 tells, with a rule for it',
      truth: 'whole',
      api: { style: 'cursor', classify: rules([when(bodyHas(/rate_exceeded/), limited({ afterMs: () => 700 }))]) },
      world: list({
        count: () => 350,
        instead: (ask, self) => {
          if (ask.nth !== 2) return undefined;
          self.refusals++;
          return json({ status: 'error', reason: 'rate_exceeded', items: [] });
        },
      }),
    },
    ...(['cursor', 'page', 'offset'] as const).map((style): Omit<HonestyKind, 'group'> => ({
      name: `an empty list where rows were known (a dead token), by ${style}`,
      truth: 'short',
      hadRun: true,
      api: { style },
      world: (random) => {
        const honest = list({ by: by(style), count: () => 120 })(random);
        let ended = 0;
        return {
          ...honest,
          answer: (ask) => {
            if (ask.nth === 1) ended++;
            return ended > 1 ? json({ items: [], next: null }) : honest.answer(ask);
          },
        };
      },
    })),
  ],
};
