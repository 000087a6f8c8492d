/**
 * Small runs of one sync for many accounts, carried out side by side: one call an activity, as everywhere. How far each is stands in
 * Postgres, so a fleet whose worker is lost goes on where it was. A run that needs more than a few calls, waits long or is paused goes
 * on in a workflow of its own. It is one event loop, as the walk of a run is (`run/run-walk.ts` says why).
 * Next: `activities/run/fleet-activities.ts`.
 */
import { CancellationScope, setCurrentDetails, sleep, workflowInfo } from '@temporalio/workflow';
import { callContextOf } from '../contracts/messages.ts';
import type { Plan } from '../contracts/plan.ts';
import {
  MOST_FLEET_CALLS,
  type FleetFact,
  type FleetInput,
  type FleetResult,
  type FleetRun,
} from '../contracts/schedules/fleet.ts';
import { fleetStep, runStep, step } from './activity-proxies.ts';

/** Runs at once. */
const WINDOW = 40;
/** A run whose call can't be made now waits for it so often here, and so long at a time, in milliseconds. */
const MOST_WAITS = 8;
const LONGEST_WAIT_MS = 300_000;
/** Temporal's timers take a second at least. */
const SHORTEST_WAIT_MS = 1_000;
/**
 * So many in a row that must wait do so for what all of them need. Then no more calls are tried until the first of
 * them may be made.
 */
const ALL_WAIT = 3;

interface InHand {
  readonly run: FleetRun;
  calls: number;
  waits: number;
  /** When its call may be made, epoch milliseconds. */
  dueMs: number;
}

export async function fleet(input: FleetInput): Promise<FleetResult> {
  const root = CancellationScope.current();
  const shield = new CancellationScope({ cancellable: false });
  const { workflowId } = workflowInfo();
  const told = { ended: 0, own: 0, cancelled: 0 };
  return shield.run(async () => {
    const { runs, plan } = await runStep((steps) => steps.readFleet({ fleet: workflowId }));
    if (plan) await carryOut(input, plan, runs, told, root);
    setCurrentDetails(
      `${input.schedule}: ${told.ended} runs ended, ${told.own} went on in workflows of their own` +
        (told.cancelled > 0 ? `, ${told.cancelled} were cancelled` : ''),
    );
    return told;
  });
}

function carryOut(
  input: FleetInput,
  plan: Plan,
  runs: readonly FleetRun[],
  told: { ended: number; own: number; cancelled: number },
  root: CancellationScope,
): Promise<void> {
  const waiting: InHand[] = runs.map((run) => ({ run, calls: 0, waits: 0, dueMs: 0 }));
  const now = fleetStep(plan.nodes[0]?.callTimeoutMs ?? 0);
  let left = runs.length;
  const asleep = new Set<InHand>();
  let open = 0;
  let isWatched = false;
  let waitsInARow = 0;
  let isCancelled = false;
  setCurrentDetails(`${input.schedule}: ${left} accounts`);
  return new Promise((resolve, reject) => {
    const done = (how: keyof typeof told): void => {
      told[how]++;
      if (--left === 0) resolve();
    };
    const end = (hand: InHand, how: 'own' | 'cancelled'): void => {
      const { run } = hand;
      step(
        (steps) => (how === 'own' ? steps.leaveFleet({ run, asked: input }) : steps.cancelInFleet({ run })),
        () => settle(() => done(how)),
        reject,
      );
    };
    /** Frees its place in the window. */
    const settle = (then: () => void): void => {
      open--;
      then();
      pump();
    };
    const wait = (hand: InHand, ms: number): void => {
      if (++hand.waits > MOST_WAITS || ms > LONGEST_WAIT_MS) return end(hand, 'own');
      waitsInARow++;
      hand.dueMs = Date.now() + Math.max(SHORTEST_WAIT_MS, ms);
      asleep.add(hand);
      settle(() => {});
    };
    /** One timer for the first of those that wait. It begins when no call is on its way: a workflow task ends then. */
    const watch = (): void => {
      if (isWatched || asleep.size === 0 || (open > 0 && waitsInARow < ALL_WAIT)) return;
      isWatched = true;
      const firstMs = Math.min(...[...asleep].map(({ dueMs }) => dueMs));
      sleep(Math.max(SHORTEST_WAIT_MS, firstMs - Date.now())).then(() => {
        isWatched = false;
        waitsInARow = 0;
        wake(({ dueMs }) => dueMs <= Date.now() + SHORTEST_WAIT_MS);
      }, reject);
    };
    const wake = (isDue: (hand: InHand) => boolean): void => {
      const due = [...asleep].filter(isDue);
      for (const hand of due) asleep.delete(hand);
      waiting.unshift(...due);
      pump();
    };
    const hear = (hand: InHand, fact: FleetFact): void => {
      if (fact.state !== 'later') waitsInARow = 0;
      switch (fact.state) {
        case 'ended':
          return settle(() => done('ended'));
        case 'gone':
          return settle(() => done('own'));
        case 'own':
          return end(hand, 'own');
        case 'later':
          return wait(hand, fact.inMs ?? (fact.untilMs ?? 0) - Date.now());
        case 'more':
          if (++hand.calls >= MOST_FLEET_CALLS || isCancelled) return end(hand, isCancelled ? 'cancelled' : 'own');
          return call(hand);
      }
    };
    const call = (hand: InHand): void => {
      const { run } = hand;
      const { account, tenant } = run;
      const context = callContextOf({ ...input, account, input: null, ...(tenant === null ? {} : { tenant }) }, plan);
      // Its worker is in trouble, or the database: the run is where it was.
      now({ run, plan, context }).then(
        (fact) => hear(hand, fact),
        () => wait(hand, SHORTEST_WAIT_MS),
      );
    };
    const pump = (): void => {
      const room = waitsInARow < ALL_WAIT || isCancelled ? WINDOW - open : 0;
      for (const hand of waiting.splice(0, Math.max(0, room))) {
        open++;
        if (isCancelled) end(hand, 'cancelled');
        else call(hand);
      }
      watch();
    };
    root.cancelRequested.catch(() => {
      isCancelled = true;
      wake(() => true);
    });
    if (left === 0) resolve();
    pump();
  });
}
