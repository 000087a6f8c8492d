/** Times as third parties write them, held against the times of tokens. */
import { expect, it } from 'vitest';
import { isSameMoment, momentOf, type Moment } from '../../../providers/pagination/walks/moments.ts';
import { partsOf } from '../../../providers/pagination/walks/token-parts.ts';

const moment = (value: unknown): Moment => {
  const found = momentOf(value);
  if (!found) throw new Error(`${String(value)} is no time`);
  return found;
};
const AT = '2026-01-01T00:00:00.123456Z';
const SECONDS = 1_767_225_600;

it.each<[unknown, string, boolean]>([
  [AT, AT, true],
  [AT, '2026-01-01T01:00:00.123+01:00', true],
  [AT, '2026-01-01 00:00:00.123', true],
  [AT, '2026-01-01T00:00:00Z', true],
  [AT, '2026-01-01', true],
  [AT, `${SECONDS}`, true],
  [AT, `${SECONDS}123`, true],
  [AT, `${SECONDS}.123456`, true],
  [SECONDS, '2026-01-01T00:00:00+0000', true],
  [new Date(AT), `${SECONDS}123`, true],
  [AT, '2026-01-01T00:00:00.123457Z', false],
  [AT, '2026-01-01T00:00:00.000Z', false],
  [AT, '2026-01-02', false],
  [SECONDS, '2026-01-01T00:00:00.123Z', false],
])('%s and %s are the same time: %s', (value, told, isSame) => {
  expect(isSameMoment(moment(value), moment(told))).toBe(isSame);
});

it.each([
  '',
  'x',
  '12',
  '12345678901234567890',
  '2026-01',
  '2026-13-45',
  '2026-01-01|17',
  `${SECONDS}_1`,
  null,
  {},
  true,
  1.5,
])('%s is no time', (value) => expect(momentOf(value)).toBeUndefined());

it.each<[string, { cursor?: string; url?: string } | null, string[]]>([
  ['opaque', null, ['opaque']],
  [AT, null, [AT]],
  [`[${SECONDS},"a"]`, null, [`${SECONDS}`, 'a']],
  [`{"at":${SECONDS},"dir":"next"}`, { cursor: `{"at":${SECONDS - 1},"dir":"next"}` }, [`${SECONDS}`]],
  [
    `/rows?limit=5&sort=at&before=${SECONDS}`,
    { url: `https://x.example/rows?limit=5&sort=at&before=${SECONDS + 9}` },
    [`${SECONDS}`],
  ],
  [`https://x.example/rows?limit=5&at=${SECONDS}&id=7`, null, [`${SECONDS}`, '7']],
  ['{broken', null, ['{broken']],
  ['https://x.example/rows?page=2', null, ['2']],
])('a next page that is named %s, after %o, goes on behind %o', (token, position, parts) => {
  expect(partsOf(token, position, 'https://x.example/rows?limit=5')).toEqual(parts);
});
