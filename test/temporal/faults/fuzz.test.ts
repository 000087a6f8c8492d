import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { defineFuzzSync, fuzzRound, type FuzzSync } from '../../setup/fuzz-run.ts';
import { isLongForm } from '../../setup/long-form.ts';
import { createWorld, type World } from '../../setup/world.ts';

/** Fixed, so that a failure is the same everywhere; `npm run fuzz` draws others. */
const SEED = 20_260;
const LEAST_ROUNDS = 24;
const [MOST_ROUNDS, LEAST_MS] = isLongForm ? [600, 120_000] : [LEAST_ROUNDS, 0];
const AT_ONCE = 12;

describe('random answers', () => {
  let world: World;
  let syncs: FuzzSync[];

  beforeAll(async () => {
    syncs = Array.from({ length: MOST_ROUNDS }, (_, round) => {
      let at = 'http://127.0.0.1:1';
      const sync = defineFuzzSync(`fuzz-${round}`, () => at);
      return { sync, setUrl: (url: string) => void (at = url) };
    });
    world = await createWorld(syncs.map(({ sync }) => sync));
  });
  afterAll(() => world?.end());

  it('crash no worker and lose no list: every one ends typed, with its reason', async () => {
    const states = new Map<string, number>();
    let rows = 0;
    const startedAt = performance.now();
    const isEnough = (rounds: number) => rounds >= LEAST_ROUNDS && performance.now() - startedAt >= LEAST_MS;
    for (let first = 0; first < MOST_ROUNDS && !isEnough(first); first += AT_ONCE) {
      const rounds = await Promise.all(
        syncs
          .slice(first, first + AT_ONCE)
          .map((sync, at) => fuzzRound({ sluice: world.sluice, pool: world.db.pool }, sync, SEED + first + at)),
      );
      for (const { seed, state, mistakes, rows: stored } of rounds) {
        expect(mistakes, `seed ${seed}`).toEqual([]);
        states.set(state, (states.get(state) ?? 0) + 1);
        rows += stored;
      }
    }
    // It really ran: rows came, and not everything ended in the same way.
    expect(rows).toBeGreaterThan(100);
    expect(states.size).toBeGreaterThan(1);
  }, 300_000);
});
