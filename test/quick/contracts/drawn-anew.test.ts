import { describe, expect, it } from 'vitest';
import { z } from 'zod';
import { readSteady } from '../../../contracts/values/misfits.ts';

describe('an input that is read for every attempt', () => {
  const wrong = (schema: z.ZodType, value: unknown = {}): string | undefined => {
    try {
      readSteady((given) => schema.parse(given), value, 'The input');
      return undefined;
    } catch (error) {
      return (error as TypeError).message;
    }
  };

  it('is refused where its schema draws a value, in a default or a transform', () => {
    const drawn = z.string().default(() => crypto.randomUUID());
    const made = z.string().transform((text) => `${text}-${Math.random()}`);
    expect(wrong(z.object({ ref: drawn }))).toMatch(/^The input is another one each time its schema reads it/);
    expect(wrong(z.object({ lines: z.array(z.object({ ref: drawn })) }), { lines: [{}, {}] })).toBeDefined();
    expect(wrong(made, 'a')).toBeDefined();
  });

  it('is as good as any other where it has a time, a date, a large number or a circle', () => {
    const at = z.date().default(() => new Date());
    for (let reading = 0; reading < 1_000; reading++) expect(wrong(z.object({ at }))).toBeUndefined();
    const circle: Record<string, unknown> = {};
    circle['self'] = circle;
    expect(wrong(z.any(), circle)).toBeUndefined();
    expect(wrong(z.coerce.bigint(), '7')).toBeUndefined();
    expect(wrong(z.coerce.date(), '2026-01-02')).toBeUndefined();
    expect(wrong(z.object({ n: z.number().default(1) }))).toBeUndefined();
  });

  it('is read twice, and is what its schema makes of it', () => {
    let reads = 0;
    const counted = z.string().transform((text) => (reads++, text.toUpperCase()));
    expect(readSteady((given) => counted.parse(given), 'a', 'The input')).toBe('A');
    expect(reads).toBe(2);
  });
});
