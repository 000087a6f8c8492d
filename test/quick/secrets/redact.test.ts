import { describe, expect, it } from 'vitest';
import { redact, secretsOf } from '../../../contracts/secrets/redact.ts';
import { isSecretName } from '../../../contracts/secrets/secret-names.ts';

describe('text for people', () => {
  it.each([
    'Invalid access token: expired',
    'access token: expired yesterday, token validation failed',
    'The token 2026-11-01T10:40:00.000Z has expired',
    'Basic authentication required; Bearer authorization missing',
    'Unexpected token \'<\', "<!DOCTYPE "... is not valid JSON',
    'expected token: string, got number',
    'grant failed: error=invalid_grant&token=expired',
    'password: incorrect',
    'nextPageToken=abcdef123456 and page token: abcdef123456',
    'token_type=bearer, expires_in=3600, token: v1.2.3',
    'HTTP 401: {"error":{"message":"Session has expired","type":"OAuthException","code":190}}',
    'session: 10:40:00.000Z',
    'HTTP 409: {"error":{"code":"already_exists","message":"name is taken"}}',
    'HTTP 400: {"code":"AADSTS70008","key":"title"}, {"code"=>"rate_limited"}',
  ])('stays as it is where no secret is in it: %s', (text) => expect(redact(text)).toBe(text));

  it.each([
    ['access token: abc123def456 has expired', 'access token: [removed] has expired'],
    ['Authorization: Bearer abcdefgh12345, sent', 'Authorization: Bearer [removed], sent'],
    ['Authorization: Basic dXNlcjpwYXNz', 'Authorization: Basic [removed]'],
    ['bad Bearer abcdefgh12345678.', 'bad Bearer [removed].'],
    ['https://ann:pw@host/x?access_token=at_12345678&next=2', 'https://[removed]@host/x?access_token=[removed]&next=2'],
    ['postgresql://postgres:secret@localhost:5432/x', 'postgresql://[removed]@localhost:5432/x'],
    ['{"access_token":"at_123456","expires_in":3600}', '{"access_token":"[removed]","expires_in":3600}'],
    ['{\\"password\\":\\"hunter2\\"}', '{\\"password\\":\\"[removed]\\"}'],
    ['password=correcthorse', 'password=[removed]'],
    ['{"code":"SplxlOBeZQQYbYS6WxSbIA"} of ?code=Splxl0BeZQQ', '{"code":"[removed]"} of ?code=[removed]'],
    ['back to %3Faccess_token%3Dat_99887766 please', 'back to %3Faccess_token%3D[removed] please'],
    ['x-api-key: k1234567', 'x-api-key: [removed]'],
    ['eyJhbGciOiJIUzI1NiJ9.eyJzdWIiOiIxMjM0NTY3ODkwIn0.dozjgNryP4J3!', '[removed]!'],
    ['-----BEGIN PRIVATE KEY-----\nMIIE\n-----END PRIVATE KEY----- is bad', '[removed] is bad'],
  ])('loses what looks like a secret, and no word beside it: %s', (text, clean) => {
    expect(redact(text)).toBe(clean);
    expect(redact(clean)).toBe(clean);
  });

  it('loses what is known to be one', () => {
    const known = secretsOf({ username: 'ann', password: 'changeme', accessToken: 'at-0123456789' });
    expect(redact('ann: changeme and at-0123456789 are wrong', known)).toBe('ann: [removed] and [removed] are wrong');
  });

  it('is cleaned in time that grows with its length', () => {
    const timeOf = (text: string): number => {
      const times = [1, 2, 3].map(() => {
        const before = process.cpuUsage();
        redact(text);
        const { user, system } = process.cpuUsage(before);
        return user + system;
      });
      return Math.min(...times);
    };
    for (const piece of [
      'a.a.',
      '-eyJ',
      'eyJaaaaaaaa.',
      '://a:',
      'a@',
      'token=',
      'token: ',
      '<',
      '\\"',
      '%25',
      'Bearer ',
      '-----BEGIN ',
      '=',
      ':',
    ]) {
      const small = piece.repeat(Math.ceil(15_000 / piece.length));
      timeOf(small);
      expect(timeOf(small.repeat(8)) / Math.max(timeOf(small), 2_000), piece).toBeLessThan(30);
    }
  });
});

describe('names', () => {
  it.each([
    'access_token',
    'refreshToken',
    'x-api-key',
    'client_secret',
    'Authorization',
    'set-cookie',
    'passwd',
    'backend_token',
  ])('%s is of a secret', (name) => expect(isSecretName(name)).toBe(true));
  it.each(['nextPageToken', 'page_token', 'token_type', 'id', 'code', 'next', 'syncToken', 'tokenUrl'])(
    '%s is not',
    (name) => expect(isSecretName(name)).toBe(false),
  );
  it('in queries and forms also mean codes', () => expect(isSecretName('code', true)).toBe(true));
});
