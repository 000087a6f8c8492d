/** What refusals of known limits mean: the real law in virtual time, and whatever it hears. */
import * as fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { knownClient, type KnownClient } from '../../../bench/learned/known-client.ts';
import { refusedShare, total } from '../../../bench/learned/measure.ts';
import { perSecond, type ServerSpec } from '../../../bench/learned/servers.ts';
import { unlimitedClient } from '../../../bench/learned/unlimited-client.ts';
import { run, type Run } from '../../../bench/learned/world.ts';
import {
  isLimit,
  stepRefusals,
  type RefusalEvent,
  type RefusalOutput,
  type RefusalState,
} from '../../../limiter/refusals/law.ts';

const minute = 60_000;
const nothing: ServerSpec = { kind: 'token', max: 1e6, perMs: 1_000, depth: 1e6 };

function meet(
  limit: { max: number; perMs: number } | undefined,
  server: ServerSpec,
  minutes: number,
  more: { workers?: number; latencyMs?: number; seed?: number } = {},
): { run: Run; client: KnownClient } {
  const { workers = 64, latencyMs = 200, seed = 1 } = more;
  const client = knownClient(limit);
  return { client, run: run({ server, durationMs: minutes * minute, workers, latencyMs, seed }, () => client) };
}

describe('refusals that come now and then, whatever the rate', () => {
  it.each([1, 2, 3])('do not stop calls that no limit applies to: 2 %% of them, seed %i', (seed) => {
    const serial = { workers: 1, latencyMs: 125, seed };
    const { run, client } = meet(undefined, { ...nothing, sporadic: 0.02 }, 5.5, serial);
    const without = total(meet(undefined, nothing, 5.5, serial).run.accepted, 0, 330);
    expect(without).toBeGreaterThan(2_550);
    expect(total(run.accepted, 0, 330) + total(run.refused, 0, 330)).toBeGreaterThan(0.97 * without);
    // No single one of them is taken for a limit.
    expect(isLimit(client.state()!)).toBe(false);
  });

  it.each<[string, { max: number; perMs: number }]>([
    ['100 in 10 s', { max: 100, perMs: 10_000 }],
    ['600 a minute', { max: 600, perMs: minute }],
  ])('do not lower a window of %s for long that is used up all the time', (_name, limit) => {
    for (const seed of [1, 2, 3]) {
      const { run } = meet(limit, { ...nothing, sporadic: 0.02 }, 20, { seed });
      expect(total(run.accepted, 600, 1_200)).toBeGreaterThan(0.9 * 10 * 600);
    }
  });

  it.each([3, 5, 64])(
    'cost a window hardly anything, whatever part of it is in use when they come: %i workers',
    (workers) => {
      const limit = { max: 125, perMs: 5_000 };
      for (const seed of [1, 2, 3]) {
        const accepted = (sporadic: number): number =>
          total(meet(limit, { ...nothing, sporadic }, 15, { workers, seed }).run.accepted, 60, 900);
        expect(accepted(0.01)).toBeGreaterThan(0.85 * accepted(0));
      }
    },
  );

  it('do not touch a limit that is hardly in use', () => {
    const { client } = meet({ max: 100_000, perMs: minute }, { ...nothing, sporadic: 0.02 }, 10, { workers: 4 });
    expect(client.state()).toMatchObject({ share: 1, isPaced: false });
  });
});

it.each<[ServerSpec['kind'], number, number]>([
  ['fixed', 600, minute],
  ['sliding', 100, 10_000],
  ['sliding', 40, 5_000],
])(
  'a window that was declared five times too large is met with hardly any refusals after a minute: %s, %i in %i ms',
  (kind, max, perMs) => {
    const { run } = meet({ max: 5 * max, perMs }, { kind, max, perMs }, 10);
    expect(refusedShare(run, 120, 600)).toBeLessThan(0.015);
    expect(total(run.accepted, 120, 600)).toBeGreaterThan(0.85 * (max / perMs) * 1_000 * 480);
  },
);

describe('a window that others use, too', () => {
  const half = { share: 0.5, onMs: 1e9, offMs: 0 };
  it.each<[ServerSpec['kind'], number, number, number]>([
    ['fixed', 100, 10_000, 0.03],
    ['sliding', 100, 10_000, 0.045],
    ['fixed', 600, minute, 0.025],
    ['sliding', 600, minute, 0.025],
    ['fixed', 1_000, minute, 0.02],
  ])('is refused far less than when it is given out whole: %s, %i in %i ms', (kind, max, perMs, most) => {
    const server: ServerSpec = { kind, max, perMs, foreign: half };
    let refused = 0;
    for (const seed of [1, 2, 3]) {
      const { run } = meet({ max, perMs }, server, 20, { seed });
      refused += refusedShare(run, 0, 1_200) / 3;
      const left = 0.5 * perSecond(server) * 600;
      expect(total(run.accepted, 600, 1_200)).toBeGreaterThan(0.55 * left);
      expect(total(run.accepted, 600, 1_200)).toBeLessThan(1.4 * left);
    }
    expect(refused).toBeLessThan(most);
  });

  it('is given out whole again when they have gone', () => {
    const server: ServerSpec = { kind: 'fixed', max: 100, perMs: 10_000, foreign: { share: 0.5, onMs: 1e9, offMs: 0 } };
    const { client, run } = meet(
      { max: 100, perMs: 10_000 },
      { ...server, foreign: { share: 0.5, onMs: 8 * minute, offMs: 32 * minute } },
      40,
    );
    // They come after 32 minutes; before that nothing is refused.
    expect(total(run.refused, 0, 32 * 60)).toBe(0);
    expect(client.state()?.share).toBeLessThan(0.8);
    const gone = meet(
      { max: 100, perMs: 10_000 },
      {
        ...server,
        changes: [
          { atMs: 0, factor: 0.5 },
          { atMs: 10 * minute, factor: 1 },
        ],
        foreign: { share: 0, onMs: 1, offMs: 1e9 },
      },
      30,
    );
    expect(total(gone.run.accepted, 25 * 60, 30 * 60)).toBeGreaterThan(0.93 * 10 * 300);
  });
});

describe('a limit that was declared wrong', () => {
  it.each<[string, ServerSpec]>([
    ['half as much', { kind: 'fixed', max: 300, perMs: minute }],
    ['half as much, sliding', { kind: 'sliding', max: 300, perMs: minute }],
    ['a bucket', { kind: 'token', max: 300, perMs: minute }],
  ])('is met with hardly any refusals after a while: %s', (_name, server) => {
    const { run } = meet({ max: 600, perMs: minute }, server, 20);
    expect(refusedShare(run, 600, 1_200)).toBeLessThan(0.005);
    expect(total(run.accepted, 600, 1_200)).toBeGreaterThan(0.9 * 5 * 600);
  });

  it('and has a smaller limit in it is given out evenly: so many at once were too many', () => {
    const server: ServerSpec = { kind: 'token', max: 10, perMs: 1_000, depth: 10 };
    const { run, client } = meet({ max: 5_000, perMs: 60 * minute }, server, 20);
    expect(client.state()).toMatchObject({ share: 1, isPaced: true });
    expect(total(run.refused, 60, 1_200)).toBeLessThan(10);
    expect(total(run.accepted, 600, 1_200)).toBeGreaterThan(0.95 * (5_000 / 3_600) * 600);
  });
});

describe('a limit of a day that has a smaller one in it', () => {
  it.each<[string, ServerSpec]>([
    ['a bucket', { kind: 'token', max: 5, perMs: 1_000, depth: 10 }],
    ['a window', { kind: 'sliding', max: 60, perMs: 20_000 }],
    ['a fixed window', { kind: 'fixed', max: 20, perMs: minute }],
  ])('is given out at most as slowly as that, and hardly refused: %s', (_name, server) => {
    for (const workers of [6, 64]) {
      const { run, client } = meet({ max: 100_000, perMs: 1_440 * minute }, server, 60, { workers });
      expect(client.state()).toMatchObject({ share: 1, isPaced: true });
      expect(total(run.accepted, 600, 3_600)).toBeGreaterThan(0.5 * perSecond(server) * 3_000);
      expect(refusedShare(run, 600, 3_600)).toBeLessThan(0.06);
    }
  });

  it('is given out as soon as there is room where refusals are chance', () => {
    const { run } = meet({ max: 100_000, perMs: 1_440 * minute }, { ...nothing, sporadic: 0.02 }, 20, { workers: 6 });
    expect(total(run.accepted, 0, 1_200)).toBeGreaterThan(0.9 * 5 * 6 * 1_200);
  });
});

it('a third party that refuses most calls to which no limit applies has one', () => {
  for (const server of [
    { kind: 'token', max: 10, perMs: 1_000, depth: 20 },
    { kind: 'fixed', max: 100, perMs: minute },
  ] as const) {
    const { client } = meet(undefined, server, 2);
    expect(isLimit(client.state()!)).toBe(true);
  }
});

describe('a third party that tells how long to wait, while no limit is declared', () => {
  it.each<[ServerSpec['kind'], number, number]>([
    ['sliding', 60, minute],
    ['sliding', 20, 10_000],
    ['fixed', 20, 10_000],
  ])('and refuses several calls together, again and again: there is a limit, %s, %i in %i ms', (kind, max, perMs) => {
    const world = { durationMs: 20 * minute, workers: 6, latencyMs: 300, seed: 1 };
    const server: ServerSpec = { kind, max, perMs, retryAfter: true };
    const alone = run({ ...world, server }, unlimitedClient);
    expect(refusedShare(alone, 120, 1_200)).toBeLessThan(0.06);
    expect(total(alone.accepted, 120, 1_200)).toBeGreaterThan(0.8 * (max / perMs) * 1_000 * 1_080);
    // Others come and go, so its window lets go of single calls and refuses the next ones at once.
    const foreign = { share: 0.3, onMs: 90_000, offMs: 45_000 };
    const shared = run({ ...world, server: { ...server, foreign } }, unlimitedClient);
    expect(refusedShare(shared, 120, 1_200)).toBeLessThan(0.08);
    expect(total(shared.accepted, 120, 1_200)).toBeGreaterThan(0.4 * (max / perMs) * 1_000 * 1_080);
  });

  it.each([1, 2, 3, 4])('is believed where refusals come by chance, also of many calls at once, seed %i', (seed) => {
    const chance: ServerSpec = { kind: 'token', max: 1e6, perMs: 1_000, depth: 1e6, sporadic: 0.02, retryAfter: true };
    for (const workers of [4, 16, 40])
      expect(isLimit(meet(undefined, chance, 20, { workers, seed }).client.state()!)).toBe(false);
  });

  it.each<[ServerSpec['kind'], number, number]>([
    ['token', 5, 1_000],
    ['token', 10, 1_000],
    ['fixed', 20, 1_000],
  ])('and tells it of every tenth call or more: there is a limit, %s, %i in %i ms', (kind, max, perMs) => {
    const server: ServerSpec = { kind, max, perMs, retryAfter: true };
    const world = { server, durationMs: 20 * minute, workers: 6, latencyMs: 200, seed: 1 };
    const served = run(world, unlimitedClient);
    expect(refusedShare(served, 600, 1_200)).toBeLessThan(0.01);
    expect(total(served.accepted, 600, 1_200)).toBeGreaterThan(0.8 * (max / perMs) * 1_000 * 600);
  });

  it('is not believed where most calls are refused all the same', () => {
    const server: ServerSpec = { kind: 'token', max: 10, perMs: 1_000, depth: 20, retryAfter: true };
    expect(isLimit(meet(undefined, server, 2).client.state()!)).toBe(true);
  });
});

describe('single refusals, each of which tells how long to wait', () => {
  /** For five minutes one of `sent` calls is refused each time, and then `more`. */
  const hear = (sent: number, everyMs: number, more: Partial<RefusalEvent> = {}): boolean => {
    const heard = { refused: 1, late: 0, isCounted: false, used: 0, units: 1e9, lengthMs: 1_000, toldMs: 50 };
    let state: RefusalState | undefined;
    let atMs = 0;
    for (; atMs < 5 * minute; atMs += everyMs)
      ({ state } = stepRefusals(state, { ...heard, atMs, isAnswered: true, sent }));
    return isLimit(stepRefusals(state, { ...heard, atMs, isAnswered: true, sent, ...more }).state);
  };

  it.each<[isThere: boolean, why: string, is: () => boolean]>([
    [true, 'every eighth call is refused', () => hear(8, 500)],
    [false, 'hardly any call is', () => hear(12, 500)],
    [false, 'they are few', () => hear(8, 1_000)],
    [false, 'the latest follows another one without an answer', () => hear(8, 500, { isAnswered: false })],
  ])('show a limit: %s, as %s', (isThere, _why, is) => {
    expect(is()).toBe(isThere);
  });
});

it('a limit that shows by refusals in the middle of its window is not taken for what was left of it', () => {
  for (const seed of [1, 2, 3]) {
    const client = unlimitedClient();
    const server: ServerSpec = { kind: 'sliding', max: 600, perMs: minute };
    const { accepted } = run({ server, durationMs: 20 * minute, workers: 40, latencyMs: 300, seed }, () => client);
    expect(client.learned()).toBeDefined();
    expect(total(accepted, 600, 1_200)).toBeGreaterThan(0.7 * 10 * 600);
  }
});

describe('the law of refusals, whatever it hears', () => {
  const event: fc.Arbitrary<Omit<RefusalEvent, 'atMs'> & { afterMs: number }> = fc.record(
    {
      afterMs: fc.oneof(fc.integer({ min: 0, max: 20_000 }), fc.integer({ min: -100_000, max: 4_000_000 })),
      refused: fc.oneof({ weight: 2, arbitrary: fc.constant(0) }, { weight: 1, arbitrary: fc.nat(50) }),
      late: fc.oneof({ weight: 3, arbitrary: fc.constant(0) }, { weight: 1, arbitrary: fc.nat(500) }),
      isAnswered: fc.boolean(),
      toldMs: fc.integer({ min: 0, max: 86_400_000 }),
      isCounted: fc.boolean(),
      used: fc.double({ min: 0, max: 1, noNaN: true }),
      sent: fc.oneof(fc.constant(0), fc.nat(5_000)),
      units: fc.constantFrom(1, 5, 100, 1e9),
      lengthMs: fc.constantFrom(100, 10_000, 3_600_000),
    },
    { requiredKeys: ['afterMs', 'refused', 'late', 'isAnswered', 'isCounted', 'used', 'sent', 'units', 'lengthMs'] },
  );

  it('gives out some and never more than declared, blocks no longer than told or the limit is long, and is the same after JSON', () => {
    fc.assert(
      fc.property(fc.array(event, { minLength: 1, maxLength: 80 }), (list) => {
        let state: RefusalState | undefined;
        let atMs = 1_750_000_000_000;
        for (const { afterMs, ...heard } of list) {
          atMs += afterMs;
          const output: RefusalOutput = stepRefusals(state, { ...heard, atMs });
          const copy = state && (JSON.parse(JSON.stringify(state)) as RefusalState);
          expect(stepRefusals(copy, { ...heard, atMs })).toStrictEqual(output);
          expect(output.state.share).toBeGreaterThan(0);
          expect(output.state.share).toBeLessThanOrEqual(1);
          if (heard.refused === 0) expect(output.blockMs).toBeUndefined();
          // Where it goes on refusing after waits that were told and kept, they are too short.
          else if (heard.toldMs !== undefined && output.state.inARow < 2) expect(output.blockMs).toBe(heard.toldMs);
          else if (heard.toldMs !== undefined) expect(output.blockMs).toBeGreaterThanOrEqual(heard.toldMs);
          else {
            expect(output.blockMs).toBeGreaterThan(60);
            // In a row without an answer between them, it goes on growing.
            const overdueMs = Math.min(900_000, 250 * 2 ** (output.state.inARow - 3));
            expect(output.blockMs).toBeLessThanOrEqual(Math.max(1_000, heard.lengthMs, overdueMs));
          }
          if (output.dueAtMs !== undefined) expect(output.dueAtMs).toBeGreaterThan(atMs);
          const numbers = Object.values(output.state).filter((value) => typeof value === 'number');
          expect(numbers.filter((value) => !Number.isFinite(value))).toStrictEqual([]);
          state = output.state;
        }
      }),
      { numRuns: 300 },
    );
  });

  it('ends the ban of a third party that a call too early makes longer, though nobody says how long it is', () => {
    const second = { refused: 1, late: 0, isCounted: false, used: 0, units: 10, lengthMs: 1_000 };
    let state: RefusalState | undefined;
    let atMs = 0;
    let bannedUntilMs = 0;
    let refusals = 0;
    for (; refusals < 50 && (refusals === 0 || atMs < bannedUntilMs); refusals++) {
      bannedUntilMs = atMs + 90_000;
      const output = stepRefusals(state, { ...second, atMs, isAnswered: refusals === 0, sent: 1 });
      atMs += output.blockMs ?? 0;
      state = output.state;
    }
    expect(refusals).toBeLessThanOrEqual(13);
    expect(atMs).toBeLessThan(400_000);
    // The next refusal, a minute after an answer, is the first one again.
    const answered = stepRefusals(state, { ...second, atMs: atMs + 50, refused: 0, isAnswered: true, sent: 1 });
    expect(stepRefusals(answered.state, { ...second, atMs: atMs + 400_000, isAnswered: true, sent: 9 }).blockMs).toBe(
      250,
    );
  });

  it('waits twice as long after each refusal in a row, and half as long where nearly all were answered in between', () => {
    const heard = { refused: 1, late: 0, isCounted: false, used: 0, units: 100, lengthMs: minute };
    let atMs = 0;
    let state: RefusalState | undefined;
    const next = (isAnswered: boolean, sent: number): number => {
      const output = stepRefusals(state, { ...heard, atMs: (atMs += 1_000), isAnswered, sent });
      state = output.state;
      return output.blockMs ?? 0;
    };
    expect([next(false, 5), next(false, 1), next(false, 1), next(false, 1)]).toEqual([250, 500, 1_000, 2_000]);
    expect([next(true, 50), next(true, 50), next(true, 50), next(true, 50)]).toEqual([250, 125, 62.5, 62.5]);
    expect([next(false, 1), next(false, 1)]).toEqual([125, 250]);
    // Answered, but most were refused: that is no exception.
    expect(next(true, 3)).toBe(500);
  });
});
