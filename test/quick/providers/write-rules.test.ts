import { readFileSync } from 'node:fs';
import { describe, expect, it } from 'vitest';
import { z } from 'zod';
import type { Answer, TransportErrorCode } from '../../../contracts/answers/answer.ts';
import type { OutcomeKind } from '../../../contracts/answers/outcome.ts';
import { redact, secretsOf } from '../../../contracts/secrets/redact.ts';
import { idempotencyKeyOf } from '../../../db/stores/action/action-store.ts';
import {
  accept,
  bodyField,
  defineProvider,
  emptyList,
  limited,
  noAuth,
  permanent,
  post,
  refreshAuth,
  retry,
  rules,
  shrinkPage,
  skip,
  status,
  suspectAuth,
  when,
  window,
  type Rule,
} from '../../../providers/index.ts';
import { recordKey } from '../../../providers/bluesky/create-post.ts';
import * as workflows from '../../../workflows/index.ts';

const answer = (code: number, text = '{}', error?: TransportErrorCode, isUnsent = false): Answer => ({
  status: code,
  headers: {},
  text,
  elapsedMs: 1,
  ...(error ? { error: { code: error, message: error, ...(isUnsent ? { isUnsent } : {}) } } : {}),
});

describe('what an answer to a write means', () => {
  const provider = defineProvider({
    id: 'p',
    baseUrl: 'https://p.example',
    auth: noAuth(),
    limits: [window('app', { by: ['app'], max: 1, perMs: 1_000 })],
    // As written for reads.
    classify: rules([when(status(502, 504), retry())]),
  });
  const common = { input: z.object({}), output: z.unknown(), request: () => post('/x') };
  const { definition: plain } = provider.action('plain', common);
  const { definition: keyed } = provider.action('keyed', { ...common, idempotent: true });
  const { definition: told } = provider.action('told', {
    ...common,
    classify: rules([when(status(302, 408, 500, 503), retry())]),
  });

  const table: readonly (readonly [string, Answer, OutcomeKind])[] = [
    ['200', answer(200), 'ok'],
    ['201', answer(201), 'ok'],
    ['204 without a body', answer(204, ''), 'ok'],
    ['200 with a page of HTML', answer(200, '<html>'), 'unknown-write'],
    ['201 with a page about what was created', answer(201, '<html>'), 'ok'],
    ['201 whose page broke off', answer(201, '<html>', 'truncated-body'), 'unknown-write'],
    ['200 around words of a limit', answer(200, '{"ok":false,"error":"rate_limited"}'), 'unknown-write'],
    ['200 around a dead token', answer(200, '{"ok":false,"error":"token_expired"}'), 'unknown-write'],
    ['400', answer(400), 'permanent'],
    ['400 with a dead token', answer(400, '{"error":"invalid_token"}'), 'refresh-auth'],
    ['401', answer(401), 'refresh-auth'],
    ['403', answer(403), 'permanent'],
    ['404', answer(404), 'permanent'],
    ['a redirect, which may follow what is done', answer(303), 'unknown-write'],
    ['another redirect', answer(307), 'unknown-write'],
    ['408, also of a proxy that had sent it on', answer(408), 'unknown-write'],
    ['425, which says that it was not tried', answer(425), 'retry'],
    ['409', answer(409), 'permanent'],
    ['413', answer(413), 'permanent'],
    ['429', answer(429), 'limited'],
    ['429 whose body broke off', answer(429, '{', 'truncated-body'), 'limited'],
    ['500', answer(500), 'unknown-write'],
    ['502, although a rule for reads says retry', answer(502), 'unknown-write'],
    ['503, also of a proxy that had sent it on', answer(503), 'unknown-write'],
    [
      '503 with a time, which is no promise either',
      { ...answer(503), headers: { 'retry-after': '1' } },
      'unknown-write',
    ],
    ['504', answer(504), 'unknown-write'],
    ['no name', answer(0, '', 'dns'), 'retry'],
    ['no connection', answer(0, '', 'connection-refused'), 'retry'],
    ['no connection in time', answer(0, '', 'connect-timeout'), 'retry'],
    ['a bad certificate', answer(0, '', 'tls'), 'permanent'],
    ['a reset', answer(0, '', 'connection-reset'), 'unknown-write'],
    ['an unreachable host', answer(0, '', 'other', true), 'retry'],
    ['a host that has become unreachable', answer(0, '', 'other'), 'unknown-write'],
    ['an address that is not to be called', answer(0, '', 'private-address', true), 'permanent'],
    ['silence', answer(0, '', 'headers-timeout'), 'unknown-write'],
    ['a ceiling', answer(0, '', 'total-timeout'), 'unknown-write'],
    ['half a body', answer(200, '{', 'truncated-body'), 'unknown-write'],
    ['a body that is too large', answer(200, '{', 'body-too-large'), 'unknown-write'],
  ];
  for (const [what, given, kind] of table) {
    it(`${what} is ${kind}`, () => {
      expect(plain.decide(given).kind).toBe(kind);
    });
  }

  it('believes a rule of the action itself; where keys are honoured, 409 says that one with this key is there', () => {
    for (const code of [302, 408, 500, 503]) expect(told.decide(answer(code)).kind).toBe('retry');
    expect(keyed.decide(answer(409)).kind).toBe('unknown-write');
  });
});

describe('a write of a provider whose rules were written for reads', () => {
  const decided = (rule: Rule, given: Answer) =>
    defineProvider({
      id: 'p',
      baseUrl: 'https://p.example',
      auth: noAuth(),
      limits: [],
      classify: rules([rule]),
    })
      .action('write', { input: z.object({}), output: z.unknown(), request: () => post('/x') })
      .definition.decide(given).kind;
  const empty = answer(200, '{"data":[]}');

  it.each<[what: string, rule: Rule, given: Answer]>([
    ['a limit under 503', when(status(429, 503), limited()), answer(503)],
    ['what can be skipped under 500', when(status(500), skip()), answer(500)],
    ['a smaller page under 504', when(status(504), shrinkPage()), answer(504)],
    ['what no retry mends under 502', when(status(502), permanent('bug')), answer(502)],
    ['what no retry mends in a redirect', when(status(302), permanent('auth')), answer(302)],
    ['a limit where the connection broke', when(() => true, limited()), answer(0, '', 'connection-reset')],
    ['a token where the connection broke', when(() => true, refreshAuth()), answer(0, '', 'connection-reset')],
    ['a token that may be dead, by an empty list', when(emptyList('data'), suspectAuth()), empty],
    ['what is not ready yet', when(bodyField('status', 'pending'), retry()), answer(200, '{"status":"pending"}')],
    ['an internal error under 200', when(bodyField('ok', false), retry()), answer(200, '{"ok":false}')],
  ])('is of unknown fate where they speak of %s', (_, rule, given) => {
    expect(decided(rule, given)).toBe('unknown-write');
  });

  it('is what they say where they speak of a refusal', () => {
    const token = when(bodyField('error', 'token_expired'), refreshAuth());
    expect(decided(when(status(423), retry()), answer(423))).toBe('retry');
    expect(decided(when(bodyField('error', 'slow_down'), limited()), answer(200, '{"error":"slow_down"}'))).toBe(
      'limited',
    );
    expect(decided(token, answer(200, '{"error":"token_expired"}'))).toBe('refresh-auth');
    expect(decided(when(status(302), refreshAuth()), answer(302))).toBe('refresh-auth');
    expect(decided(when(bodyField('ok', false), permanent('bug')), answer(200, '{"ok":false}'))).toBe('permanent');
    expect(decided(when(bodyField('ok', false), skip()), answer(200, '{"ok":false}'))).toBe('skip');
    expect(decided(when(status(303), accept()), answer(303))).toBe('ok');
  });
});

describe('keys and secrets', () => {
  it('makes the same UUID from the same workflow id, and another from another', () => {
    const key = idempotencyKeyOf('action/p/x/a/1');
    expect(key).toMatch(/^[0-9a-f]{8}-[0-9a-f]{4}-8[0-9a-f]{3}-[89ab][0-9a-f]{3}-[0-9a-f]{12}$/);
    expect(idempotencyKeyOf('action/p/x/a/1')).toBe(key);
    expect(idempotencyKeyOf('action/p/x/a/2')).not.toBe(key);
  });

  it('makes record keys that Bluesky takes, in the order of time', () => {
    const context = { idempotencyKey: idempotencyKeyOf('x'), account: 'a', tenant: 'a', settings: undefined };
    const keys = ['2026-01-01T00:00:00.000Z', '2026-01-01T00:00:00.001Z', '2027-01-01T00:00:00.000Z'].map((at) =>
      recordKey({ ...context, acceptedAt: at }),
    );
    for (const key of keys) expect(key).toMatch(/^[234567abcdefghij][234567abcdefghijklmnopqrstuvwxyz]{12}$/);
    expect(keys.toSorted()).toEqual(keys);
  });

  it('takes known secrets and whatever looks like one out of text', () => {
    const secrets = secretsOf({ accessToken: 'abc/def+123', username: 'u', password: 'hunter22' });
    const text = [
      'abc/def+123',
      encodeURIComponent('abc/def+123'),
      Buffer.from('u:hunter22').toString('base64'),
      'Authorization: Bearer zzzzzzzzzzzz',
      'postgresql://me:pa55word@db/x',
      '{"access_token":"qwertyuiop"}',
      'refresh_token=qwertyuiop&x=1',
      'eyJhbGciOiJIUzI1.eyJzdWIiOiIxMjM0.c2lnbmF0dXJl',
    ].join('\n');
    const clean = redact(text, secrets);
    for (const secret of ['abc/def', 'hunter', 'zzzzzz', 'pa55', 'qwerty', 'eyJ', 'dTpodW50'])
      expect(clean).not.toContain(secret);
    expect(clean).toContain('x=1');
    expect(redact('HTTP 404: no such user "tokenring"')).toBe('HTTP 404: no such user "tokenring"');
  });
});

describe('workflows', () => {
  it('are all written up by a report', () => {
    // Nobody asks for a canary; the runs of a fleet have their reports from before it (open-fleet.sql), and end them themselves.
    const { sync, canary: _, fleet: __, ...fromOutside } = workflows;
    // A sync under another id only starts the one that has a report.
    expect(String(sync)).toContain('workflowId === runs) return run(input)');
    const index = readFileSync('workflows/index.ts', 'utf8');
    expect(index).toMatch(/sync = onePerAccount\(\s*reported\(\s*runSync,/);
    // What goes through `reported` is the function that it returns, not the interpreter itself.
    for (const workflow of Object.values(fromOutside)) expect(String(workflow)).toContain('steps.endReport');
  });
});
