/**
 * A session that is kept in cookies: what an answer sets, as text of the header `Cookie` of later requests. For one host; paths and domains are
 * not looked at. Pure but for the clock. Called in the `parse` of a login, which `refresh.ts` asks.
 * @see RFC 6265 §5.3
 */
import type { Answer } from '../../contracts/answers/answer.ts';
import { httpDateMs } from '../../contracts/values/reset-time.ts';

/** Several headers come as one, joined by commas, which dates have, too. */
const BETWEEN = /,(?=\s*[^;,=\s]+=)/;

/** @param before text of an earlier call, which this answer adds to, replaces by name, or takes from. */
export function cookies({ headers }: Pick<Answer, 'headers'>, before = ''): string {
  const kept = new Map<string, string>();
  const keep = (pair: string): string => {
    const [name = '', ...value] = pair.split('=');
    if (name.trim() !== '') kept.set(name.trim(), value.join('=').trim());
    return name.trim();
  };
  for (const pair of before.split(';')) keep(pair);
  const nowMs = httpDateMs(headers['date']) ?? Date.now();
  for (const cookie of (headers['set-cookie'] ?? '').split(BETWEEN)) {
    const [pair = '', ...attributes] = cookie.split(';');
    const name = keep(pair);
    if (attributes.some((attribute) => endsIt(attribute, nowMs))) kept.delete(name);
  }
  return [...kept].map(([name, value]) => `${name}=${value}`).join('; ');
}

function endsIt(attribute: string, nowMs: number): boolean {
  const [name = '', value = ''] = attribute.trim().split('=');
  if (/^max-age$/i.test(name)) return Number(value) <= 0;
  // Also in the old form, with dashes. A date that can't be read is none.
  return /^expires$/i.test(name) && Date.parse(value) <= nowMs;
}
