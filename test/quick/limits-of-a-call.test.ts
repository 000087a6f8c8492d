import { describe, expect, it } from 'vitest';
import { hours, learned, minutes, window } from '../../providers/index.ts';
import { chargesFor } from '../../providers/limits.ts';

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
});
