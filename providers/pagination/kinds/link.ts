/** Each page carries the address of the next, in the `Link` header (RFC 8288, `rel="next"`) or where `next` finds it. */
import type { NamesOf } from '../../define/option-mistakes.ts';
import type { LinkPages } from '../options.ts';
import { withSize } from '../page-request.ts';
import type { Pagination } from '../pagination.ts';
import { followToken } from '../token-walk.ts';
import { COMMON, common, commonMistakes, type Kind } from './shared.ts';

export const link: Kind<LinkPages<unknown, unknown, never>> = {
  options: { ...COMMON, next: true, sizeParam: true } satisfies NamesOf<LinkPages<unknown, unknown, unknown>>,
  required: ['items'],
  mistakes: commonMistakes,
  compile: (options) => {
    const { sizeParam } = options;
    const pagination: Pagination = {
      ...common(options),
      kind: 'link',
      next: options.next ?? ((_, { headers }) => nextLink(headers['link'])),
      // The first page is asked for by the endpoint's own request, with whatever size.
      request: (position, size, range) => ({
        cursor: undefined,
        url: position?.url === undefined ? undefined : withSize(position.url, sizeParam, size),
        offset: 0,
        number: 1,
        size,
        range,
      }),
      isResizable: sizeParam !== undefined,
      advance: (at, page) => followToken(pagination, at, page),
    };
    return pagination;
  },
};

/** The target of `rel="next"` in a `Link` header, or undefined. */
export function nextLink(value: string | undefined): string | undefined {
  for (const part of (value ?? '').split(/,(?=\s*<)/)) {
    const match = /^\s*<([^>]*)>(.*)$/s.exec(part);
    if (match && /;\s*rel\s*=\s*"?[^";]*\bnext\b/i.test(match[2] ?? '')) return match[1];
  }
  return undefined;
}
