/** Page numbers. Where the request asks for the size that it is given, pages overlap by asking for slightly smaller ones. */
import type { NumberedPages } from '../options.ts';
import { nextNumbered } from '../walks/numbered-walk.ts';
import { numberedRequest } from '../page-request.ts';
import type { Pagination } from '../pagination.ts';
import { statedCap } from '../result-cap.ts';
import { NUMBERED, numbered, numberedMistakes, type Kind } from './shared.ts';

export const page: Kind<NumberedPages<unknown, unknown, unknown>> = {
  options: NUMBERED,
  required: ['items'],
  mistakes: (options) => [
    ...numberedMistakes(options),
    ...(options.overlap ? ['overlap is for offsets: pages by number overlap by a row of themselves'] : []),
  ],
  compile: (options) => {
    const pagination: Pagination = {
      ...numbered(options),
      kind: 'page',
      request: (position, size, range) =>
        numberedRequest('page', pagination.firstPage, position, size, range, statedCap(pagination)),
      advance: (at, answer) => nextNumbered(pagination, at, answer),
    };
    return pagination;
  },
};
