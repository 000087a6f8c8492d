/**
 * The hidden limits of the benchmark. `train` is what the control law was worked on with. `held out` was watched beside it,
 * and three rules were chosen partly by it: the refusal budget, the first step of a climb in a window, and what is counted
 * between two refusals. So it shows what the law does elsewhere, but it is no proof.
 * Next: `bench/learned/measure.ts`.
 */
import { perSecond } from './servers.ts';
import type { ServerSpec } from './servers.ts';
import type { WorldSpec } from './world.ts';

export type Group =
  'static' | 'halved' | 'doubled' | 'fourfold' | 'outage' | 'foreign' | 'partial' | 'late' | 'slow' | 'chance' | 'busy';

export interface Scenario {
  readonly name: string;
  readonly group: Group;
  readonly set: 'train' | 'held out';
  readonly world: Omit<WorldSpec, 'seed'>;
  /** For changes and outages: when, seconds. */
  readonly atS?: number;
}

const second = 1000;
const minute = 60_000;
const hour = 3_600_000;

function label(server: ServerSpec): string {
  if (server.kind === 'token') return `token ${perSecond(server)}/s`;
  const { max, perMs } = server;
  const length =
    perMs % hour === 0 ? `${perMs / hour} h` : perMs % minute === 0 ? `${perMs / minute} min` : `${perMs / 1000} s`;
  return `${server.kind} ${max}/${length}`;
}

/** Long enough for the steady half to hold hundreds of calls and several windows, all of them whole: the oracle uses up a window at once. */
function longEnough(server: ServerSpec): number {
  const windowMs = server.kind === 'token' ? 0 : server.perMs;
  const leastMs = Math.max(20 * minute, 16 * windowMs, 600_000 / perSecond(server));
  return windowMs === 0 ? leastMs : Math.ceil(leastMs / (2 * windowMs)) * 2 * windowMs;
}

function workersFor(server: ServerSpec, latencyMs: number): number {
  return Math.max(64, Math.ceil((3 * perSecond(server) * latencyMs) / 1000));
}

function still(set: Scenario['set'], server: ServerSpec, latencyMs = 200): Scenario {
  const world = { server, latencyMs, workers: workersFor(server, latencyMs), durationMs: longEnough(server) };
  return { name: label(server), group: 'static', set, world };
}

function token(rate: number, depth?: number): ServerSpec {
  return { kind: 'token', max: rate, perMs: second, ...(depth === undefined ? {} : { depth }) };
}

function windows(list: readonly (readonly [max: number, perMs: number])[]): ServerSpec[] {
  return list.flatMap(([max, perMs]) => [
    { kind: 'fixed', max, perMs } as const,
    { kind: 'sliding', max, perMs } as const,
  ]);
}

const trainWindows = windows([
  [15, 15 * minute], [18, 15 * minute], [30, 5 * minute], [30, minute], [120, minute], [600, minute],
  [3000, minute], [12_000, minute], [200, second], [1000, hour],
]); // prettier-ignore
const heldOutWindows = windows([
  [70, 7 * second], [400, 37 * second], [5000, 5 * minute], [36, 30 * minute], [90, 90 * second],
  [2500, 13 * second], [500, 2 * hour], [1100, 11 * minute],
]); // prettier-ignore

/** The limit is `factor` times the first one from `atS` on. */
function changed(set: Scenario['set'], server: ServerSpec, factor: number, atS: number): Scenario {
  const group = factor < 1 ? 'halved' : factor > 2 ? 'fourfold' : 'doubled';
  const world = {
    server: { ...server, changes: [{ atMs: atS * 1000, factor }] },
    latencyMs: 200,
    workers: workersFor({ ...server, max: server.max * factor }, 200),
    durationMs: (atS + 600) * 1000,
  };
  return { name: `${label(server)} ×${factor}`, group, set, world, atS };
}

function outage(set: Scenario['set'], server: ServerSpec): Scenario {
  const atS = 1200;
  const world = {
    server: { ...server, outage: { fromMs: atS * 1000, toMs: (atS + 3600) * 1000 } },
    latencyMs: 200, workers: 64, durationMs: (atS + 3600 + 300) * 1000,
  }; // prettier-ignore
  return { name: `${label(server)}, one hour of 5xx`, group: 'outage', set, world, atS };
}

/** Others take 30 % of the limit for four minutes, then stay away for four. */
function foreign(set: Scenario['set'], server: ServerSpec): Scenario {
  const world = {
    server: { ...server, foreign: { share: 0.3, onMs: 4 * minute, offMs: 4 * minute } },
    latencyMs: 200, workers: workersFor(server, 200), durationMs: 48 * minute,
  }; // prettier-ignore
  return { name: `${label(server)}, others take 30 %`, group: 'foreign', set, world };
}

/** Callers ask for a share of the limit, three minutes each: too much, 60 %, 20 %, and again. */
function partial(set: Scenario['set'], server: ServerSpec, shares = [1.5, 0.6, 0.2]): Scenario {
  const limit = perSecond(server);
  const world = {
    server, latencyMs: 200, workers: workersFor(server, 200) * 4, durationMs: 45 * minute,
    demandPerSecond: (nowMs: number) => limit * (shares[Math.floor(nowMs / (3 * minute)) % shares.length] ?? 1),
  }; // prettier-ignore
  return { name: `${label(server)}, partial demand`, group: 'partial', set, world };
}

/** The same, but the limit is met for the first time after six minutes of less: the hardest case for sliding windows. */
function late(set: Scenario['set'], server: ServerSpec): Scenario {
  const scenario = partial(set, server, [0.6, 0.2, 1.5]);
  return { ...scenario, name: `${label(server)}, met late`, group: 'late' };
}

function slow(set: Scenario['set'], server: ServerSpec): Scenario {
  return { ...still(set, server, 2000), name: `${label(server)}, calls take 2 s`, group: 'slow' };
}

/** This share of the calls is refused whatever their rate. */
function chance(set: Scenario['set'], server: ServerSpec, sporadic: number): Scenario {
  const world = { server: { ...server, sporadic }, latencyMs: 200, workers: workersFor(server, 200), durationMs: 40 * minute }; // prettier-ignore
  return { name: `${label(server)}, ${100 * sporadic} % refused by chance`, group: 'chance', set, world };
}

/** Our machine is busy: an eighth of the time it stands still, up to three seconds at once. */
function busy(set: Scenario['set'], server: ServerSpec): Scenario {
  const scenario = still(set, server);
  return { ...scenario, name: `${label(server)}, a busy machine`, group: 'busy', world: { ...scenario.world, stallMs: 3000 } };
} // prettier-ignore

const fixed600: ServerSpec = { kind: 'fixed', max: 600, perMs: minute };
const sliding600: ServerSpec = { kind: 'sliding', max: 600, perMs: minute };
const fixed444: ServerSpec = { kind: 'fixed', max: 444, perMs: 37 * second };
const sliding444: ServerSpec = { kind: 'sliding', max: 444, perMs: 37 * second };

export const scenarios: readonly Scenario[] = [
  ...[0.02, 0.1, 0.5, 2, 10, 50, 200].map((rate) => still('train', token(rate))),
  ...trainWindows.map((server) => still('train', server)),
  ...[0.035, 0.3, 1.3, 7, 33, 140].map((rate) => still('held out', token(rate))),
  still('held out', token(5, 200)),
  ...heldOutWindows.map((server) => still('held out', server)),
  ...[0.5, 2, 4].flatMap((factor) => [
    ...[token(20), fixed600, sliding600].map((server) => changed('train', server, factor, 601)),
    ...[token(33), fixed444, sliding444].map((server) => changed('held out', server, factor, 917)),
  ]),
  ...[token(20), fixed600, sliding600].map((server) => outage('train', server)),
  ...[token(3), fixed444].map((server) => outage('held out', server)),
  ...[token(20), fixed600, sliding600].map((server) => foreign('train', server)),
  ...[token(7), fixed444, sliding444].map((server) => foreign('held out', server)),
  ...[token(20), fixed600, sliding600].map((server) => partial('train', server)),
  ...[token(7), fixed444, sliding444].map((server) => partial('held out', server)),
  ...[token(20), fixed600, sliding600].map((server) => late('train', server)),
  ...[token(7), fixed444, sliding444].map((server) => late('held out', server)),
  ...[0.005, 0.02].flatMap((share) => [
    ...[token(20), token(200), fixed600].map((server) => chance('train', server, share)),
    ...[token(7), token(90), fixed444].map((server) => chance('held out', server, share)),
  ]),
  ...[token(20), fixed600, ...windows([[40, 5 * second]])].map((server) => busy('train', server)),
  ...[token(7), sliding444, ...windows([[60, 10 * second]])].map((server) => busy('held out', server)),
  ...[token(20), token(200), fixed600, sliding600].map((server) => slow('train', server)),
  ...[token(7), fixed444, sliding444, windows([[60, 20 * second]])[0] ?? fixed600].map((server) =>
    slow('held out', server),
  ),
];
