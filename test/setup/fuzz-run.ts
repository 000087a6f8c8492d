/**
 * One round of fuzzing: a tree of lists whose every answer is drawn from a seed (status, headers, body, timing), against
 * real servers. Used by `test/temporal/faults/fuzz.test.ts` and `scripts/fuzz.ts`.
 */
import { z } from 'zod';
import type { NodeProgress } from '../../contracts/run.ts';
import { defineProvider, defineSync, get, learned, noAuth, window } from '../../providers/index.ts';
import { hostileKinds, startFakeApi, type ScriptedAnswer, type ScriptStep } from '../../testing/index.ts';
import { pick, seededRandom, type Random } from '../../testing/fake-api/random.ts';
import type { Sluice } from '../../client/index.ts';
import type { Pool } from '../../db/index.ts';

export interface FuzzSync {
  readonly sync: ReturnType<typeof defineFuzzSync>;
  readonly setUrl: (url: string) => void;
}

export interface FuzzRound {
  readonly seed: number;
  readonly state: string;
  readonly rows: number;
  readonly calls: number;
  /** What went wrong with us, not with the third party; empty when all is well. */
  readonly mistakes: readonly string[];
}

const statuses = [
  200, 200, 200, 201, 202, 204, 206, 207, 226, 299, 300, 301, 303, 304, 307, 308, 399, 400, 402, 404, 405, 406, 408, 409,
  410, 413, 414, 418, 421, 422, 423, 425, 429, 431, 451, 498, 499, 500, 501, 502, 503, 504, 507, 511, 520, 529, 599, 700, 999,
]; // prettier-ignore
const bodies: readonly unknown[] = [
  '', 'null', '{}', '[]', '0', '"text"', 'true', '{"items":null}', '{"items":{}}', '{"items":[null]}', '{"items":[{}]}',
  '{"items":[{"id":1}]}', '{"items":[{"id":""}]}', '{"items":[{"id":"\\u0000"}]}', '{"items":[{"id":"\\ud800"}]}',
  '{"items":[],"next":""}', '{"items":[],"next":"again"}', '{"items":[{"id":"x"}],"next":"again"}', '{"items":[', 'NaN',
  '<html><body>oops</body></html>', '{"error":{"code":190}}', '{"__proto__":{"items":[]}}', `{"items":[{"id":"${'y'.repeat(5_000)}"}]}`,
  '\ufeff{"items":[]}', '{"items":[{"id":"a"},{"id":"a"}]}', '{"items":[],"next":null,"total":-1}',
]; // prettier-ignore
const headers: readonly Readonly<Record<string, string>>[] = [
  {}, {}, {}, { 'retry-after': '1' }, { 'retry-after': '-5' }, { 'retry-after': 'soon' }, { 'retry-after': 'Wed, 21 Oct 2015 07:28:00 GMT' },
  { 'x-ratelimit-remaining': '0', 'x-ratelimit-reset': '1' }, { 'x-ratelimit-remaining': 'NaN', 'x-ratelimit-limit': '0' },
  { ratelimit: '"a";r=0;t=1', 'ratelimit-policy': '"a";q=1;w=1' }, { ratelimit: ';;;=,' }, { 'content-type': 'image/png' },
  { location: 'http://[broken' }, { location: '/.fake/loop/1' }, { link: '<>; rel=next' }, { date: 'yesterday' }, { 'content-encoding': 'br' },
]; // prettier-ignore
const PARENTS = 12;
// These take seconds each, and a hostile test of their own goes through them.
const kinds = hostileKinds.filter((kind) => !['gzip-bomb', 'endless-body', 'huge-body'].includes(kind));

/** A sync with a provider of its own, so that a round that is over holds up no later one. */
export function defineFuzzSync(name: string, url: () => string) {
  const provider = defineProvider({
    id: name,
    baseUrl: url,
    auth: noAuth(),
    limits: [
      window('app', { by: ['app'], max: 1_000, perMs: 1_000 }),
      learned('account', { by: ['account'], startPerSecond: 200 }),
    ],
    timeouts: { connectMs: 300, headersMs: 300, bodyMs: 300, totalMs: 600 },
    maxBodyBytes: 256 * 1024,
    maxAttempts: 4,
  });
  const Page = z.object({ items: z.array(z.object({ id: z.string() })), next: z.string().nullish() });
  const list = (endpoint: string, path: (id: string) => string) =>
    provider.endpoint(endpoint, {
      input: z.object({ id: z.string() }),
      response: Page,
      request: ({ id }, page) => get(path(encodeURIComponent(id)), { cursor: page.cursor, limit: page.size }),
      paginate: {
        kind: 'cursor',
        items: (page: z.output<typeof Page>) => page.items,
        next: (page: z.output<typeof Page>) => page.next,
        pageSize: { start: 5, min: 2 },
        maxPages: 20,
      },
    });
  const parents = list('parents', () => '/parents');
  const children = list('children', (id) => `/parents/${id}/children`);
  return defineSync(name, { provider, input: z.object({}) }, (s) => {
    const top = s.one(parents, { input: () => ({ id: '' }), key: ({ id }) => id });
    return { top, below: s.each(top, children, { input: ({ id }) => ({ id }), key: ({ id }) => id, window: 5 }) };
  });
}

/** Plays one seed. The same seed draws the same answers in the same order of calls. */
export async function fuzzRound(
  world: { readonly sluice: Sluice; readonly pool: Pool },
  { sync, setUrl }: FuzzSync,
  seed: number,
): Promise<FuzzRound> {
  const random = seededRandom(seed);
  const api = await startFakeApi({ seed, dripMs: 10 });
  setUrl(api.url);
  const mistakes: string[] = [];
  try {
    api.list('/parents', { count: PARENTS, itemAt: (_, i) => ({ id: `p${i}` }) });
    api.list('/parents/:id/children', { count: 8, itemAt: ({ id }, i) => ({ id: `${id}-c${i}` }) });
    const badShare = 0.1 + random() * 0.6;
    const draw = (): ScriptStep => (random() < badShare ? badStep(random) : 'ok');
    // Answers that change from call to call, and in every other seed one answer for each list, however often it is asked for.
    if (seed % 2 === 0) api.script('/*', ['ok', ...Array.from({ length: 400 }, draw)]);
    else
      for (let parent = 0; parent < PARENTS; parent++)
        api.script(`/parents/p${parent}/children`, [draw()], { repeats: true });
    const run = await world.sluice.start(sync, { account: `seed-${seed}`, input: {}, deadline: 12_000 });
    const late = new Promise<'late'>((resolve) => setTimeout(() => resolve('late'), 40_000).unref());
    const result = await Promise.race([run.result(), late]);
    const progress = await run.progress();
    if (result === 'late') mistakes.push(`not over 28 s after its deadline: ${JSON.stringify(progress)}`);
    if (!('runId' in progress)) return { seed, state: progress.state, rows: 0, calls: 0, mistakes: ['no progress'] };
    const { rows: open } = await world.pool.query<{ state: string; end_kind: string | null; reason: string | null }>(
      `select state, end_kind, reason from sluice.unit where run_id = $1
         and (state in ('waiting', 'running') or end_kind is null or (end_kind <> 'complete' and coalesce(reason, '') = ''))`,
      [progress.runId],
    );
    if (open.length > 0) mistakes.push(`lists without a typed end: ${JSON.stringify(open.slice(0, 3))}`);
    if (progress.state === 'failed' && !progress.error) mistakes.push('failed without a reason');
    const { nodes } = progress;
    const sum = (pickOf: (node: NodeProgress) => number) => nodes.reduce((total, node) => total + pickOf(node), 0);
    return { seed, state: progress.state, rows: sum((n) => n.rows), calls: sum((n) => n.calls), mistakes };
  } finally {
    await api.stop();
  }
}

function badStep(random: Random): ScriptStep {
  if (random() < 0.4) return pick(random, kinds);
  const answer: ScriptedAnswer = {
    status: pick(random, statuses),
    headers: pick(random, headers),
    body: pick(random, bodies),
    ...(random() < 0.1 ? { delayMs: Math.floor(random() * 800) } : {}),
  };
  return answer;
}
