/**
 * How the calls of a run are made: inside workflow tasks while nothing has to wait, else by the server.
 * Next: `workflows/activity-proxies.ts`, `calls-ahead.ts`, then `activities/sync/fetch-page.ts`.
 */
import { CancellationScope } from '@temporalio/workflow';
import type { CallContext, FetchPageInput, PageFact, UnitRef } from '../../contracts/messages.ts';
import type { PlanNode } from '../../contracts/plan.ts';
import { callDurably, callNow } from '../activity-proxies.ts';
import { callAhead } from './calls-ahead.ts';

/** One call of a unit, or of several at once. */
export interface UnitCall {
  readonly node: PlanNode;
  readonly unit: UnitRef;
  readonly others: readonly UnitRef[];
  readonly pages: number | undefined;
}

export interface RunCalls {
  /** @param count calls of the unit to ask for at once. What can't be done at once, for whatever reason, is a fact `later`. */
  now(ask: UnitCall, count: number, onFact: (fact: PageFact) => void): void;
  durably(ask: UnitCall, onFact: (fact: PageFact) => void, onError: (error: unknown) => void): void;
  /** Ends the durable calls that wait. Their places in the limiter's queue are kept. */
  putDown(): void;
}

export function createRunCalls(runId: string, context: CallContext): RunCalls {
  const durable = new CancellationScope();
  const requestOf = ({ node, unit, others, pages }: UnitCall): Omit<FetchPageInput, 'mode'> => ({
    runId,
    node: node.name,
    unit: unit.id,
    context,
    ...(pages === undefined ? {} : { pages }),
    ...(others.length === 0 ? {} : { others: others.map(({ id }) => id) }),
  });
  const summaryOf = ({ node, unit, others }: UnitCall): string =>
    `${node.endpoint} ${unit.label}`.slice(0, 150) + (others.length === 0 ? '' : ` and ${others.length} more`);
  return {
    now: (ask, count, onFact) => {
      const call = callNow(ask.node.callTimeoutMs, summaryOf(ask));
      const because = 'the worker could not make the call at once';
      callAhead(call, { ...requestOf(ask), mode: 'now' }, count, onFact, () =>
        onFact({ unit: ask.unit.id, state: 'later', because }),
      );
    },
    durably: (ask, onFact, onError) => {
      const call = callDurably(ask.node.callTimeoutMs, summaryOf(ask));
      // Heard outside of the scope: what follows from the fact is not put down with the calls.
      durable.run(() => call({ ...requestOf(ask), mode: 'durable' })).then(onFact, onError);
    },
    putDown: () => durable.cancel(),
  };
}
