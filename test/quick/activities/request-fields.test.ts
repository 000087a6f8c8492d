/** What goes out of a query, a form and a JSON body. */
import { describe, expect, it } from 'vitest';
import { buildRequest } from '../../../activities/http/build-request.ts';
import type { RequestSpec } from '../../../contracts/answers/answer.ts';
import { get, post } from '../../../providers/index.ts';

const built = (spec: RequestSpec) => buildRequest(spec, 'https://api.example', {}, {});
const formed = (form: NonNullable<RequestSpec['form']>) => built({ method: 'POST', path: '/a', form }).body;

describe('a field of a request', () => {
  it('that is a list is the same name several times, in a query and in a form', () => {
    expect(built(get('/users', { id: ['1', 2], all: true, none: [] })).url).toBe(
      'https://api.example/users?id=1&id=2&all=true',
    );
    expect(built(get('/users?id=9&x=1', { id: ['1', '2'] })).url).toBe('https://api.example/users?x=1&id=1&id=2');
    expect(formed({ 'to[]': ['a b', 'c'], count: 2, later: undefined, never: null })).toBe(
      'to%5B%5D=a+b&to%5B%5D=c&count=2',
    );
  });

  it('that is no number is a mistake, and is not sent as NaN or null', () => {
    for (const wrong of [Number.NaN, Infinity, new Date(Number.NaN)] as number[]) {
      expect(() => built(get('/a', { since: wrong }))).toThrow(
        /`since` of the query is (NaN|Infinity|an invalid date)/,
      );
      expect(() => built(get('/a', { ids: [1, wrong] }))).toThrow(/`ids` of the query/);
      expect(() => formed({ since: wrong })).toThrow(/`since` of the form/);
      expect(() => built(post('/a', { where: [{ since: wrong }] }))).toThrow(
        /`since` of its JSON is .*, which would be sent as null/,
      );
    }
    expect(() => built(get('/a', { since: {} as string }))).toThrow(/of the type "object"/);
    expect(built(post('/a', { none: null, text: 'null', at: new Date(0) })).body).toBe(
      '{"none":null,"text":"null","at":"1970-01-01T00:00:00.000Z"}',
    );
  });
});
