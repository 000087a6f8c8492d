/**
 * Every way in which an answer can go wrong, by name, and how one is played.
 * Scripts, chaos and outages name kinds; `testing/fake-api/server.ts` plays them here. Next: the tables in `hostile-answers.ts` and
 * `hostile-sockets.ts`.
 */
import type { FakeAnswer, WireAnswer } from '../fake-api/answer.ts';
import { sendWire, toWire } from '../fake-api/answer.ts';
import type { PlainAnswerKind, TwistedAnswerKind } from './hostile-answers.ts';
import { plainAnswers, twistedAnswers } from './hostile-answers.ts';
import type { SocketAfterKind, SocketBeforeKind, SocketStage } from './hostile-sockets.ts';
import { socketsAfter, socketsBefore } from './hostile-sockets.ts';

/** A way to go wrong. Those ending in `-after`, and all that need the real answer, run the route first. */
export type HostileKind = PlainAnswerKind | TwistedAnswerKind | SocketBeforeKind | SocketAfterKind;

/** All kinds, for tests that go through them. */
export const hostileKinds: readonly HostileKind[] = [
  ...namesOf(plainAnswers),
  ...namesOf(twistedAnswers),
  ...namesOf(socketsBefore),
  ...namesOf(socketsAfter),
];

/** Does the route run (and a write happen) before this kind of answer is given? */
export function runsRoute(kind: HostileKind): boolean {
  return kind in twistedAnswers || kind in socketsAfter;
}

export interface HostileStage extends SocketStage {
  /** Headers that every answer carries, such as those of limits. */
  readonly extra: Readonly<Record<string, string>>;
  /** Runs the route. */
  readonly real: () => Promise<WireAnswer>;
}

/** Plays one kind. Returns what the books say of it: the status when a whole answer was sent, else the kind. */
export async function playHostile(kind: HostileKind, stage: HostileStage): Promise<string> {
  if (kind in plainAnswers) {
    const answer: FakeAnswer = plainAnswers[kind as PlainAnswerKind];
    sendWire(stage.response, toWire(answer, stage.extra));
    return String(answer.status ?? 200);
  }
  if (kind in twistedAnswers) {
    const twisted = twistedAnswers[kind as TwistedAnswerKind](await stage.real());
    sendWire(stage.response, twisted);
    return kind;
  }
  // These go on for as long as the caller listens: not awaited, and ended by the socket's end.
  if (kind in socketsBefore) void socketsBefore[kind as SocketBeforeKind](stage);
  else void socketsAfter[kind as SocketAfterKind](stage, await stage.real());
  return kind;
}

function namesOf<T extends object>(table: T): (keyof T)[] {
  return Object.keys(table) as (keyof T)[];
}
