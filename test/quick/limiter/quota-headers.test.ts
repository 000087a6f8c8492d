import * as fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { parseQuotaHeaders } from '../../../limiter/index.ts';

const NOW = Date.parse('2026-03-01T12:00:00Z');
const parse = (headers: Record<string, string>) => parseQuotaHeaders(headers, NOW);

describe('Retry-After', () => {
  it.each([
    ['120', 120_000],
    ['0', 0],
    ['1.5', 1_500],
    ['Sun, 01 Mar 2026 12:00:30 GMT', 30_000],
    ['Sun, 01 Mar 2026 11:00:00 GMT', 0],
    ['5s', 5_000],
    ['5 seconds', 5_000],
    ['3, 5', 5_000],
    ['2026-03-01 12:00:30', 30_000],
  ])('%s is %d ms', (value, ms) => expect(parse({ 'retry-after': value }).retryAfterMs).toBe(ms));

  it.each(['', 'soon', '-5', 'Sunday', '2026-13-45', '1e9'])('%j is ignored', (value) =>
    expect(parse({ 'retry-after': value })).toEqual({ quotas: [] }),
  );

  it('measures dates against the clock of the server that sent them', () =>
    expect(
      parse({ 'retry-after': 'Sun, 01 Mar 2026 13:00:30 GMT', date: 'Sun, 01 Mar 2026 13:00:00 GMT' }).retryAfterMs,
    ).toBe(30_000));

  it.each([
    ['x-retry-after', '5'],
    ['x-ratelimit-retry-after', '5'],
    ['x-rate-limit-retry-after-seconds', '5'],
    ['x-ms-retry-after-ms', '5000'],
    ['retry-after-milliseconds', '5000'],
  ])('is found under the name %s, too, where the name of the standard says nothing', (name, value) => {
    expect(parse({ [name]: value }).retryAfterMs).toBe(5_000);
    expect(parse({ [name]: value, 'retry-after': 'soon' }).retryAfterMs).toBe(5_000);
  });

  it('is believed before other names that give it in seconds', () =>
    expect(parse({ 'x-retry-after': '60', 'retry-after': '2' }).retryAfterMs).toBe(2_000));

  it('prefers the exact milliseconds some servers add', () =>
    expect(parse({ 'retry-after': '2', 'retry-after-ms': '1250' }).retryAfterMs).toBe(1_250));
});

describe('the IETF drafts', () => {
  it('joins a named policy with its state', () =>
    expect(
      parse({
        'ratelimit-policy': '"burst";q=100;w=60, "daily";q=1000;w=86400',
        ratelimit: '"burst";r=50;t=30.0, "daily";r=0;t=7;pk=:dHJpYWw=:',
      }).quotas,
    ).toEqual([
      { limit: 'burst', max: 100, windowMs: 60_000, remaining: 50, resetAfterMs: 30_000 },
      { limit: 'daily', max: 1_000, windowMs: 86_400_000, remaining: 0, resetAfterMs: 8_000 },
    ]));

  it('reads draft 07 as a dictionary', () =>
    expect(parse({ ratelimit: 'limit=100, remaining=50, reset=5', 'ratelimit-policy': '100;w=60' }).quotas).toEqual([
      { max: 100, windowMs: 60_000, remaining: 50, resetAfterMs: 6_000 },
    ]));

  it('reads the oldest drafts with policies inside the limit', () =>
    expect(
      parse({ 'ratelimit-limit': '10, 10;w=1, 50;w=60', 'ratelimit-remaining': '9', 'ratelimit-reset': '1' }).quotas,
    ).toEqual([{ max: 10, windowMs: 1_000, remaining: 9, resetAfterMs: 2_000 }]));

  it('reads epoch seconds that were rounded down, as one social network sends them', () =>
    expect(
      parse({
        'ratelimit-limit': '50',
        'ratelimit-remaining': '0',
        'ratelimit-reset': String(NOW / 1_000 + 4),
        'ratelimit-policy': '50;w=10',
      }).quotas,
    ).toEqual([{ max: 50, windowMs: 10_000, remaining: 0, resetAfterMs: 5_000 }]));

  it('leaves out quotas that do not count requests', () =>
    expect(parse({ 'ratelimit-policy': '"bytes";q=100;qu="content-bytes";w=60' }).quotas).toEqual([]));

  it.each(['"open;r=5', '"a";r=', ';;;', '"a"b;r=1', '"a";r=1,,"b";r=2'])('ignores the malformed field %j', (field) =>
    expect(parse({ ratelimit: field }).quotas).toEqual([]),
  );
});

describe('X- names', () => {
  it.each([
    ['delta seconds', '59', 60_000],
    ['epoch seconds', String(NOW / 1_000 + 59), 60_000],
    ['epoch milliseconds', String(NOW + 60_000), 60_000],
    ['epoch microseconds', String((NOW + 60_000) * 1_000), 60_000],
    ['a date', 'Sun, 01 Mar 2026 12:01:00 GMT', 60_000],
    ['an ISO date', '2026-03-01T12:01:00Z', 60_000],
    ['an ISO date without a zone, which is UTC', '2026-03-01T12:01:00', 60_000],
    ['a date as databases write it', '2026-03-01 12:01:00 UTC', 60_000],
    ['a duration', '1m0s', 60_000],
    ['milliseconds', '250ms', 250],
  ])('understands a reset in %s', (_, reset, ms) =>
    expect(
      parse({ 'x-ratelimit-limit': '60', 'x-ratelimit-remaining': '12', 'x-ratelimit-reset': reset }).quotas,
    ).toEqual([{ max: 60, remaining: 12, resetAfterMs: ms }]),
  );

  it('pairs comma lists by position, and finds each window in the policy', () =>
    expect(
      parse({
        'x-ratelimit-limit': '1, 15000',
        'x-ratelimit-policy': '1;w=1, 15000;w=2592000',
        'x-ratelimit-remaining': '0, 14000',
        'x-ratelimit-reset': '1, 1419704',
      }).quotas,
    ).toEqual([
      { max: 1, windowMs: 1_000, remaining: 0, resetAfterMs: 2_000 },
      { max: 15_000, windowMs: 2_592_000_000, remaining: 14_000, resetAfterMs: 1_419_705_000 },
    ]));

  it('reads the window out of the name', () =>
    expect(parse({ 'x-ratelimit-limit-minute': '20', 'x-ratelimit-remaining-minute': '19' }).quotas).toEqual([
      { windowMs: 60_000, max: 20, remaining: 19 },
    ]));

  it.each([
    ['x-ratelimit-reset-after', '1.470', 1_470],
    ['x-ratelimit-reset-ms', '1470', 1_470],
    ['x-ratelimit-reset-ms', String(NOW + 1_470), 1_470],
  ])('takes %s: %s for the same quota, in its own unit', (name, value, ms) =>
    expect(
      parse({ 'x-ratelimit-limit': '5', 'x-ratelimit-remaining': '0', 'x-ratelimit-reset': '99', [name]: value })
        .quotas,
    ).toEqual([{ max: 5, remaining: 0, resetAfterMs: ms }]),
  );

  it('takes less than nothing left for nothing, but for a limit below nothing: there is none', () => {
    expect(parse({ 'x-ratelimit-limit': '5', 'x-ratelimit-remaining': '-3' }).quotas).toEqual([
      { max: 5, remaining: 0 },
    ]);
    expect(parse({ 'x-ratelimit-limit': '-1', 'x-ratelimit-remaining': '-1' }).quotas).toEqual([]);
  });

  it('maps a name in the header to a declared limit', () =>
    expect(
      parseQuotaHeaders({ 'x-ratelimit-limit-requests': '60', 'x-ratelimit-remaining-requests': '5' }, NOW, {
        names: { requests: 'per-minute' },
      }).quotas,
    ).toEqual([{ limit: 'per-minute', max: 60, remaining: 5 }]));
});

describe('any header', () => {
  const names = [
    'retry-after',
    'x-retry-after-ms',
    'x-ratelimit-reset-ms',
    'ratelimit',
    'ratelimit-policy',
    'ratelimit-limit',
    'x-ratelimit-remaining',
    'x-ratelimit-reset',
    'date',
  ];
  const text = fc.oneof(fc.string(), fc.stringMatching(/^[0-9a-z",;=. :]{0,40}$/), fc.integer().map(String));

  it('never throws, and never says less than nothing', () =>
    fc.assert(
      fc.property(fc.dictionary(fc.constantFrom(...names), text), (headers) => {
        const { retryAfterMs = 0, quotas } = parse(headers);
        for (const n of [
          retryAfterMs,
          ...quotas.flatMap((q) => [q.max ?? 0, q.remaining ?? 0, q.resetAfterMs ?? 0, q.windowMs ?? 0]),
        ]) {
          expect(Number.isFinite(n) && n >= 0).toBe(true);
        }
      }),
    ));

  it('finds again what was written in the newest draft', () =>
    fc.assert(
      fc.property(
        fc.array(fc.record({ q: fc.nat(1e6), r: fc.nat(1e6), t: fc.nat(1e6), w: fc.integer({ min: 1, max: 1e6 }) }), {
          minLength: 1,
          maxLength: 4,
        }),
        fc.array(fc.string({ unit: fc.constantFrom('a', 'b', ' ', ',', ';', '=', '"', '\\') }), {
          minLength: 4,
          maxLength: 4,
        }),
        (entries, salt) => {
          const name = (i: number) => `${i}${salt[i]}`;
          const quoted = (i: number) => `"${name(i).replace(/["\\]/g, String.raw`\$&`)}"`;
          const quotas = parse({
            'ratelimit-policy': entries.map((e, i) => `${quoted(i)};q=${e.q};w=${e.w}`).join(', '),
            ratelimit: entries.map((e, i) => `${quoted(i)};r=${e.r};t=${e.t}`).join(','),
          }).quotas;
          expect(quotas).toEqual(
            entries.map((e, i) => ({
              limit: name(i),
              max: e.q,
              windowMs: e.w * 1_000,
              remaining: e.r,
              resetAfterMs: e.t * 1_000 + 1_000,
            })),
          );
        },
      ),
    ));

  it('an absolute reset means the same, whatever the skew between the clocks', () =>
    fc.assert(
      fc.property(fc.integer({ min: -86_400, max: 86_400 }), fc.integer({ min: 0, max: 86_400 }), (skewS, resetS) => {
        const serverS = NOW / 1_000 + skewS;
        const { quotas } = parse({
          date: new Date(serverS * 1_000).toUTCString(),
          'x-ratelimit-remaining': '1',
          'x-ratelimit-reset': String(serverS + resetS),
        });
        expect(quotas).toEqual([{ remaining: 1, resetAfterMs: resetS * 1_000 + 1_000 }]);
      }),
    ));
});
