/** Where an alert leads: to the one that it is about, or to the list of all that it is about. */
import { describe, expect, it } from 'vitest';
import type { Alert, AlertKind } from '../../../client/index.ts';
import { linksBelow } from '../../../dashboard/link.ts';
import { placeOf } from '../../../dashboard/views/details/alert.ts';

function placeFor(kind: AlertKind, subject: string, details: Alert['details']): string {
  const times = { firedAt: '2026-01-01T00:00:00Z', clearedAt: null };
  return placeOf(linksBelow('/ops'), { id: '', kind, subject, details, tenant: null, text: '', ...times }).text;
}

describe('an alert leads', () => {
  it('to the account that it is about', () => {
    expect(placeFor('stale', 'net/a/1', { sync: 'net', provider: 'social', account: 'a/1' })).toBe(
      'net of <a href="/ops/accounts/a%2F1">a/1</a>',
    );
    expect(placeFor('needs-reconnect', 'social/ann', { provider: 'social', account: 'ann' })).toBe(
      'social of <a href="/ops/accounts/ann">ann</a>',
    );
  });

  it('to the limit that it is about, also to one that was paused by a pattern', () => {
    expect(placeFor('blocked', 'social/app/x', { reason: '429', waiting: 3 })).toContain(
      '"/ops/limits/social%2Fapp%2Fx"',
    );
    expect(placeFor('blocked', 'social/*', { reason: 'a test', waiting: 0 })).toContain('"/ops/limits/social%2F*"');
  });

  it('to the list of all that have it together', () => {
    expect(placeFor('blocked', 'social/app/*', { keys: 40 })).toContain('"/ops/limits?prefix=social%2Fapp%2F"');
    expect(placeFor('stale', 'net/*', { sync: 'net', provider: 'social', stale: 40 })).toContain(
      '"/ops/runs?sync=net"',
    );
    expect(placeFor('flaws', 'net', { runs: 3, lists: 9, flawed: 4 })).toContain('"/ops/runs?sync=net"');
    expect(placeFor('needs-reconnect', 'social/*', { provider: 'social', count: 40 })).toContain(
      '"/ops/accounts?status=needs_reconnect&amp;provider=social"',
    );
  });

  it('nowhere where no view is about it', () => {
    expect(placeFor('unserved', 'queue-1', {})).toBe('queue-1');
    expect(placeFor('provider-fails', 'social/app/*', { reason: 'x', probes: 1 })).toBe('social/app/*');
  });
});
