import * as fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { bounded } from '../../../contracts/values/bounded.ts';
import { cleanText } from '../../../contracts/values/clean-text.ts';

/** Any UTF-16: NUL, lone halves, whole emoji, plain letters. */
const anyText = fc
  .array(fc.oneof(fc.constantFrom(0, 0xd83d, 0xde00, 0xdfff, 0xd800, 0x61, 0x20ac), fc.nat(0xffff)), { maxLength: 60 })
  .map((units) => String.fromCharCode(...units));

describe('text from outside', () => {
  it('has no NUL, no half of a character, and no more code points than were asked for', () => {
    fc.assert(
      fc.property(anyText, fc.nat(40), (text, most) => {
        const clean = cleanText(text, most);
        expect(clean).not.toContain('\0');
        expect(clean.isWellFormed()).toBe(true);
        expect(Array.from(clean).length).toBeLessThanOrEqual(most);
        expect(cleanText(clean, most)).toBe(clean);
      }),
    );
  });

  it('loses nothing else', () => {
    fc.assert(
      fc.property(fc.string({ unit: 'binary' }), (text) => {
        expect(cleanText(text)).toBe(text.replaceAll('\0', '\ufffd'));
      }),
    );
    expect(cleanText('a😀b😀c', 4)).toBe('a😀b😀');
    expect(cleanText('a😀b', 2)).toBe('a😀');
    expect(cleanText('a\ud83d', 5)).toBe('a\ufffd');
  });
});

describe('a number from outside', () => {
  it('is within its bounds, whatever it was', () => {
    fc.assert(
      fc.property(fc.double(), (value) => {
        const kept = bounded(value, 0, 1e9);
        expect(kept).toBeGreaterThanOrEqual(0);
        expect(kept).toBeLessThanOrEqual(1e9);
        if (value > 0 && value <= 1e9) expect(kept).toBe(value);
      }),
    );
  });
});
