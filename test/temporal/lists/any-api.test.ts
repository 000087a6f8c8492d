/** The lists of `examples/any-api` that no other test runs, as `docs/guides/any-api.md` shows them. */
import { afterAll, beforeAll, expect, it } from 'vitest';
import { z } from 'zod';
import { api as provider, byScroll } from '../../../examples/any-api/lists.ts';
import { defineSync } from '../../../providers/index.ts';
import { startFakeApi, startSimulator, type FakeApi, type Simulator } from '../../../testing/index.ts';

const scroll = defineSync('scroll', { provider, input: z.object({}) }, (s) => ({
  hits: s.one(byScroll, { input: () => ({}), key: (hit) => hit.id }),
}));
const credentials = { accessToken: 'token-of-a-test' };

let api: FakeApi;
let simulator: Simulator;
beforeAll(async () => {
  [api, simulator] = await Promise.all([startFakeApi(), startSimulator()]);
});
afterAll(async () => {
  await simulator?.stop();
  await api?.stop();
});

/** A scroll of so many hits: the place is kept at the third party, under one id. */
function play(hits: number): void {
  let at = 0;
  api.route('POST', '/scroll', ({ body }) => {
    const { scroll_id, size } = body as { scroll_id?: string; size: number };
    if (scroll_id === undefined) at = 0;
    const page = Array.from({ length: Math.min(size, Math.max(0, hits - at)) }, (_, i) => ({
      id: `h${(at + i) % 300}`,
      updated_at: '2026-01-01T00:00:00Z',
    }));
    at += page.length;
    return { body: { scroll_id: 'DXF1ZXJ5', hits: page } };
  });
}

it('a scroll whose id stays the same is read to its empty page, and one that never ends is noticed', async () => {
  play(250);
  const whole = await simulator.run(scroll, { api, input: {}, credentials });
  expect(whole.result).toMatchObject({ state: 'done', complete: true, rows: 250, calls: 4 });
  play(Number.MAX_SAFE_INTEGER);
  const endless = await simulator.run(scroll, { api, input: {}, credentials, account: 'endless' });
  expect(endless.result).toMatchObject({ complete: false, rows: 300, flaws: [{ kind: 'looped' }] });
});
