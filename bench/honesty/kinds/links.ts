/** Lists whose pages carry the address of the next, in the `Link` header or in the body. */
import type { FakeAnswer } from '../../../testing/fake-api/answer.ts';
import type { Api, Body, Group } from '../kind.ts';
import { fewestPages, list, type ListOptions, type Page } from '../third-party.ts';

/** The address of the next page; `at` is its place and the size is kept. */
const query = ({ ask, next }: Page): string => `?cursor=${next}&limit=${ask.size}`;
const absolute = (page: Page): string => `http://${page.ask.call.headers.host}${page.ask.path}${query(page)}`;
const inHeader =
  (link: (page: Page) => string | undefined): NonNullable<ListOptions['answer']> =>
  (page) => {
    const value = link(page);
    return { body: page.items, headers: value === undefined ? {} : { link: value } } satisfies FakeAnswer;
  };
const header: Api = { style: 'link', items: (body: Body) => body };
const inBody = (next: (body: Body) => string | null): Api => ({ style: 'link', next });

export const links: Group = {
  group: 'links',
  kinds: [
    {
      name: 'the Link header, with an address of its own for the last page',
      truth: 'whole',
      api: header,
      world: list({
        answer: inHeader((page) => {
          const last = `<${absolute({ ...page, next: 300 })}>; rel="last"`;
          return page.next === null ? undefined : `<${absolute(page)}>; rel="next", ${last}`;
        }),
      }),
    },
    {
      name: 'the Link header without quotes, other links before it, in odd spelling',
      truth: 'whole',
      api: header,
      world: list({
        answer: inHeader((page) =>
          page.next === null
            ? `<${page.ask.path}?a=1,2>; rel=first`
            : `<${page.ask.path}?a=1,2>; title="a, <b>"; rel=first,<${absolute(page)}>;REL=Next`,
        ),
      }),
    },
    {
      name: 'the Link header, with next links of other resources, as their anchors say',
      truth: 'whole',
      api: header,
      world: list({
        answer: inHeader((page) => {
          const others = `</other?page=2>; rel="next"; anchor="/other"`;
          const chapter = `<?cursor=0>; anchor="#chapter"; rel="next"`;
          return page.next === null ? others : `${others}, <${absolute(page)}>; rel="next", ${chapter}`;
        }),
      }),
    },
    {
      name: 'the Link header, relative to the page',
      truth: 'whole',
      api: { ...header, always: { sizeParam: 'limit' } },
      world: list({ answer: inHeader((page) => (page.next === null ? undefined : `<${query(page)}>; rel="next"`)) }),
    },
    {
      name: 'the Link header and X-Total-Count',
      truth: 'whole',
      api: { ...header, total: (_, { headers }) => Number(headers['x-total-count']) },
      world: list({
        answer: (page) => ({
          body: page.items,
          headers: {
            'x-total-count': String(page.total),
            ...(page.next === null ? {} : { link: `<${absolute(page)}>; rel="next"` }),
          },
        }),
      }),
    },
    {
      name: 'the Link header on the last page too, which leads to an empty one',
      truth: 'whole',
      api: header,
      world: list({
        answer: inHeader((page) =>
          page.items.length === 0
            ? undefined
            : `<${absolute({ ...page, next: page.from + page.items.length })}>; rel="next"`,
        ),
        fewest: (rows, _, size) => fewestPages(rows, size, 'blank'),
      }),
    },
    {
      name: 'an address in the body',
      truth: 'whole',
      api: { ...inBody((body: Body) => body.next), total: (body: Body) => body.count },
      world: list({
        body: (page) => ({
          count: page.total,
          next: page.next === null ? null : absolute(page),
          previous: null,
          items: page.items,
        }),
      }),
    },
    {
      name: 'a query alone in the body',
      truth: 'whole',
      api: inBody((body: Body) => body.paging.next),
      world: list({ body: (page) => ({ items: page.items, paging: page.next === null ? {} : { next: query(page) } }) }),
    },
    {
      name: 'a path in the body (JSON:API)',
      truth: 'whole',
      api: { ...inBody((body: Body) => body.links.next), items: (body: Body) => body.data },
      world: list({
        body: (page) => ({
          data: page.items,
          links: { next: page.next === null ? null : `${page.ask.path}${query(page)}` },
        }),
      }),
    },
    {
      name: '@odata.nextLink and @odata.count',
      truth: 'whole',
      api: {
        ...inBody((body: Body) => body['@odata.nextLink']),
        items: (body: Body) => body.value,
        total: (body: Body) => body['@odata.count'],
      },
      world: list({
        given: 50,
        body: (page) => ({
          '@odata.count': page.total,
          value: page.items,
          ...(page.next === null ? {} : { '@odata.nextLink': absolute(page) }),
        }),
      }),
    },
    {
      name: '_links.next.href (HAL)',
      truth: 'whole',
      api: { ...inBody((body: Body) => body['_links'].next?.href), items: (body: Body) => body['_embedded'].rows },
      world: list({
        body: (page) => ({
          _embedded: { rows: page.items },
          _links: { self: { href: '/x' }, ...(page.next === null ? {} : { next: { href: absolute(page) } }) },
        }),
      }),
    },
    {
      name: 'the next address is that of this page',
      // It counts, so that all can be read all the same.
      truth: 'open',
      api: inBody((body: Body) => body.next),
      world: list({
        count: () => 400,
        body: (page) => ({
          items: page.items,
          next: page.from === 100 ? absolute({ ...page, next: 100 }) : absolute(page),
        }),
      }),
    },
    {
      name: 'the next address is of another host',
      truth: 'short',
      api: inBody((body: Body) => body.next),
      world: list({
        body: (page) => ({ items: page.items, next: `http://other.example${page.ask.path}${query(page)}` }),
      }),
    },
  ],
};
