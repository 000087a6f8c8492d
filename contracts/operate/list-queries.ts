/**
 * Lists of Temporal's visibility that are asked for again and again: for its Web UI (a view can be saved there) and its command line.
 * Used by: `cli/commands/operate/queries.ts`; docs/operate/operating.md has them too.
 */
import { quoted, searchAttributes } from '../names.ts';

export interface ListQuery {
  readonly title: string;
  readonly query: string;
}

export interface QueryFilter {
  readonly account?: string | undefined;
  readonly sync?: string | undefined;
  readonly tenant?: string | undefined;
  readonly provider?: string | undefined;
}

const RUNS = 'WorkflowType = "sync"';
const OPEN = 'ExecutionStatus = "Running"';

/** @param filter what all of them are narrowed to. Default: nothing. */
export function listQueries(filter: QueryFilter = {}): ListQuery[] {
  const narrowed = (['account', 'sync', 'tenant', 'provider'] as const).flatMap((name) =>
    filter[name] === undefined ? [] : [`${searchAttributes[name]} = ${quoted(filter[name])}`],
  );
  const queries: readonly (readonly [title: string, ...parts: string[]])[] = [
    ['runs that are going on', RUNS, OPEN],
    ['paused runs', RUNS, OPEN, `${searchAttributes.status} = "paused"`],
    ['runs that were not read to the end', RUNS, `${searchAttributes.status} in ("incomplete", "failed")`],
    // One has runs of many accounts.
    ...(filter.account === undefined && filter.tenant === undefined
      ? [['fleets that are going on: small scheduled runs', 'WorkflowType = "fleet"', OPEN] as const]
      : []),
    ['actions and sagas that are going on', 'WorkflowType in ("action", "saga")', OPEN],
    [
      'actions and sagas that have failed',
      'WorkflowType in ("action", "saga")',
      `${searchAttributes.status} = "failed"`,
    ],
    [
      'what has ended by an error of Temporal or of the code',
      'ExecutionStatus in ("Failed", "Terminated", "TimedOut")',
    ],
  ];
  return queries.map(([title, ...parts]) => ({ title, query: [...parts, ...narrowed].join(' and ') }));
}
