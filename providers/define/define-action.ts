/**
 * An action: one write to a third party, defined once. What is sent, how its fate is looked up when an answer is lost, and
 * how it is taken back; all of it runs only in activities. Next: `client/action/act.ts` starts one,
 * `activities/action/perform-action.ts` makes its calls.
 */
import type { z } from 'zod';
import { readerOf } from '../../contracts/values/misfits.ts';
import type { AccountFacts } from '../../contracts/account.ts';
import type { BodyFormat } from '../../contracts/answers/body-format.ts';
import type { ConflictPolicy } from '../../contracts/action.ts';
import type { Answer, RequestSpec } from '../../contracts/answers/answer.ts';
import type { Credentials } from '../../contracts/secrets/credentials.ts';
import type { Charge } from '../../contracts/limits/limit.ts';
import type { OwnLimits } from '../own-limits.ts';
import type { Outcome } from '../../contracts/answers/outcome.ts';
import type { CallFacts, Provider } from './define-provider.ts';
import type { AnswerFacts, Guards } from '../pagination/options.ts';
import type { Classify } from '../rules/rules.ts';
import { readKept } from './kept.ts';
import { absenceIn, defaultWriteOutcome, strictWriteOutcome } from '../rules/write-rules.ts';

/** What every function of an action may know besides its input. The same over retries, kills and restarts. */
export interface ActionContext<Settings = unknown> extends AccountFacts<Settings> {
  /** Send it to the third party where it takes one; else make the new object's own id from it. A UUID. */
  readonly idempotencyKey: string;
  /** ISO time at which the action was accepted: for bodies that carry a time and must not change. */
  readonly acceptedAt: string;
}

/** What `perform` gets besides: for services that have a client library of their own. */
export interface PerformContext<Settings = unknown> extends ActionContext<Settings> {
  readonly credentials: Credentials | undefined;
  /** Aborted at the ceiling of the call. Pass it on: what goes on after it is not heard. */
  readonly signal: AbortSignal;
}

export interface Conflicts<Input> {
  /** What must not be worked on twice at once, in the app's own words: `note/42`. Shared by all actions and accounts. */
  readonly entity: (input: Input, of: { readonly account: string }) => string;
  /** Default `wait`. */
  readonly policy?: ConflictPolicy;
}

export interface CommonOptions<Input, Settings = never> {
  /** One line about this very action for reports; no secrets. Default: its name. */
  readonly what?: (input: Input) => string;
  /**
   * True when a repeated write with the same idempotency key (or the same object id) makes no second object. Then an
   * unknown outcome is repeated; without it and without `whenUnknown` a person must decide. Default false.
   */
  readonly idempotent?: boolean;
  /**
   * How long the third party knows a key after it was first sent, in milliseconds, ≥ 1; `Infinity` for an object's own id. Later
   * than that an unknown outcome is not repeated: it is looked up, or left to a person. Default 24 hours, as most services have it.
   */
  readonly keyGoodForMs?: number;
  readonly conflicts?: Conflicts<Input>;
  /** Limits that its calls take besides those of the provider that apply to all: see `limits` of an endpoint. Default: none. */
  readonly limits?: OwnLimits<Settings>;
  /** Real attempts (waits are none). Default: the provider's. */
  readonly maxAttempts?: number;
  /** Ceiling of the whole call in milliseconds. Default: the provider's. */
  readonly totalTimeoutMs?: number;
}

/** A write that is one HTTP request. `Found` is what the schema of outputs takes, `Output` what it makes of it, `Response` what is answered. */
export interface RequestActionOptions<
  Input,
  Output,
  Found = Output,
  Settings = unknown,
  Response = unknown,
> extends CommonOptions<Input, NoInfer<Settings>> {
  /** Pure: asked again for every attempt. */
  readonly request: (input: Input, context: ActionContext<Settings>) => RequestSpec;
  /**
   * The output, where the answer's body is not it, as where a header alone names what was made: `(_, { headers }) => ({ id: headers.location })`.
   * It goes through the schema `output`. An empty body is null. The body is unknown, or what the schema `response` makes of it. Default: the body.
   */
  readonly made?: (answer: Response, facts: AnswerFacts<Input>, input: Input) => Found;
  readonly whenUnknown?: {
    /** Asks whether the write is there. 404 and 410 say that it is not. */
    readonly lookup: (input: Input, context: ActionContext<Settings>) => RequestSpec;
    /**
     * The output, from the body of the look-up: it goes through the schema `output`. Undefined when the write is not there. That is not
     * believed of an answer that has more pages, or came full: the write is left to a person.
     */
    readonly found: (answer: unknown, input: Input, context: ActionContext<Settings>) => Found | undefined;
    /** `{ 'more-told': false }`: the page that is read surely has it, e.g. of a list whose newest come first. Default: not believed. */
    readonly guards?: Partial<Pick<Guards, 'more-told'>>;
    /** Not before this long after the write was sent, in milliseconds: it may still arrive. Default 2,000. */
    readonly afterMs?: number;
  };
  /** The request that takes the write back, in a saga. May be sent more than once; 404 and 410 count as done. */
  readonly compensate?: (output: Output, input: Input, context: ActionContext<Settings>) => RequestSpec;
  /**
   * In which format its good answers are, those of its look-up too: `json`, `ndjson` or `csv` (the answer is a list of rows), `xml`, `text`
   * (the answer is the text), or with options, as of an endpoint. Default: what the content type says clearly, else JSON.
   */
  readonly format?: BodyFormat;
  /** Rules for this action alone; asked before the provider's. */
  readonly classify?: Classify;
}

/** A write through a client library: mail, a payment SDK, a database. Exactly one call, please. */
export interface PerformActionOptions<Input, Output, Found = Output, Settings = unknown> extends CommonOptions<
  Input,
  NoInfer<Settings>
> {
  /**
   * Throw `CallFailed` for what is known not to have happened. Any other error means that nobody knows, unless the
   * connection was refused or never made.
   */
  readonly perform: (input: Input, context: PerformContext<Settings>) => Promise<Found>;
  readonly whenUnknown?: {
    /** The output when the write is there: it goes through the schema `output`. Else undefined. */
    readonly lookup: (input: Input, context: PerformContext<Settings>) => Promise<Found | undefined>;
    readonly afterMs?: number;
  };
  readonly compensate?: (output: Output, input: Input, context: PerformContext<Settings>) => Promise<void>;
}

/** What is known of a call that `perform` made and that has failed. */
export class CallFailed extends Error {
  readonly outcome: Outcome;
  constructor(outcome: Outcome & { readonly reason: string }) {
    super(outcome.reason);
    this.name = 'CallFailed';
    this.outcome = outcome;
  }
}

/** An action, ready to be started. `Input` is what the app must give, `Output` what it gets. */
export interface Action<Input = never, Output = unknown> {
  readonly definition: ActionDefinition;
  /** Types only; never set. */
  readonly $types?: { readonly input: (input: Input) => void; readonly output: Output };
}

export interface ActionDefinition {
  readonly name: string;
  /** `provider/name`. */
  readonly id: string;
  readonly provider: Provider;
  readonly parseInput: (input: unknown) => unknown;
  /** @throws ZodError when the answer has another shape than the schema says. */
  readonly parseOutput: (value: unknown) => unknown;
  /** What `made` gets. @throws ZodError for a body of another shape. */
  readonly parseResponse: (body: unknown) => unknown;
  /** The same for an output as it is kept, whose dates are texts. */
  readonly parseKept: (value: unknown) => unknown;
  readonly what: (input: unknown) => string;
  readonly way:
    | ({ readonly kind: 'request' } & Pick<
        RequestActionOptions<unknown, unknown>,
        'request' | 'made' | 'whenUnknown' | 'compensate' | 'format'
      >)
    | ({ readonly kind: 'perform' } & Pick<
        PerformActionOptions<unknown, unknown>,
        'perform' | 'whenUnknown' | 'compensate'
      >);
  /** What an answer to a write means. */
  readonly decide: (answer: Answer) => Outcome;
  /** What an answer to a look-up means: an ordinary read. */
  readonly decideLookup: (answer: Answer) => Outcome;
  /** What an answer to a compensation means. */
  readonly decideUndo: (answer: Answer) => Outcome;
  readonly charges: (call: Omit<CallFacts, 'provider' | 'endpoint'>) => readonly Charge[];
  /** How long after its first sending a write of unknown outcome may be repeated, in milliseconds; 0: never. */
  readonly repeatWithinMs: number;
  readonly conflicts: Required<Conflicts<unknown>> | undefined;
  readonly maxAttempts: number;
  readonly totalTimeoutMs: number;
  /** Wait this long after sending before a look-up, in milliseconds. */
  readonly lookupAfterMs: number;
}

/** What an action needs of its provider's inside; `define-provider.ts` gives it. */
export interface ActionHost {
  readonly provider: Provider;
  readonly classify: Classify | undefined;
  /** What HTTP and the rules say of an answer to a read. */
  readonly decideRead: (answer: Answer) => Outcome;
  readonly charges: (endpoint: string, call: Omit<CallFacts, 'provider' | 'endpoint'>) => readonly Charge[];
}

const LOOKUP_AFTER_MS = 2_000;
const KEY_GOOD_FOR_MS = 86_400_000;

type AnyOptions = RequestActionOptions<unknown, unknown> | PerformActionOptions<unknown, unknown>;

/** Compiles an action. Called by `provider.action(…)`, which knows the types. */
export function createAction(
  host: ActionHost,
  name: string,
  options: AnyOptions & { readonly input: z.ZodType; readonly output: z.ZodType; readonly response?: z.ZodType },
): Action {
  const { provider } = host;
  const classify = 'request' in options ? options.classify : undefined;
  const { conflicts, what, idempotent = false, keyGoodForMs = KEY_GOOD_FOR_MS } = options;
  const decide = (answer: Answer): Outcome =>
    classify?.(answer) ??
    strictWriteOutcome(host.classify?.(answer), answer) ??
    defaultWriteOutcome(answer, { idempotent });
  const definition: ActionDefinition = {
    name,
    id: `${provider.id}/${name}`,
    provider,
    parseInput: readerOf(options.input, `The input of action "${provider.id}/${name}"`),
    parseOutput: (value) => options.output.parse(value),
    parseResponse: (body) => (options.response ? options.response.parse(body) : body),
    parseKept: (value) => readKept((output) => options.output.parse(output), value),
    what: (input) => what?.(input) ?? `${provider.id}/${name}`,
    way:
      'request' in options
        ? {
            kind: 'request',
            request: options.request,
            ...(options.made ? { made: options.made } : {}),
            ...(options.format ? { format: options.format } : {}),
            ...(options.whenUnknown ? { whenUnknown: options.whenUnknown } : {}),
            ...(options.compensate ? { compensate: options.compensate } : {}),
          }
        : {
            kind: 'perform',
            perform: options.perform,
            ...(options.whenUnknown ? { whenUnknown: options.whenUnknown } : {}),
            ...(options.compensate ? { compensate: options.compensate } : {}),
          },
    decide,
    decideLookup: (answer) => classify?.(answer) ?? absenceIn(host.decideRead(answer), answer),
    decideUndo: (answer) => classify?.(answer) ?? absenceIn(decide(answer), answer),
    charges: (call) => host.charges(name, call),
    repeatWithinMs: idempotent ? keyGoodForMs : 0,
    conflicts: conflicts && { policy: 'wait', ...conflicts },
    maxAttempts: options.maxAttempts ?? provider.maxAttempts,
    totalTimeoutMs: options.totalTimeoutMs ?? provider.timeouts.totalMs,
    lookupAfterMs: options.whenUnknown?.afterMs ?? LOOKUP_AFTER_MS,
  };
  return { definition };
}
