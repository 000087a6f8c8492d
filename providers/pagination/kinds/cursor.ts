/** Each page names the cursor of the next; pages of one list follow one another. */
import type { NamesOf } from '../../define/option-mistakes.ts';
import type { CursorPages } from '../options.ts';
import type { Pagination } from '../pagination.ts';
import { followToken } from '../token-walk.ts';
import { COMMON, common, commonMistakes, type Kind } from './shared.ts';

export const cursor: Kind<CursorPages<unknown, unknown, never>> = {
  options: { ...COMMON, next: true } satisfies NamesOf<CursorPages<unknown, unknown, unknown>>,
  required: ['items', 'next'],
  mistakes: commonMistakes,
  compile: (options) => {
    const pagination: Pagination = {
      ...common(options),
      kind: 'cursor',
      next: options.next,
      request: (position, size, range) => ({
        cursor: position?.cursor,
        url: undefined,
        offset: 0,
        number: 1,
        size,
        range,
      }),
      advance: (at, page) => followToken(pagination, at, page),
    };
    return pagination;
  },
};
