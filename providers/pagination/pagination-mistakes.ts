/**
 * What is wrong with the options of a list, in words. Next stop: `providers/define/define-provider.ts` collects it for each endpoint.
 */
import { missingFunctions, unknownOptions, type NamesOf } from '../define/option-mistakes.ts';
import {
  sizes,
  type Common,
  type CursorPages,
  type LinkPages,
  type NumberedPages,
  type Paginate,
  type SinglePage,
} from './pagination.ts';

const COMMON = {
  kind: true,
  items: true,
  pageSize: true,
  maxPages: true,
  hasMore: true,
  total: true,
  totalIs: true,
  resultCap: true,
  guards: true,
  range: true,
} satisfies NamesOf<Common<unknown, unknown, unknown> & { readonly kind: unknown }>;
const NUMBERED = {
  ...COMMON,
  lanes: true,
  firstPage: true,
  lastPage: true,
  advanceBy: true,
  overlap: true,
} satisfies NamesOf<NumberedPages<unknown, unknown, unknown>>;
const OPTIONS = {
  single: { kind: true, items: true } satisfies NamesOf<SinglePage<unknown, unknown>>,
  cursor: { ...COMMON, next: true } satisfies NamesOf<CursorPages<unknown, unknown, unknown>>,
  link: { ...COMMON, next: true, sizeParam: true } satisfies NamesOf<LinkPages<unknown, unknown, unknown>>,
  page: NUMBERED,
  offset: NUMBERED,
};

/** What is wrong with the options, in words. */
export function paginationMistakes(paginate: Paginate<unknown, unknown, never> | undefined): string[] {
  if (!paginate) return [];
  if (!Object.hasOwn(OPTIONS, paginate.kind))
    return [`paginate.kind is "${paginate.kind}"; it must be one of ${Object.keys(OPTIONS).join(', ')}`];
  const mistakes = [
    ...missingFunctions(paginate, paginate.kind === 'cursor' ? ['items', 'next'] : ['items']),
    ...unknownOptions(paginate, OPTIONS[paginate.kind]),
  ].map((text) => `paginate: ${text}`);
  if (paginate.kind === 'single') return mistakes;
  const { start, min, max } = sizes(paginate.pageSize ?? {});
  if (!(min >= 1 && min <= start && start <= max && [min, start, max].every(Number.isInteger)))
    mistakes.push(`pageSize must be whole numbers with 1 ≤ min ≤ start ≤ max, not ${min}, ${start}, ${max}`);
  if (!((paginate.maxPages ?? 1) >= 1)) mistakes.push(`maxPages is ${paginate.maxPages}; it must be at least 1`);
  if (typeof paginate.resultCap === 'number' && !(paginate.resultCap >= 1))
    mistakes.push(`resultCap is ${paginate.resultCap}; it must be at least 1`);
  if (paginate.kind === 'cursor' || paginate.kind === 'link') return mistakes;
  const { lanes, overlap = 0 } = paginate;
  if (lanes !== undefined && !(lanes >= 1 && lanes <= 1_000))
    mistakes.push(`lanes is ${lanes}; it must be from 1 to 1,000`);
  if (overlap > 0 && paginate.kind === 'page')
    mistakes.push('overlap needs offsets: page numbers can not begin between two pages');
  if (overlap > 0 && lanes !== undefined && lanes > 1)
    mistakes.push('overlap and lanes exclude each other: borders are compared page after page');
  if (!(overlap >= 0 && overlap < min) && overlap !== 0)
    mistakes.push(`overlap is ${overlap}; it must be less than the smallest page (pageSize.min ${min})`);
  return mistakes;
}
