/**
 * A request as auth gets to see it, for tests that ask an auth by itself. Used by: test/quick.
 */
import type { UnsignedRequest } from '../../providers/auth/auth.ts';

export const ACCOUNT = { account: 'a', tenant: 'a', settings: undefined };
/** What the `parse` of a refresh is told beside the answer. */
export const OF_REFRESH = { ...ACCOUNT, credentials: {} };

export function unsigned(more: Partial<UnsignedRequest> = {}): UnsignedRequest {
  return {
    ...ACCOUNT,
    method: 'GET',
    url: new URL('https://api.example/'),
    headers: {},
    body: undefined,
    now: new Date('2026-11-01T00:00:00Z'),
    nonce: '0123456789abcdef0123456789abcdef',
    ...more,
  };
}
