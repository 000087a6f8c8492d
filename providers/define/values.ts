/**
 * A node whose rows need no call. They are values that are known already: the repositories that a run's input names,
 * the states of an issue, or the months of a year. Used by: `define-sync.ts`; `activities/batch/nested-page.ts` makes
 * its one page.
 */
import { compilePagination } from '../pagination/compile.ts';
import type { Provider } from './define-provider.ts';
import type { Endpoint } from './endpoint.ts';
import type { NodeDefinition } from './define-sync.ts';
import type { NodeOptions, UnitState } from './node-options.ts';

export interface ValuesOptions<Parent, Value> extends Pick<
  NodeOptions<Parent, unknown, Value, Value>,
  'when' | 'store' | 'window'
> {
  /**
   * Of values of the run's input: which list of them it is. What a list does not have any more is deleted, and another
   * one is not looked at. So runs of one account for several teams say `({ team }) => team`. Default: all runs of an
   * account have one list.
   */
  readonly uniqueBy?: (parent: Parent) => string | number;
  /** Identity of a value, unique within this resource and account. */
  readonly key: (value: Value, parent: Parent) => string | number;
}

/** `settings` are the account's, as the provider's schema reads them. */
export type ValuesOf<Parent, Value, RunInput, Settings = unknown> = (
  parent: Parent,
  state: Pick<UnitState<RunInput>, 'runInput'> & { readonly settings: Settings },
) => readonly Value[];

/** In the place of an endpoint: no endpoint of a provider can be called so. */
export function valuesEndpoint(provider: Provider): Endpoint {
  const isNeverCalled = (): never => {
    throw new Error('Values take no call.');
  };
  return {
    name: '(values)',
    provider,
    parseInput: (input) => input,
    parseResponse: (values) => values,
    request: isNeverCalled,
    paginate: compilePagination({ kind: 'single', items: (values) => values as readonly unknown[] }),
    job: undefined,
    openHosts: [],
    decideOpen: isNeverCalled,
    openCharges: () => [],
    format: undefined,
    file: undefined,
    decide: isNeverCalled,
    charges: () => [],
    jobCharges: () => [],
    totalTimeoutMs: 30_000,
    onMismatch: 'fail',
    conditional: undefined,
  };
}

/** What they do not have any more is gone for certain, and a run's input names them: another input makes no other list. */
export function optionsOfValues(options: object, isRoot: boolean): NodeDefinition['options'] {
  return {
    input: (parent: unknown) => parent,
    deletions: 'full-pass',
    allowEmpty: true,
    ...(isRoot ? { uniqueBy: () => '' } : {}),
    ...options,
  } as unknown as NodeDefinition['options'];
}
