/**
 * The law of calls for which no limit is declared, and whose answers tell one in their headers: as if their window had been recognised.
 * Pure. Used by: `controller.ts`, once such a call was refused. Next: `step.ts`.
 */
import type { LearnedLimit } from '../../contracts/limits/limit.ts';
import { output } from './output.ts';
import { describe } from './state.ts';
import type { LawOutput } from './output.ts';
import { initialLaw } from './step.ts';

/** Of calls for which no limit is declared, answers are told of from the first refusal on, and so in this epoch. */
const FIRST_EPOCH = 1;

export function toldWindow(spec: LearnedLimit, nowMs: number, max: number, perMs: number): LawOutput {
  const ratePerSecond = (1_000 * max) / perMs;
  const { state } = initialLaw(spec, nowMs, { ratePerSecond });
  const estimate = { ...state.estimate, sure: 2 };
  const told = {
    ...state,
    epoch: FIRST_EPOCH,
    estimate,
    window: { ...state.window, max, loMs: perMs, hiMs: perMs, isTold: true },
  };
  return output(told, spec, `its answers tell a limit of ${max}, ${describe(ratePerSecond)}`);
}

/** The same where they tell none, and are refused again and again: it is searched from the start. */
export function foundLimit(spec: LearnedLimit, nowMs: number): LawOutput {
  const { state } = initialLaw(spec, nowMs, undefined, true);
  return output({ ...state, epoch: FIRST_EPOCH }, spec);
}
