/** The `Link` header: which of its links are about the answer that has it. */
import { describe, expect, it } from 'vitest';
import { linkOf, nextLink } from '../../../providers/pagination/kinds/link-header.ts';
import { moreTold } from '../../../providers/pagination/told/more-told.ts';

const url = 'https://api.example/rows?cursor=2';
const next = '<https://api.example/rows?cursor=3>; rel="next"';

describe('a link in the header', () => {
  it.each([
    ['', undefined],
    [next, 'https://api.example/rows?cursor=3'],
    [`<https://api.example/rows?a=1,2>; title="a; <b>, c"; rel=first, ${next}`, 'https://api.example/rows?cursor=3'],
    // Of another resource, before and behind this one's.
    [`</other?page=2>; rel="next"; anchor="/other", ${next}`, 'https://api.example/rows?cursor=3'],
    [`${next}, </other?page=2>; anchor="https://api.example/other"; rel="next"`, 'https://api.example/rows?cursor=3'],
    ['</other?page=2>; rel="next"; anchor="/other"', undefined],
    ['</rows/2>; rel="next"; anchor="#chapter2"', undefined],
    ['</rows?cursor=3>; rel="next"; anchor="https://elsewhere.example/rows"', undefined],
    // Of this one, by its own name, or by that of its list.
    ['</rows?cursor=3>; rel="next"; anchor="/rows?cursor=2"', '/rows?cursor=3'],
    ['</rows?cursor=3>; rel="next"; anchor="https://api.example/rows"', '/rows?cursor=3'],
    ['</rows?cursor=3>; rel="next"; anchor=""', '/rows?cursor=3'],
    // As the standard allows it, and as some write it.
    ['</rows?cursor=3>; rel=next', '/rows?cursor=3'],
    ['</rows?cursor=3>; REL = NEXT', '/rows?cursor=3'],
    ["</rows?cursor=3>; rel='next'", '/rows?cursor=3'],
    ['</rows?cursor=3>; rel="next last"', '/rows?cursor=3'],
    ['</rows?cursor=3>; rel="last\tnext"', '/rows?cursor=3'],
    ['</rows?cursor=3>; rel="nextPage"', '/rows?cursor=3'],
    ['</rows?cursor=3>; rel=next-page', '/rows?cursor=3'],
    ['</rows?cursor=3>; rel="next_page"', '/rows?cursor=3'],
    ['</rows?cursor=3>; rel="https://api.example/rels/next"', '/rows?cursor=3'],
    ['</rows?cursor=3>; rel="http://www.iana.org/assignments/relation/next"', '/rows?cursor=3'],
    ['</rows?cursor=3>; rel="urn:example:next"', '/rows?cursor=3'],
    ['</rows?cursor=1>; rel="prev", </rows?cursor=3>; rel="next"', '/rows?cursor=3'],
    // What is no next page.
    ['</rows?cursor=3>; rel="next-archive"', undefined],
    ['</rows?cursor=3>; rel="https://api.example/rels/next-steps"', undefined],
    ['</rows?cursor=3>; rel=first; title="next"', undefined],
    ['</rows?cursor=3>; rel=first; rel=next', undefined],
  ])('%s leads to %s', (header, target) => {
    expect(nextLink(header, url)).toBe(target);
    const told = moreTold({ body: [{ id: 1 }], headers: { link: header }, url, status: 200, count: 1 });
    expect(told).toBe(target && 'its `Link` header names a next page');
  });

  it('that names a page before, or the last one, of something else is not looked at', () => {
    const links = '</other>; rel="prev"; anchor="/other", </other?page=9>; rel="last"; anchor="/other"';
    expect(linkOf(links, 'prev', url)).toBeUndefined();
    expect(moreTold({ body: [{ id: 1 }], headers: { link: links }, url, status: 200, count: 1 })).toBeUndefined();
  });

  it('in a form that no standard knows still tells of a next page', () => {
    for (const link of [
      'https://api.example/rows?cursor=3; rel="next"',
      'rel="next"; <https://api.example/rows?cursor=3>',
      '</rows?cursor=3>; "rel"="next"',
      '</rows?cursor=3>; rel:next',
      '</rows?cursor=3>; rel: "next"',
    ])
      expect(moreTold({ body: [], headers: { link }, url, status: 200, count: 1 }), link).toMatch(/no standard knows/);
  });
});
