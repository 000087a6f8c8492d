/** The rule helpers, as docs/guides/rules.md has them. */
import { describe, expect, it } from 'vitest';
import { z } from 'zod';
import type { Answer } from '../../../contracts/answers/answer.ts';
import type { Outcome } from '../../../contracts/answers/outcome.ts';
import {
  accept,
  anyOf,
  body,
  bodyCode,
  bodyField,
  emptyList,
  endOfData,
  header,
  limited,
  not,
  permanent,
  refreshAuth,
  retry,
  rules,
  shrinkPage,
  skip,
  status,
  suspectAuth,
  unknownWrite,
  when,
  type Decide,
  type Match,
} from '../../../providers/index.ts';

const answer = (code: number, text = '', headers: Record<string, string> = {}): Answer => ({
  status: code,
  headers,
  text,
  elapsedMs: 1,
});
const ok = answer(200, '{"items":[]}');

const matches: readonly (readonly [what: string, match: Match, holds: Answer, holdsNot: Answer])[] = [
  ['status', status(429, 503), answer(503), answer(500)],
  ['body', body(/rate limit/i), answer(200, 'Rate Limit'), ok],
  ['header, there', header('X-Private'), answer(200, '', { 'x-private': '' }), ok],
  ['header, equal', header('x-why', 'limit'), answer(200, '', { 'x-why': 'limit' }), answer(200, '', { 'x-why': 'l' })],
  ['header, pattern', header('x-why', /^l/), answer(200, '', { 'x-why': 'limit' }), answer(200, '', { 'x-why': 'x' })],
  [
    'bodyField',
    bodyField('error.code', 1, 2),
    answer(200, '{"error":{"code":2}}'),
    answer(200, '{"error":{"code":"2"}}'),
  ],
  [
    'bodyField, in a list',
    bodyField('errors.0.code', 32),
    answer(200, '{"errors":[{"code":32}]}'),
    answer(200, '<html>'),
  ],
  [
    'bodyField, of names with dots',
    bodyField('error..tag', 'reset'),
    answer(409, '{"error":{".tag":"reset"}}'),
    answer(409, '{"error":{"tag":"reset"}}'),
  ],
  ['bodyField, @odata.count', bodyField('@odata.count', 0), answer(200, '{"@odata.count":0}'), ok],
  ['bodyCode, error.code', bodyCode(190), answer(400, '{"error":{"code":190}}'), ok],
  ['bodyCode, code', bodyCode(190), answer(400, '{"code":190}'), answer(400, '{"code":191}')],
  ['bodyCode, error', bodyCode('expired'), answer(400, '{"error":"expired"}'), ok],
  ['emptyList', emptyList('data.items'), answer(200, '{"data":{"items":[]}}'), answer(200, '{"data":{"items":[1]}}')],
  ['not', not(status(200)), answer(500), ok],
  ['anyOf', anyOf(status(404), status(410)), answer(410), ok],
];
it.each(matches)('%s holds for what it says and for nothing else', (_, match, holds, holdsNot) => {
  const classify = rules([when(match, accept())]);
  expect(classify(holds)).toEqual({ kind: 'ok' });
  expect(classify(holdsNot)).toBeUndefined();
});

const meanings: readonly (readonly [what: string, decide: Decide, outcome: Partial<Outcome>])[] = [
  ['limited', limited({ limit: 'ip', reason: 'why' }), { kind: 'limited', limit: 'ip', reason: 'why' }],
  ['retry', retry({ afterMs: 5 }), { kind: 'retry', afterMs: 5, reason: 'HTTP 500: down' }],
  ['refreshAuth', refreshAuth(), { kind: 'refresh-auth' }],
  ['suspectAuth', suspectAuth(), { kind: 'refresh-auth', isDoubt: true }],
  ['skip', skip('deleted'), { kind: 'skip', reason: 'deleted' }],
  ['endOfData', endOfData(), { kind: 'end-of-data' }],
  ['shrinkPage', shrinkPage(), { kind: 'shrink-page' }],
  ['permanent', permanent('auth', 'why'), { kind: 'permanent', cause: 'auth', reason: 'why' }],
  ['unknownWrite', unknownWrite(), { kind: 'unknown-write' }],
];
it.each(meanings)('%s means what it says', (_, decide, outcome) => {
  expect(rules([when(decide)])(answer(500, 'down'))).toMatchObject(outcome);
});

it('all matches of a rule must hold, and the first rule that matches decides', () => {
  const classify = rules([
    when(status(429), body(/address/), limited({ limit: 'ip' })),
    when(status(429), limited({ limit: 'token' })),
    when(status(429), skip()),
  ]);
  expect(classify(answer(429, 'too many from this address'))).toMatchObject({ limit: 'ip' });
  expect(classify(answer(429))).toMatchObject({ limit: 'token' });
  expect(classify(answer(200, 'address'))).toBeUndefined();
});

it('reads how long to wait from a body that says with 200 that a limit was hit', () => {
  const Refused = z.object({ retry_in_ms: z.number() });
  const classify = rules([
    when(
      bodyField('status', 'error'),
      bodyField('reason', 'rate_exceeded'),
      limited({ afterMs: (told) => Refused.safeParse(JSON.parse(told.text)).data?.retry_in_ms }),
    ),
  ]);
  const refused = '{"status":"error","reason":"rate_exceeded","retry_in_ms":700}';
  expect(classify(answer(200, refused))).toMatchObject({ kind: 'limited', afterMs: 700 });
  expect(classify(answer(200, '{"status":"error","reason":"rate_exceeded"}'))).not.toHaveProperty('afterMs');
  expect(classify(ok)).toBeUndefined();
});

describe('a rule that could never match', () => {
  it.each<[make: () => unknown, sentence: string]>([
    [() => rules([status(429) as never]), 'rules() takes a list of what when() gives; its entry 0 is none'],
    [() => rules(when(status(429), limited()) as never), 'rules() takes a list'],
    [() => (when as () => unknown)(), 'when() takes matches, and at last what they mean'],
    [() => when(429 as never, limited()), 'when() takes matches, and at last what they mean'],
    [() => status('429' as never), 'status() takes numbers, not ["429"]'],
    [() => body('rate' as never), 'body() takes a pattern, not "rate"'],
    [() => bodyField(''), 'bodyField() takes the path of a field, not an empty text'],
    [() => emptyList(['items'] as never), 'emptyList() takes the path of a field, not ["items"]'],
    [() => limited(500 as never), 'limited() takes { limit, afterMs, reason }'],
    [() => limited({ afterMs: 500 as never }), '`afterMs` a function of the answer'],
    [() => retry({ afterMs: '5s' as never }), '`afterMs` a number of milliseconds'],
    [() => retry({ afterMS: 5 } as never), 'retry(): unknown option `afterMS`; known are afterMs'],
    [() => limited({ limits: 'ip' } as never), 'limited(): unknown option `limits`'],
    [() => permanent('login' as never), 'permanent() takes config, auth, gone, bug, not "login"'],
  ])('is refused with what to write', (make, sentence) => {
    expect(make).toThrow(TypeError);
    expect(make).toThrow(sentence);
  });

  it('is refused where a match stands in the place of its meaning', () => {
    expect(() => rules([when(status(404) as never)])(ok)).toThrow('A rule gave false, which means nothing');
    const meaning = body(/gone/) as unknown as Outcome;
    const classify = rules([when(status(404), meaning)]);
    expect(classify(ok)).toBeUndefined();
    expect(() => classify(answer(404, 'gone'))).toThrow(
      'A rule gave true, which means nothing. Write when(status(404)',
    );
  });
});
