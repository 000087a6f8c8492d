/** Each page names the cursor of the next; pages of one list follow one another. */
import type { NamesOf } from '../../../contracts/values/option-mistakes.ts';
import type { CursorPages } from '../options.ts';
import type { Pagination } from '../pagination.ts';
import { namedRequest } from '../page-request.ts';
import { countedRequest } from '../walks/counted-places.ts';
import { followToken } from '../walks/token-walk.ts';
import { TOKEN, token, tokenMistakes, type Kind } from './shared.ts';

export const cursor: Kind<CursorPages<unknown, unknown, unknown>> = {
  options: TOKEN satisfies NamesOf<CursorPages<unknown, unknown, unknown>>,
  required: ['items', 'next'],
  mistakes: tokenMistakes,
  compile: (options) => {
    const pagination: Pagination = {
      ...token(options),
      kind: 'cursor',
      next: options.next,
      request: (position, size, range) =>
        position?.counted
          ? countedRequest(pagination, position.counted, position, size, range)
          : { ...namedRequest(position, size, range), url: undefined },
      advance: (at, page) => followToken(pagination, at, page),
    };
    return pagination;
  },
};
