/** Offset and limit. Pages overlap by a row, so that a list that moves loses none. */
import type { NumberedPages } from '../options.ts';
import { nextNumbered } from '../walks/numbered-walk.ts';
import { numberedRequest } from '../page-request.ts';
import type { Pagination } from '../pagination.ts';
import { statedCap } from '../result-cap.ts';
import { NUMBERED, numbered, numberedMistakes, type Kind } from './shared.ts';

export const offset: Kind<NumberedPages<unknown, unknown, unknown>> = {
  options: NUMBERED,
  required: ['items'],
  mistakes: (options) => {
    const mistakes = numberedMistakes(options);
    const { lanes = 1, overlap = 0, pageSize } = options;
    if (overlap > 0 && lanes > 1)
      mistakes.push('overlap and lanes exclude each other: borders are compared page after page');
    const min = pageSize?.min ?? 1;
    if (overlap !== 0 && !(Number.isInteger(overlap) && overlap > 0 && overlap < min))
      mistakes.push(
        `overlap is ${overlap}; it must be a whole number less than the smallest page (pageSize.min ${min})`,
      );
    return mistakes;
  },
  compile: (options) => {
    const pagination: Pagination = {
      ...numbered(options),
      kind: 'offset',
      request: (position, size, range) => numberedRequest('offset', 1, position, size, range, statedCap(pagination)),
      advance: (at, answer) => nextNumbered(pagination, at, answer),
    };
    return pagination;
  },
};
