import { describe, expect, it } from 'vitest';
import { varintBytes, varintText } from '../../../providers/pagination/told/varint-names.ts';

describe('a name of a page in Protocol Buffers', () => {
  it.each([
    ['CAoQAA', 10, [0x10, 0]],
    ['CDIQAA', 50, [0x10, 0]],
    ['CGQQAA', 100, [0x10, 0]],
    ['CJYBEAE', 150, [0x10, 1]],
    ['CDI', 50, []],
  ])('is a number and flags, and written as it was: %s', (name, number, flags) => {
    const text = varintText(Buffer.from(name, 'base64')) as string;
    expect(Number(text.split(' ')[0])).toBe(number);
    expect([...varintBytes(text)].slice(-flags.length || Infinity)).toEqual(flags);
    expect(varintBytes(text).toString('base64url')).toBe(name);
  });

  it.each(['CDIaAmlk', 'CDIQBQ', 'EDI', 'CP________', 'CA', ''])('is none where it holds more, or less: %s', (name) => {
    expect(varintText(Buffer.from(name, 'base64'))).toBe(undefined);
  });
});
