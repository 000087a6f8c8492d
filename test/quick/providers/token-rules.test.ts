import { describe, expect, it } from 'vitest';
import type { Answer } from '../../../contracts/answers/answer.ts';
import { social } from '../../../providers/social/provider.ts';
import { tokenErrors, type FakeAnswer } from '../../../testing/index.ts';

const { friends } = social({ baseUrl: 'http://127.0.0.1:1' });

/** As it arrives over the wire. */
const received = ({ status = 200, headers = {}, body }: FakeAnswer): Answer => ({
  status,
  headers: { 'content-type': 'application/json', ...headers },
  text: typeof body === 'string' ? body : JSON.stringify(body),
  elapsedMs: 1,
});
const decide = (answer: FakeAnswer) => friends.decide(received(answer));

describe('the token errors of one network', () => {
  it.each(Object.entries(tokenErrors))('recognise %s as a token to be refreshed', (_, answer) => {
    expect(decide(answer)).toMatchObject({ kind: 'refresh-auth' });
  });

  it('are at least ten, with the statuses 400, 401, 403 and 200', () => {
    const statuses = Object.values(tokenErrors).map(({ status }) => status);
    expect(statuses.length).toBeGreaterThanOrEqual(10);
    expect(new Set(statuses)).toEqual(new Set([400, 401, 403, 498, 200, 302]));
  });

  it('leave a doubt only for the empty list', () => {
    const doubtful = Object.entries(tokenErrors).filter(([, answer]) => {
      const outcome = decide(answer);
      return outcome.kind === 'refresh-auth' && outcome.isDoubt;
    });
    expect(doubtful.map(([name]) => name)).toEqual(['empty-list-200']);
  });

  it.each<[string, FakeAnswer, string]>([
    ['a page with rows', { body: { items: [{ id: 'a' }], next: null } }, 'ok'],
    ['rows that speak of tokens', { body: { items: [{ id: 'token expired' }] } }, 'ok'],
    [
      'a limit in the same envelope',
      { status: 400, body: { error: { code: 17, message: 'User request limit' } } },
      'limited',
    ],
    ['a missing right', { status: 403, body: { code: 'FORBIDDEN', message: 'This user is private' } }, 'permanent'],
    ['a bad parameter', { status: 400, body: { error: { code: 100, message: 'Invalid parameter' } } }, 'permanent'],
    ['an error about something else', { status: 200, body: { ok: false, error: 'channel_not_found' } }, 'retry'],
    ['a server that is down', { status: 503, body: 'token service unavailable' }, 'retry'],
    ['a user who is gone', { status: 404, body: { error: 'no such user' } }, 'permanent'],
    [
      'an HTML page that is no login',
      { headers: { 'content-type': 'text/html' }, body: '<html>502 soon</html>' },
      'retry',
    ],
  ])('are not seen in %s', (_, answer, kind) => {
    expect(decide(answer).kind).toBe(kind);
  });
});
