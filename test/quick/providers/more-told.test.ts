/** What an answer says of pages that follow, by whatever words; and what only looks like it. */
import { describe, expect, it } from 'vitest';
import { flagBefore } from '../../../providers/pagination/told/before-told.ts';
import { moreTold } from '../../../providers/pagination/told/more-told.ts';

const results = Array.from({ length: 50 }, (_, n) => ({ id: `r${n}` }));
const told = (beside: object): string | undefined =>
  moreTold({ body: { results, ...beside }, headers: {}, status: 200, count: results.length });

describe('an answer that is taken for all of its list', () => {
  it.each([
    ...['pagingInfo', 'pageable', 'search_metadata', 'cursor_info', 'nav', 'paginationInfo', '_paging'].flatMap(
      (name) => [{ [name]: { next: '/rows?page=2' } }, { [name]: { total: 150 } }],
    ),
    // Of an object of any name, what no thing has as well.
    ...['envelope', '$', 'header', 'status', 'control'].flatMap((name) => [
      { [name]: { has_more: true } },
      { [name]: { next_cursor: 'abc' } },
      { [name]: { total_pages: 3, page: 1 } },
      { [name]: { totalCount: 150 } },
    ]),
    { next_page_path: '/rows/2' },
    { nextLinkUrl: '/rows/2' },
    { next_max_id: 'abc' },
    { next_cursor_str: '123' },
    { nextSkip: 50 },
    { next_batch: 'abc' },
    { '@nextLink': '/rows/2' },
    { _scroll_id: 'abc' },
    { searchAfter: 'abc' },
    { recordsTotal: 150 },
    { numFound: 150 },
    { nbHits: 150 },
    { numberOfPages: 3 },
  ])('tells of more by %j', (beside) => {
    expect(told(beside)).toBeTypeOf('string');
  });

  it.each([
    { order: { total: 1_500, next: 'invoice' } },
    { control: { next: 'check' } },
    { next_invoice_number: 51 },
    { nextId: 51 },
    { status: { has_more: false, next_cursor: '' } },
    { header: { total_pages: 1, totalCount: 50 } },
    { homepage: { next: 1 } },
    { recordsTotal: 50, recordsFiltered: 50 },
    { package: { total: 100 } },
    { others: { nodes: [1, 2], hasNextPage: true } },
  ])('tells of nothing by %j', (beside) => {
    expect(told(beside)).toBeUndefined();
  });
});

describe('a page that is read from the end of its list', () => {
  it('says by a flag that rows come before it', () => {
    const connection = (pageInfo: object): object => ({ data: { rows: { nodes: results, pageInfo } } });
    expect(flagBefore({ body: connection({ hasNextPage: false, hasPreviousPage: true }), count: 50 })).toBe(
      '`data.rows.pageInfo.hasPreviousPage` is true',
    );
    expect(flagBefore({ body: connection({ hasNextPage: true, hasPreviousPage: false }), count: 50 })).toBeUndefined();
    // Rows that are yet to come are asked for by a link back.
    expect(flagBefore({ body: { results, paging: { previous: '/rows?since=1' } }, count: 50 })).toBeUndefined();
  });
});
