/** Each page carries the address of the next, in the `Link` header (RFC 8288, `rel="next"`) or where `next` finds it. */
import type { NamesOf } from '../../../contracts/values/option-mistakes.ts';
import type { LinkPages } from '../options.ts';
import { namedRequest, withSize } from '../page-request.ts';
import type { Pagination } from '../pagination.ts';
import { countedRequest } from '../walks/counted-places.ts';
import { followToken } from '../walks/token-walk.ts';
import { nextLink } from './link-header.ts';
import { TOKEN, token, tokenMistakes, type Kind } from './shared.ts';

export const link: Kind<LinkPages<unknown, unknown, unknown>> = {
  options: { ...TOKEN, sizeParam: true } satisfies NamesOf<LinkPages<unknown, unknown, unknown>>,
  required: ['items'],
  mistakes: (options) => {
    const { sizeParam } = options as { readonly sizeParam?: unknown };
    return sizeParam === undefined || typeof sizeParam === 'string'
      ? tokenMistakes(options)
      : [...tokenMistakes(options), `sizeParam is ${JSON.stringify(sizeParam)}; it must be a name, e.g. "limit"`];
  },
  compile: (options) => {
    const { sizeParam } = options;
    const pagination: Pagination = {
      ...token(options),
      kind: 'link',
      next: options.next ?? ((_, { headers, url }) => nextLink(headers['link'], url)),
      // The first page is asked for by the endpoint's own request, with whatever size.
      request: (position, size, range) => {
        if (position?.counted) return countedRequest(pagination, position.counted, position, size, range);
        const asked = { ...namedRequest(position, size, range), cursor: undefined };
        return asked.url === undefined ? asked : { ...asked, url: withSize(asked.url, sizeParam, asked.size) };
      },
      isResizable: sizeParam !== undefined,
      advance: (at, page) => followToken(pagination, at, page),
    };
    return pagination;
  },
};
