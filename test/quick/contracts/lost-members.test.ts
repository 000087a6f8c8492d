/** Members of JSON that are lost where an object has two of one name. */
import * as fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { lostMember } from '../../../contracts/answers/lost-members.ts';

const lost = (text: string): string | undefined => lostMember(text, JSON.parse(text));

describe('two members of one name in one object', () => {
  it.each([
    ['{"items":[{"id":1}],"items":[{"id":2}]}', 'items'],
    ['{ "next" : "x" ,\n "next" :\tnull }', 'next'],
    ['{"data":{"rows":{"row":{"id":1},"row":{"id":2}}}}', 'row'],
    ['[{"id":1},{"id":2,"a\\"b":1,"a\\"b":2}]', 'a"b'],
    ['{"a":"\\":","a":"x"}', 'a'],
  ])('are told where their values differ: %s', (text, name) => {
    expect(lost(text)).toBe(name);
  });

  it.each([
    '{"name":"x","name":"x"}',
    '{"items":[{"id":1},{"id":1}],"next":null}',
    '{"text":"he said \\"next\\": 1, \\"next\\": 2"}',
    '{"a":{"id":1},"b":{"id":2}}',
    '"\\":\\":"',
    'null',
    '[]',
  ])('are not seen where there are none, or nothing is lost: %s', (text) => {
    expect(lost(text)).toBeUndefined();
  });

  it('are found in no JSON that was made from values, however it is laid out', () => {
    fc.assert(
      fc.property(fc.jsonValue(), fc.nat({ max: 3 }), (value, indent) => {
        expect(lost(JSON.stringify(value, null, indent))).toBeUndefined();
        expect(lost(`{"a":${JSON.stringify(value)},"b":1,"b":2}`)).toBe('b');
      }),
    );
  });

  it('cost a deep body nothing', () => {
    const deep = `${'{"a":'.repeat(5_000)}1${'}'.repeat(5_000)}`;
    expect(lost(deep)).toBeUndefined();
  });
});
