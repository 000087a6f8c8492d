import { describe, expect, it } from 'vitest';
import { hours, learned, minutes, window } from '../../../providers/index.ts';
import { chargesFor, limitMistakes } from '../../../providers/limits.ts';
import { matchQuota } from '../../../limiter/quota-headers/match-limit.ts';

const call = {
  provider: 'social',
  endpoint: 'search',
  account: 'acct-1',
  tenant: 'acme',
  ip: 'nat-1',
  input: { q: 'x' },
  pageSize: 100,
};

describe('what a call takes from its provider’s limits', () => {
  it('counts one endpoint by address although a token is sent, and another by token', () => {
    const limits = [
      window('per-ip', { by: ['ip'], max: 100, perMs: minutes(1), endpoints: ['search'] }),
      window('per-token', { by: ['token'], max: 50, perMs: minutes(1), except: ['search'] }),
    ];
    expect(chargesFor(limits, call).map(({ key }) => key)).toEqual(['social/per-ip/nat-1']);
    expect(chargesFor(limits, { ...call, endpoint: 'posts' }).map(({ key }) => key)).toEqual([
      'social/per-token/acct-1',
    ]);
  });

  it('charges every limit that matches, with a cost computed from the call', () => {
    const limits = [
      window('app-hour', { by: ['app'], max: 5_000, perMs: hours(1), reserve: 0.1 }),
      learned('token', { by: ['token', 'endpoint'], cost: ({ pageSize }) => pageSize / 50 }),
      window('query', { by: [({ input }) => (input as { q: string }).q], max: 5, perMs: 1_000 }),
    ];
    expect(chargesFor(limits, call).map(({ key, cost }) => [key, cost])).toEqual([
      ['social/app-hour/app', 1],
      ['social/token/acct-1/search', 2],
      ['social/query/x', 1],
    ]);
  });

  it('is never nothing: a call without a limit is behind its provider’s gate too, and a 429 has a key to close', () => {
    const limits = [window('per-ip', { by: ['ip'], max: 100, perMs: minutes(1), endpoints: ['search'] })];
    for (const [stated, endpoint] of [
      [[], 'search'],
      [limits, 'posts'],
    ] as const) {
      // prettier-ignore
      const charges = chargesFor(stated, { ...call, endpoint });
      expect(charges.map(({ key, cost }) => [key, cost])).toEqual([['social/unlimited/acct-1', 1]]);
      // No third party's header is taken for one about it.
      for (const windowMs of [1_000, 10_000, 60_000, 3_600_000])
        expect(matchQuota(charges, { remaining: 5, max: 10, windowMs, resetAfterMs: 900 })).toBeUndefined();
    }
  });

  it('may have no limit of that name', () => {
    const taken = window('unlimited', { by: ['app'], max: 1, perMs: minutes(1) });
    expect(limitMistakes(taken, [])).toEqual([
      'limit "unlimited": the name is kept for calls that no limit applies to',
    ]);
  });
});
