/**
 * All orders in which actors can take their steps at one list. Two orders that lead to the same state have the same future, so each
 * state is visited once, and from there every step that can come next is taken at a copy of it in Postgres.
 */
import type { Pool } from '../../../db/index.ts';
import { answersOf, isReading, move, type Actor, type Answer, type Moved } from './actors.ts';
import { copyList, nameOf, openList, passDelay, readList, type Place, type Rows } from './one-list.ts';
import { brokenAtEnd, brokenByStep, brokenRules, isOver, type Ghost } from './rules.ts';

export interface Explored {
  readonly states: number;
  readonly steps: number;
  /** How runs have ended, each once. */
  readonly ends: readonly string[];
  /** What did not hold, with the steps that led there. */
  readonly broken: readonly string[];
}

interface State {
  readonly place: Place;
  readonly rows: Rows;
  readonly actors: readonly Actor[];
  readonly ghost: Ghost;
  /** By what was remembered, since the run has ended. */
  readonly lateCalls: number;
  readonly way: readonly string[];
}

const AT_ONCE = 8;
const MOST_BROKEN = 5;

export async function exploreAll(pool: Pool, actors: readonly Actor[]): Promise<Explored> {
  const place = await openList(pool);
  const rows = await readList(pool, place);
  const seen = new Set<string>();
  const ends = new Set<string>();
  const broken: string[] = [];
  let steps = 0;
  let frontier: State[] = [{ place, rows, actors, ghost: { begun: 0, told: 0 }, lateCalls: 0, way: [] }];
  const note = (state: State, lines: readonly string[]): void => {
    for (const line of lines) broken.push(`${line}\n    after ${state.way.join(', ')}`);
  };

  const visit = async (state: State): Promise<State[]> => {
    const next: State[] = [];
    const choices = choicesOf(state);
    if (choices.length === 0) {
      ends.add(`${state.rows.run.state}, list ${state.rows.unit.end_kind ?? 'open'}`);
      note(state, brokenAtEnd(state.rows, state.ghost));
    }
    for (const choice of choices) {
      steps++;
      const after = await take(pool, state, choice);
      note(after, [
        ...brokenRules(after.rows, after.ghost),
        ...brokenByStep(state.rows, after.rows, after.hasStored, isLateStep(state, choice)),
        ...(after.isCallAllowed && isOver(state.rows) ? ['a call was allowed after the end'] : []),
        ...(after.lateCalls > 1 ? ['more than one call by what was remembered after the end'] : []),
      ]);
      next.push(after);
    }
    return next;
  };

  while (frontier.length > 0 && broken.length < MOST_BROKEN) {
    const found = (await inLanes(frontier, visit)).flat();
    frontier = [];
    for (const state of found) {
      const name = JSON.stringify([nameOf(state.rows), state.actors, state.ghost, state.lateCalls]);
      if (seen.has(name)) continue;
      seen.add(name);
      frontier.push(state);
    }
  }
  return { states: seen.size + 1, steps, ends: [...ends].sort(), broken };
}

type Choice = { readonly actor: number; readonly answer: Answer } | 'the delay passes';

function choicesOf({ actors, rows }: State): Choice[] {
  const choices: Choice[] = actors.flatMap((actor, index) =>
    canMove(actor, rows) ? answersOf(actor).map((answer) => ({ actor: index, answer })) : [],
  );
  return rows.isDelayed && rows.unit.end_kind === null && !isOver(rows) ? [...choices, 'the delay passes'] : choices;
}

/** It is about a page that another has stored meanwhile. */
function isLateStep({ actors, rows }: State, choice: Choice): boolean {
  const actor = choice === 'the delay passes' ? undefined : actors[choice.actor];
  if (actor === undefined || !('pages' in actor)) return false;
  return ['store', 'store-alone', 'answer'].includes(actor.at) && actor.pages !== rows.unit.pages;
}

/** One who is held looks again only when there may be something new. */
function canMove(actor: Actor, { run, isDelayed }: Rows): boolean {
  if (actor.at === 'done') return false;
  const isHeld = run.state === 'paused' || (isDelayed && run.state === 'running');
  return !(actor.who === 'worker' && actor.at === 'look' && isHeld);
}

async function take(
  pool: Pool,
  state: State,
  choice: Choice,
): Promise<State & { readonly hasStored: boolean; readonly isCallAllowed: boolean }> {
  const actor = choice === 'the delay passes' ? undefined : (state.actors[choice.actor] as Actor);
  const readsOnly = actor !== undefined && isReading(actor);
  const place = readsOnly ? state.place : await copyList(pool, state.rows);
  let moved: Moved | undefined;
  if (choice === 'the delay passes') await passDelay(pool, place);
  else moved = await move(pool, place, actor as Actor, choice.answer);
  const rows = readsOnly ? state.rows : await readList(pool, place);
  const isLate = moved?.call === 'remembered' && isOver(state.rows);
  return {
    place,
    rows,
    actors: choice === 'the delay passes' ? state.actors : state.actors.with(choice.actor, (moved as Moved).actor),
    ghost: { begun: state.ghost.begun + (moved?.call ? 1 : 0), told: state.ghost.told + (moved?.told ?? 0) },
    lateCalls: state.lateCalls + (isLate ? 1 : 0),
    way: [...state.way, choice === 'the delay passes' ? choice : wayOf(choice.actor, actor as Actor, choice.answer)],
    hasStored: moved?.hasStored === true,
    isCallAllowed: moved?.call === 'allowed',
  };
}

function wayOf(index: number, { who, at }: Actor, answer: Answer): string {
  return `${who} ${index} ${at}${at === 'answer' ? ` ${answer}` : ''}`;
}

async function inLanes<In, Out>(items: readonly In[], work: (item: In) => Promise<Out>): Promise<Out[]> {
  const results: Out[] = [];
  let next = 0;
  const lane = async (): Promise<void> => {
    while (next < items.length) {
      const index = next++;
      results[index] = await work(items[index] as In);
    }
  };
  await Promise.all(Array.from({ length: AT_ONCE }, lane));
  return results;
}
