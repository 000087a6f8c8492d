/**
 * Random orders of the same steps, drawn from a seed, in which a transaction may also stay open while others take their steps: one that
 * meets its locks waits for it, and goes on with what it has read before. And the answer to a step may be lost: it was done, and is sent
 * again, whatever the others have done meanwhile. Used by tests; `every-order.ts` has all orders of whole steps.
 */
import type { PoolClient } from 'pg';
import { newChange, type Pool } from '../../../db/index.ts';
import { pick, seededRandom } from '../../../testing/fake-api/random.ts';
import {
  afterLostAnswer,
  ANSWERS,
  isHoldable,
  isReading,
  move,
  type Actor,
  type Answer,
  type Moved,
} from './actors.ts';
import { openList, passDelay, readList, type Place } from './one-list.ts';
import { brokenAtEnd, brokenRules } from './rules.ts';

/** Far more than all actors have. */
const MOST_STEPS = 400;
const HOLD_SHARE = 0.4;
const LOST_SHARE = 0.15;
/** PostgreSQL's answer to one of two that wait for each other. */
const DEADLOCK = '40P01';

interface Step extends Moved {
  readonly answer: Answer;
}

interface Player {
  readonly client: PoolClient;
  actor: Actor;
  /** Its statement has not been answered. */
  isWaiting: boolean;
  /** Answered, and its transaction is still open. */
  held?: Step;
  /** Of its next step. */
  change: number;
  /** What it had done, while the answer was lost. */
  lost?: { readonly answer: Answer; readonly told: number };
}

export interface Played {
  /** What did not hold. */
  readonly broken: readonly string[];
  /** Steps that had to wait for an open transaction. */
  readonly waits: number;
  /** Answers that were lost. */
  readonly lost: number;
}

/** @param actors as many of the pool's connections are taken. */
export async function playOrder(pool: Pool, seed: number, actors: readonly Actor[]): Promise<Played> {
  const place = await openList(pool);
  const clients = await Promise.all(actors.map(() => pool.connect()));
  try {
    return await play(
      pool,
      place,
      seed,
      actors.map((actor, index) => ({
        client: clients[index] as PoolClient,
        actor,
        isWaiting: false,
        change: newChange(index + 1),
      })),
    );
  } finally {
    for (const client of clients) client.release();
  }
}

async function play(pool: Pool, place: Place, seed: number, players: readonly Player[]): Promise<Played> {
  const random = seededRandom(seed);
  const way: string[] = [];
  const broken: string[] = [];
  const pending = new Map<Player, Promise<void>>();
  let begun = 0;
  let told = 0;
  let waits = 0;
  let lost = 0;
  let hasEnded = false;
  const lateCalls = new Map<Player, number>();

  const settle = (player: Player, moved: Step, hadEnded: boolean): void => {
    const ends = player.actor.at === 'end' || player.actor.at === 'end-run';
    if (moved.call) begun++;
    if (moved.call === 'allowed' && hadEnded) broken.push('a call was allowed after the end');
    if (moved.call === 'remembered' && hadEnded) lateCalls.set(player, (lateCalls.get(player) ?? 0) + 1);
    told += (moved.told ?? 0) - (player.lost?.told ?? 0);
    hasEnded ||= ends;
    delete player.lost;
    if (!isReading(player.actor) && random() < LOST_SHARE) {
      lost++;
      way.push(`${player.actor.who} ${players.indexOf(player)} hears no answer`);
      player.lost = { answer: moved.answer, told: moved.told ?? 0 };
      player.actor = afterLostAnswer(player.actor);
      return;
    }
    player.actor = moved.actor;
    player.change = newChange(players.indexOf(player) + 1);
  };
  const start = (player: Player, isHeld: boolean): Promise<void> => {
    const hadEnded = hasEnded;
    const drawn = pick(random, ANSWERS);
    const answer = player.lost?.answer ?? drawn;
    player.isWaiting = true;
    way.push(`${player.actor.who} ${players.indexOf(player)} ${player.actor.at} ${answer}${isHeld ? ' held' : ''}`);
    const step = async (): Promise<void> => {
      try {
        if (isHeld) await player.client.query('begin');
        const done = await move(player.client as unknown as Pool, place, player.actor, answer, player.change);
        const moved = { ...done, answer };
        if (isHeld) player.held = moved;
        else settle(player, moved, hadEnded);
      } catch (error) {
        if ((error as { code?: string }).code !== DEADLOCK) throw error;
        // It is tried again, as an activity is.
        if (isHeld) await player.client.query('rollback');
      } finally {
        player.isWaiting = false;
        pending.delete(player);
      }
    };
    const done = step();
    pending.set(player, done);
    return done;
  };
  const commit = async (player: Player): Promise<void> => {
    const moved = player.held as Step;
    way.push(`${player.actor.who} ${players.indexOf(player)} commits`);
    delete player.held;
    await player.client.query('commit');
    settle(player, moved, false);
  };
  /** Until everyone who has been asked has answered, or waits for a lock. */
  const quiet = async (): Promise<void> => {
    while (pending.size > 0) {
      if (!players.some(({ held }) => held)) {
        await Promise.race(pending.values());
        continue;
      }
      const asked = [...pending.keys()];
      const pids = asked.map(({ client }) => (client as unknown as { processID: number }).processID);
      const { rows } = await pool.query<{ n: number }>(
        'select count(distinct pid)::int as n from pg_locks where not granted and pid = any ($1)',
        [pids],
      );
      if (asked.every((player) => pending.has(player)) && rows[0]?.n === asked.length) return;
    }
  };

  for (let step = 0; step < MOST_STEPS; step++) {
    const idle = players.filter(({ actor, isWaiting, held }) => actor.at !== 'done' && !isWaiting && !held);
    const open = players.filter(({ held }) => held);
    if (idle.length === 0 && open.length === 0) break;
    const player = pick(random, [...idle, ...open]);
    if (player.held) await commit(player);
    else {
      if (open.length === 0 && random() < 0.2) await passDelay(pool, place);
      void start(player, isHoldable(player.actor) && random() < HOLD_SHARE).catch((error: unknown) =>
        broken.push(String(error)),
      );
    }
    await quiet();
    waits += pending.size;
  }
  const rows = await readList(pool, place);
  const ghost = { begun, told };
  broken.push(...brokenRules(rows, ghost), ...brokenAtEnd(rows, ghost));
  if ([...lateCalls.values()].some((count) => count > 1))
    broken.push('more than one call by what was remembered after the end');
  return { broken: broken.map((line) => `seed ${seed}: ${line}\n    after ${way.join(', ')}`), waits, lost };
}
