/** The beginning of a list: gone when it is looked at again, without rows although some are counted, or not the first page at all. */
import type { FakeAnswer } from '../../../testing/fake-api/answer.ts';
import type { Group, HonestyKind, Style } from '../kind.ts';
import { list, type Page } from '../third-party.ts';

const styles = ['cursor', 'page', 'offset'] as const satisfies readonly Style[];
const by = (style: Style): 'token' | 'page' | 'offset' => (style === 'page' || style === 'offset' ? style : 'token');
const json = (body: unknown): FakeAnswer => ({ body: JSON.stringify(body) });

/** Beside an empty list, on the first page. */
const counts = { 'total_count': { total_count: 320 }, 'total': { total: 320 }, 'has_more': { has_more: true } }; // prettier-ignore

/** Page numbers from 0, which whoever reads them from 1 is told by the first page. */
const toldBefore: Readonly<Record<string, (page: Page) => object>> = {
  '`first`': ({ from, items }) => ({ items, first: from === 0 }),
  '`prev`': ({ from, items }) => ({ items, links: { prev: from === 0 ? null : '/before' } }),
  '`total_count`': ({ total, items }) => ({ items, total_count: total }),
  'a bare `total`': ({ total, items }) => ({ items, total }),
  '`totalElements`': ({ total, items, ask }) => ({ items, page: { number: ask.number, totalElements: total } }),
};

export const fronts: Group = {
  group: 'fronts',
  kinds: [
    ...styles.map((style): Omit<HonestyKind, 'group'> => ({
      name: `a session that dies unseen: from the third call on all pages are empty, by ${style}`,
      truth: 'short',
      api: { style },
      world: list({
        by: by(style),
        count: () => 450,
        instead: ({ nth }) => (nth >= 3 ? json({ items: [] }) : undefined),
      }),
    })),
    ...styles.flatMap((style) =>
      Object.entries(counts).map(([name, told]): Omit<HonestyKind, 'group'> => ({
        name: `a first page without rows that tells of some by ${name}, by ${style}`,
        truth: 'short',
        api: { style },
        world: list({ by: by(style), count: () => 320, instead: () => json({ items: [], ...told }) }),
      })),
    ),
    ...Object.entries(toldBefore).map(([name, body]): Omit<HonestyKind, 'group'> => ({
      name: `page numbers from 0 that are read from 1, told by ${name}`,
      truth: 'short',
      // The list begins with 0, which nobody asks for.
      api: { style: 'page' },
      world: list({ by: 'page', firstPage: 0, count: () => 320, body }),
    })),
  ],
};
