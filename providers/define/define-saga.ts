/**
 * A saga: actions one after another, each made from the input and the outputs before it. When one fails, the finished ones
 * are taken back in reverse. Compiled to a plan of names; the functions run only in activities.
 * Next: `client/action/act.ts` starts one, `workflows/saga.ts` runs it.
 */
import type { z } from 'zod';
import { readerOf } from '../../contracts/values/misfits.ts';
import type { SagaPlanStep } from '../../contracts/action.ts';
import { schemaMistakes, unknownOptions, type NamesOf } from '../../contracts/values/option-mistakes.ts';
import { conflictMistakes } from './mistakes/action-mistakes.ts';
import type { Action, ActionDefinition, Conflicts } from './define-action.ts';

/** What a step is made from: the saga's input, and the output of every step before it by the step's name. */
export type SagaFacts<Input, Outputs> = { readonly input: Input; readonly account: string } & Readonly<Outputs>;

export interface SagaStepOptions<Input, Outputs> {
  /** Another account than the saga's, e.g. for a second provider. */
  readonly account?: (facts: SagaFacts<Input, Outputs>) => string;
}

export interface SagaDefinition {
  readonly name: string;
  readonly parseInput: (input: unknown) => unknown;
  readonly what: (input: unknown) => string;
  readonly conflicts: Required<Conflicts<unknown>> | undefined;
  readonly steps: readonly SagaStepDefinition[];
  readonly plan: readonly SagaPlanStep[];
}

export interface SagaStepDefinition {
  readonly name: string;
  readonly action: ActionDefinition;
  readonly input: (facts: SagaFacts<unknown, Record<string, unknown>>) => unknown;
  readonly account: ((facts: SagaFacts<unknown, Record<string, unknown>>) => string) | undefined;
}

/** A saga, ready to be started. `Outputs` has the output of each step by its name. */
export interface Saga<Input = never, ParsedInput = unknown, Outputs = unknown> {
  readonly definition: SagaDefinition;
  /**
   * Adds a step. An action without `compensate` can't be taken back: put such a one last.
   * @returns the saga with this step; the one before it stays as it was.
   */
  step<Name extends string, ActionInput, Output>(
    name: Name,
    action: Action<ActionInput, Output>,
    input: (facts: SagaFacts<ParsedInput, Outputs>) => ActionInput,
    options?: SagaStepOptions<ParsedInput, Outputs>,
  ): Saga<Input, ParsedInput, Outputs & Readonly<Record<Name, Output>>>;
  /** Types only; never set. */
  readonly $types?: { readonly input: (input: Input) => void; readonly outputs: Outputs };
}

export interface SagaOptions<InputSchema extends z.ZodType> {
  readonly input: InputSchema;
  /** One line about this very saga for reports; no secrets. Default: its name. */
  readonly what?: (input: z.output<InputSchema>) => string;
  /** The entity is held from the first step to the last compensation. */
  readonly conflicts?: Conflicts<z.output<InputSchema>>;
}

const SAGA_OPTIONS = { input: true, what: true, conflicts: true } satisfies NamesOf<SagaOptions<z.ZodType>>;

/**
 * Defines a saga; add its steps with `.step(…)`.
 * @throws TypeError for a name that can't be part of a workflow id, options with mistakes, or a step that is there already or is none.
 * @example
 * const purchase = defineSaga('purchase', { input: z.object({ sku: z.string(), amount: z.number() }) })
 *   .step('stock', reserve, ({ input }) => ({ sku: input.sku }))
 *   .step('payment', charge, ({ input, stock }) => ({ amount: input.amount, reservation: stock.id }));
 */
export function defineSaga<InputSchema extends z.ZodType>(
  name: string,
  options: SagaOptions<InputSchema>,
): Saga<z.input<InputSchema>, z.output<InputSchema>> {
  checkName('saga', name);
  const mistakes = [
    ...schemaMistakes(options, ['input']),
    ...unknownOptions(options, SAGA_OPTIONS),
    ...conflictMistakes(options.conflicts),
  ];
  if (mistakes.length > 0) throw new TypeError(mistakes.map((text) => `Saga "${name}": ${text}.`).join('\n'));
  const { conflicts, what } = options;
  return withSteps({
    name,
    parseInput: readerOf(options.input, `The input of saga "${name}"`),
    what: (input) => what?.(input as z.output<InputSchema>) ?? name,
    conflicts: conflicts && ({ policy: 'wait', ...conflicts } as Required<Conflicts<unknown>>),
    steps: [],
    plan: [],
  }) as Saga<z.input<InputSchema>, z.output<InputSchema>>;
}

function withSteps(definition: SagaDefinition): Saga {
  const step = (
    name: string,
    given: Action,
    input: SagaStepDefinition['input'],
    options: { readonly account?: SagaStepDefinition['account'] } = {},
  ): Saga => {
    checkName('step', name);
    if (['input', 'account', 'undo'].includes(name) || definition.steps.some((each) => each.name === name))
      throw new TypeError(`Saga "${definition.name}" can't have a step "${name}": the name is taken.`);
    const at = `Step "${name}" of saga "${definition.name}"`;
    const action = (given as Partial<Action> | undefined)?.definition;
    if (action?.way === undefined)
      throw new TypeError(`${at} is no action; give it what \`provider.action(…)\` returns.`);
    if (typeof input !== 'function')
      throw new TypeError(`${at} has no input; say how it is made: ({ input, …earlier steps }) => ({ … }).`);
    const { id, totalTimeoutMs: callTimeoutMs, way } = action;
    return withSteps({
      ...definition,
      steps: [...definition.steps, { name, action, input, account: options.account }],
      plan: [...definition.plan, { name, action: id, callTimeoutMs, hasCompensation: way.compensate !== undefined }],
    });
  };
  // The types of each step are checked where it is added; here they are all one.
  return { definition, step: step as unknown as Saga['step'] };
}

function checkName(what: string, name: string): void {
  if (!/^[A-Za-z][A-Za-z0-9_-]*$/.test(name))
    throw new TypeError(`The ${what} name "${name}" must be letters, digits, "_" and "-", starting with a letter.`);
}
