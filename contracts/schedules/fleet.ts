/**
 * A fleet: one workflow that carries out small runs of one sync for many accounts. A workflow costs Temporal's server
 * more than a page costs all others. A run that needs more than a few calls goes on in a workflow of its own. Made by
 * `workers/schedules/start-fleets.ts`; next: `workflows/fleet.ts`.
 */
import type { Priority } from '../limits/limit.ts';
import type { CallContext } from '../messages.ts';
import type { Plan } from '../plan.ts';

/** So many accounts at least are due together; fewer are started each by a workflow of its own. */
export const LEAST_OF_A_FLEET = 8;
/** Calls of one run in a fleet. An account whose last run took more is not in one. */
export const MOST_FLEET_CALLS = 4;

/** Input of the `fleet` workflow. Whose runs it has stands in the database. */
export interface FleetInput {
  readonly sync: string;
  readonly provider: string;
  readonly priority: Priority;
  /** For people. */
  readonly schedule: string;
}

export interface FleetRun {
  readonly runId: string;
  readonly account: string;
  readonly tenant: string | null;
  readonly node: string | null;
  /** Its list; null when that has ended. */
  readonly unit: number | null;
}

export interface ReadFleetInput {
  /** Workflow id. */
  readonly fleet: string;
}

export interface OpenFleet {
  readonly runs: readonly FleetRun[];
  /** Of all of them; undefined when there are none. */
  readonly plan?: Plan;
}

/** The next call of a run, or its end when there is nothing more to call for. */
export interface FleetStepInput {
  readonly run: FleetRun;
  readonly plan: Plan;
  readonly context: CallContext;
}

/**
 * `ended`: the run has. `more`: it needs one more call. `later`: nothing could be called now. `own`: it is for a
 * workflow of its own. It is paused, has become more than one list, or is not to be ended by one step. `gone`: the
 * fleet has it no more.
 */
export type FleetFact =
  | { readonly state: 'ended' | 'more' | 'own' | 'gone' }
  /** `untilMs`: so workers told it whose clock was taken for the workflow’s. */
  | { readonly state: 'later'; readonly inMs?: number; readonly untilMs?: number };

export interface LeaveFleetInput {
  readonly run: FleetRun;
  readonly asked: FleetInput;
}

export interface FleetResult {
  readonly ended: number;
  /** Go on in workflows of their own, or have been taken over by one. */
  readonly own: number;
  readonly cancelled: number;
}

/** Whether runs by this plan may be in a fleet: they begin with one list and have no other. */
export function fitsFleet({ nodes }: Plan, longestCallMs: number): boolean {
  const [node, ...others] = nodes;
  return (
    node !== undefined &&
    others.length === 0 &&
    !node.isTree &&
    node.batch === undefined &&
    node.callTimeoutMs <= longestCallMs
  );
}
