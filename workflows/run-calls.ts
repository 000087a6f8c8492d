/**
 * How the calls of a run are made: inside workflow tasks while nothing has to wait, else by the server.
 * Next: `activity-proxies.ts`, `calls-ahead.ts`, then `activities/sync/fetch-page.ts`.
 */
import { CancellationScope } from '@temporalio/workflow';
import type { CallContext, FetchPageInput, PageFact, UnitRef } from '../contracts/messages.ts';
import type { PlanNode } from '../contracts/plan.ts';
import { callDurably, callNow } from './activity-proxies.ts';
import { callAhead } from './calls-ahead.ts';

export interface RunCalls {
  /** @param count calls of the unit to ask for at once. What can't be done at once, for whatever reason, is a fact `later`. */
  now(node: PlanNode, unit: UnitRef, pages: number | undefined, count: number, onFact: (fact: PageFact) => void): void;
  durably(
    node: PlanNode,
    unit: UnitRef,
    pages: number | undefined,
    onFact: (fact: PageFact) => void,
    onError: (error: unknown) => void,
  ): void;
  /** Ends the durable calls that wait. Their places in the limiter's queue are kept. */
  putDown(): void;
}

export function createRunCalls(runId: string, context: CallContext): RunCalls {
  const durable = new CancellationScope();
  const requestOf = (node: PlanNode, unit: UnitRef, pages: number | undefined): Omit<FetchPageInput, 'mode'> => ({
    runId,
    node: node.name,
    unit: unit.id,
    context,
    ...(pages === undefined ? {} : { pages }),
  });
  const summaryOf = (node: PlanNode, unit: UnitRef): string => `${node.endpoint} ${unit.label}`.slice(0, 180);
  return {
    now: (node, unit, pages, count, onFact) => {
      const call = callNow(node.callTimeoutMs, summaryOf(node, unit));
      const because = 'the worker could not make the call at once';
      callAhead(call, { ...requestOf(node, unit, pages), mode: 'now' }, count, onFact, () =>
        onFact({ unit: unit.id, state: 'later', because }),
      );
    },
    durably: (node, unit, pages, onFact, onError) => {
      const call = callDurably(node.callTimeoutMs, summaryOf(node, unit));
      // Heard outside of the scope: what follows from the fact is not put down with the calls.
      durable.run(() => call({ ...requestOf(node, unit, pages), mode: 'durable' })).then(onFact, onError);
    },
    putDown: () => durable.cancel(),
  };
}
