/**
 * The law of calls for which no limit is declared, and whose answers tell one in their headers: as if their window had been recognised.
 * Pure. Used by: `controller.ts`, once such a call was refused. Next: `step.ts`.
 */
import type { LearnedLimit } from '../../contracts/limits/limit.ts';
import { output } from './output.ts';
import { describe } from './state.ts';
import type { LawOutput } from './state.ts';
import { initialLaw } from './step.ts';

export function toldWindow(spec: LearnedLimit, nowMs: number, max: number, perMs: number): LawOutput {
  const ratePerSecond = (1_000 * max) / perMs;
  const { state } = initialLaw(spec, nowMs, { ratePerSecond });
  // Calls of this epoch are told of, refused or not.
  const estimate = { ...state.estimate, sure: 2 };
  const told = {
    ...state,
    epoch: 1,
    estimate,
    window: { ...state.window, max, loMs: perMs, hiMs: perMs, isTold: true },
  };
  return output(told, spec, `its answers tell a limit of ${max}, ${describe(ratePerSecond)}`);
}
