import { assert, property, string } from 'fast-check';
import { describe, expect, it } from 'vitest';
import { harmless, html, verbatim } from '../../../dashboard/html.ts';
import { linksBelow } from '../../../dashboard/link.ts';
import { routeOf } from '../../../dashboard/routes.ts';

describe('a template', () => {
  it('makes text of whatever is put in, however often, and leaves out what is nothing', () => {
    expect(html`<b title="${'"><script>'}">${['a', html`<i>${"<&'"}</i>`, null, false, undefined, 7]}</b>`.text).toBe(
      '<b title="&quot;&gt;&lt;script&gt;">a<i>&lt;&amp;&#39;</i>7</b>',
    );
  });

  it('lets no text out of its place', () => {
    assert(
      property(string({ unit: 'binary' }), (text) => {
        expect(html`${text}`.text).not.toMatch(/[<>"']|[\u202a-\u202e\u2066-\u2069\0]/);
        expect(verbatim(text).text).not.toMatch(/[<>"']/);
      }),
    );
  });

  it('cuts what is long, and shows marks of direction instead of following them', () => {
    expect(harmless(`a\u202eb${'x'.repeat(1e6)}`)).toMatch(/^a⟨U\+202E⟩bx{997} … \(1000003 characters\)$/);
  });
});

describe('a link', () => {
  it('leads back to the names that it was made of', () => {
    const link = linksBelow('/base');
    const names = string({ unit: 'binary', minLength: 1 }).filter(
      (name) => name.isWellFormed() && !/^\.{1,2}$/.test(name),
    );
    assert(
      property(names, (name) => {
        const { pathname } = new URL(link(['accounts', name]), 'http://here');
        expect(routeOf(pathname.slice('/base'.length))?.params).toEqual({ account: name });
      }),
    );
    expect(link(['runs'], { state: 'failed', sync: undefined, account: '' })).toBe('/base/runs?state=failed');
    expect(routeOf('/accounts/%ff')).toBeUndefined();
    expect(routeOf('/accounts/a/b')).toBeUndefined();
  });
});
