import * as fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { createSecretFinder, replacePlaces } from '../../../contracts/secrets/secret-finder.ts';
import { characters, escapings } from '../../setup/escapings.ts';

const hide = (text: string, ...secrets: string[]) =>
  replacePlaces(text, createSecretFinder(secrets).find(text), () => '[removed]');
const read = (text: string, ...secrets: string[]) =>
  replacePlaces(text, createSecretFinder(secrets).find(text, true), () => '[removed]');

const BASE64 = 'ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/=';
/** Tokens as third parties make them, and such as they should not. */
const anyToken = fc.oneof(
  fc.string({ unit: fc.constantFrom(...characters(BASE64)), minLength: 16, maxLength: 60 }),
  fc.string({ unit: fc.constantFrom(...characters('0123456789abcdef')), minLength: 16, maxLength: 64 }),
  fc.string({
    unit: fc.constantFrom(...characters(BASE64), ...characters('-_.~|:!$&"<> é語😀')),
    minLength: 24,
    maxLength: 60,
  }),
);
const anyEscaping = fc.constantFrom(...Object.keys(escapings));

describe('a known secret', () => {
  it('is found in every spelling, whatever it is, and the words around it stay', () => {
    fc.assert(
      fc.property(anyToken, anyEscaping, (drawn, how) => {
        const token = `${drawn}x7`; // whatever was drawn, it is no plain word
        // A number that it begins with could be anybody's.
        fc.pre(how !== 'cut off' || !/^\d{8}/.test(token));
        const spelled = escapings[how]!(token);
        const clean = hide(`Your token, ${spelled}, has expired`, token);
        expect(clean).toMatch(/^Your token, .*\[removed\].*, has expired$/s);
        expect(clean).not.toContain(spelled);
        // Nothing that is left of it is worth anything.
        const left = clean.slice('Your token, '.length, -', has expired'.length).replaceAll('[removed]', '');
        expect(left.length).toBeLessThanOrEqual(how.startsWith('in Base64') ? 20 : how === 'in JSON in JSON' ? 20 : 0);
      }),
      { numRuns: 2_000 },
    );
  });

  it('is found beside others, and again and again', () => {
    const [a, b] = ['alpha-0123456789', 'beta=9876543210'];
    expect(hide(`${a}${b} ${a}, ${encodeURIComponent(b)}`, a, b)).toBe('[removed][removed] [removed], [removed]');
    expect(hide('nothing of them', a, b)).toBe('nothing of them');
  });

  it('that is short is found as a word of its own', () => {
    expect(hide('bad key: k3y-42!', 'k3y-42')).toBe('bad key: [removed]!');
    expect(hide('?key=k3y-42&a=1', 'k3y-42')).toBe('?key=[removed]&a=1');
    expect(hide('xk3y-42y', 'k3y-42')).toBe('xk3y-42y');
  });

  it('that is a plain word or number is found where its place says so, and in sentences', () => {
    const rows = '{"title":"changeme","password":"changeme","pass_word":"x"}';
    expect(hide(rows, 'changeme')).toBe('{"title":"changeme","password":"[removed]","pass_word":"x"}');
    expect(hide('/login?password=changeme&q=changeme', 'changeme')).toBe('/login?password=[removed]&q=changeme');
    expect(read('the password changeme is wrong', 'changeme')).toBe('the password [removed] is wrong');
    expect(hide('{"id":"12345678"}', '12345678')).toBe('{"id":"12345678"}');
    expect(read('abc', 'abc')).toBe('abc');
  });

  it('that begins as all of its vendor do, or all web tokens, takes none of those with it', () => {
    expect(hide('sk_live_aaaaaaaaaaaa sk_live_0000', 'sk_live_aaaaaaaaaaaa')).toBe('[removed] sk_live_0000');
    const head = 'eyJhbGciOiJIUzI1NiIsInR5cCI6IkpXVCJ9';
    const mine = `${head}.eyJzdWIiOiIxMjM0NTY3ODkwIn0.dozjgNryP4J3jVmNHl0w5N`;
    const other = `${head}.eyJpc3MiOiJzb21lYm9keSBlbHNlIn0.AAAAgNryP4J3jVmNHl0w5X`;
    expect(hide(`${mine} ${other}`, mine)).toBe(`[removed] ${other}`);
    expect(hide(`${mine.slice(0, -8)}…`, mine)).toBe('[removed]…');
  });

  it('is looked for in time that grows with the text, whoever wrote it', () => {
    const secret = `${'ab'.repeat(500)}9`;
    const hostile = {
      'a period of the secret': 'ab',
      percent: '%25',
      backslashes: '\\\\',
      'escaped letters': String.raw`\u0061`,
      entities: '&#97;',
      'the beginning of it': `${secret.slice(0, 14)} `,
      'the end of it': `${secret.slice(-14)} `,
      'addresses in addresses': '://a:a',
      'web tokens': 'eyJaaaaaaaa.',
    };
    const timeOf = (text: string): number => {
      const finder = createSecretFinder([secret]);
      const times = [1, 2, 3].map(() => {
        const before = process.cpuUsage();
        finder.find(text, true);
        const { user, system } = process.cpuUsage(before);
        return user + system;
      });
      return Math.min(...times);
    };
    for (const [what, piece] of Object.entries(hostile)) {
      const small = piece.repeat(Math.ceil(20_000 / piece.length));
      timeOf(small);
      // Eight times the text: quadratic would be 64 times the time.
      expect(timeOf(small.repeat(8)) / Math.max(timeOf(small), 2_000), what).toBeLessThan(30);
    }
  });
});
