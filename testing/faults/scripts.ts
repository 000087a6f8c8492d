/**
 * Failures in a set order and random ones: what the next call of a path gets instead of its answer.
 * Next: `hostile.ts` plays the kind that is drawn here.
 */
import type { FakeAnswer } from '../fake-api/answer.ts';
import type { FakeCall } from '../fake-api/call.ts';
import type { HostileKind } from './hostile.ts';
import type { PathFilter } from '../fake-api/paths.ts';
import { pathFilter } from '../fake-api/paths.ts';
import type { Random } from '../fake-api/random.ts';
import { pick, seededRandom } from '../fake-api/random.ts';

/** An answer of one's own instead of the route's; the route is not run. */
export interface ScriptedAnswer extends FakeAnswer {
  /** Wait before it, in milliseconds. */
  readonly delayMs?: number;
}

/** One step of a script: a named failure, an answer, or `ok` for the route's own. */
export type ScriptStep = 'ok' | HostileKind | ScriptedAnswer;

export interface ScriptOptions {
  /** True: begins again after the last step. Default false: calls are normal again. */
  readonly repeats?: boolean;
}

export interface ScriptHandle {
  /** Steps not yet played. */
  remaining(): number;
  /** Ends it: calls are normal again. */
  stop(): void;
}

export interface ChaosOptions {
  /** Share of calls that go wrong, 0 … 1. */
  readonly rate: number;
  /** Drawn evenly. Default `500`, `503`, `reset`, `half-body`, `silent`. */
  readonly kinds?: readonly HostileKind[];
  /** Default: the server's seed. The same seed and order of calls fail the same calls. */
  readonly seed?: number;
  /** Default all calls. */
  readonly on?: PathFilter;
}

export interface ChaosHandle {
  stop(): void;
}

const defaultChaos = ['500', '503', 'reset', 'half-body', 'silent'] as const satisfies readonly HostileKind[];

/** The scripts and the chaos of one server. */
export function createScripts(defaultSeed: number) {
  const scripts: { fits: (call: FakeCall) => boolean; steps: ScriptStep[]; repeats: boolean }[] = [];
  const storms: { fits: (call: FakeCall) => boolean; random: Random; rate: number; kinds: readonly HostileKind[] }[] =
    [];
  return {
    script(on: PathFilter, steps: readonly ScriptStep[], options: ScriptOptions = {}): ScriptHandle {
      const script = { fits: pathFilter(on), steps: [...steps], repeats: options.repeats ?? false };
      scripts.push(script);
      return { remaining: () => script.steps.length, stop: () => void (script.steps.length = 0) };
    },
    chaos({ rate, kinds = defaultChaos, seed = defaultSeed, on }: ChaosOptions): ChaosHandle {
      if (!(rate >= 0 && rate <= 1)) throw new TypeError(`chaos: expected a rate from 0 to 1, got ${rate}`);
      const storm = { fits: pathFilter(on), random: seededRandom(seed), rate, kinds };
      storms.push(storm);
      return { stop: () => void storms.splice(storms.indexOf(storm), 1) };
    },
    /** What this call gets; `ok` is the route's own answer. */
    next(call: FakeCall): ScriptStep {
      for (const script of scripts) {
        if (script.steps.length === 0 || !script.fits(call)) continue;
        const step = script.steps.shift() as ScriptStep;
        if (script.repeats) script.steps.push(step);
        return step;
      }
      for (const storm of storms) {
        // One draw for each call, failing or not: which calls fail depends on the seed and their order only.
        if (storm.fits(call) && storm.random() < storm.rate) return pick(storm.random, storm.kinds);
      }
      return 'ok';
    },
    clear(): void {
      scripts.length = 0;
      storms.length = 0;
    },
  };
}

export type Scripts = ReturnType<typeof createScripts>;
