/**
 * Whatever looks at outside text takes time that grows with its length, or looks at so many characters and no more. Measured is how
 * the processor's time grows from one length to eight times as much: a quadratic pattern would take 64 times as long.
 */
import { describe, expect, it } from 'vitest';
import { canonicalText } from '../../../contracts/secrets/canonical-text.ts';
import { createSecretFinder } from '../../../contracts/secrets/secret-finder.ts';
import { cleanText } from '../../../contracts/values/clean-text.ts';
import { parseJson } from '../../../contracts/values/json-text.ts';
import { redact } from '../../../contracts/secrets/redact.ts';
import { retryAfterMs } from '../../../contracts/values/reset-time.ts';
import { isSecretName, secretsInHeader } from '../../../contracts/secrets/secret-names.ts';
import { parseQuotaHeaders } from '../../../limiter/index.ts';
import { body, describe as described, header, rules, retry, when } from '../../../providers/rules/rules.ts';
import { defaultOutcome } from '../../../providers/rules/default-rules.ts';
import { defaultRefreshAnswer } from '../../../providers/auth/refresh.ts';

const LENGTH = 20_000;
const TIMES = 8;
/** Linear is 8; what is below the first length's noise counts for nothing. */
const MOST_TIMES = 28;
const NOISE_MS = 3;

const answer = (text: string, headers = {}) => ({ status: 418, headers, text, elapsedMs: 1 });
const finder = createSecretFinder(['at/0123456789+abcdef==', 'hunter2']);

const lookers: Readonly<Record<string, (text: string) => unknown>> = {
  'a reason': (text) => described(answer(text)),
  'the rules of HTTP': (text) => defaultOutcome(answer(text)),
  'the rules of HTTP, at a success': (text) => defaultOutcome({ ...answer(text), status: 200 }),
  'the rules of a refresh': (text) => defaultRefreshAnswer({ ...answer(text), status: 400 }),
  redaction: (text) => redact(text),
  'known secrets': (text) => finder.find(text),
  'known secrets in a sentence': (text) => finder.find(text, true),
  'spellings undone': (text) => canonicalText(text).text,
  JSON: (text) => parsed(text),
  'JSON in a text': (text) => parsed(`{"a":${JSON.stringify(text)}}`),
  'clean text': (text) => cleanText(text, 300),
  'quota headers': (text) =>
    parseQuotaHeaders(
      { ratelimit: text, 'ratelimit-policy': text, 'x-ratelimit-limit': text, 'retry-after': text, date: text },
      0,
    ),
  'a wait': (text) => retryAfterMs(text, 0),
  'names of secrets': (text) => isSecretName(text, true),
  'headers of ours': (text) => secretsInHeader('authorization', text),
};
const pieces = ['<', ' ', '\n', 'a.', '-eyJ', '%25', '\\u0041', '\\', '&#', '"', '\\"', '1', '1,', ',', ';a=', ';', '://a:', '@', '=', 'token=', 'Bearer ', '[', '{"a":', 'aA', '-', '.', '😀', '\0']; // prettier-ignore

function parsed(text: string): unknown {
  try {
    return parseJson(text);
  } catch {
    return undefined; // no JSON
  }
}

/** The least of some runs, in milliseconds of the processor. */
function costMs(look: (text: string) => unknown, text: string): number {
  let least = Number.POSITIVE_INFINITY;
  for (let run = 0; run < 3; run++) {
    const before = process.cpuUsage();
    look(text);
    const { user, system } = process.cpuUsage(before);
    least = Math.min(least, (user + system) / 1_000);
    if (least > 1_000) break;
  }
  return least;
}

describe('outside text', () => {
  it.each(Object.entries(lookers))('is looked at in time that grows with its length: %s', (_, look) => {
    const tooSlow: string[] = [];
    for (const piece of pieces) {
      const text = piece.repeat(Math.ceil(LENGTH / piece.length));
      const [short, long] = [costMs(look, text), costMs(look, text.repeat(TIMES))];
      if (long > MOST_TIMES * Math.max(short, NOISE_MS / TIMES) && long > NOISE_MS * TIMES)
        tooSlow.push(`${JSON.stringify(piece)}: ${short.toFixed(1)} ms, then ${long.toFixed(1)} ms`);
    }
    expect(tooSlow).toEqual([]);
  });

  it('is measured so that a quadratic pattern is seen', () => {
    const quadratic = (text: string) => /<[^>]*>/.test(text);
    const shorter = '<'.repeat(2_500);
    const [short, long] = [costMs(quadratic, shorter), costMs(quadratic, shorter.repeat(TIMES))];
    expect(long).toBeGreaterThan(MOST_TIMES * Math.max(short, NOISE_MS / TIMES));
  });

  it('is given to patterns of an app in its first part only', () => {
    const late = rules([when(body(/aab/), retry()), when(header('x-odd', /aab/), retry())]);
    const seen = (before: number) => late(answer(`${'c'.repeat(before)}aab`, { 'x-odd': `${'c'.repeat(5_000)}aab` }));
    expect(seen(30_000)).toBeDefined();
    expect(seen(40_000)).toBeUndefined();
  });
});
