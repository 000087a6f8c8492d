/**
 * A provider: one third party, defined once. Base URL, credentials, limits, error rules, endpoints; all pure functions
 * and data. Next stop: `define-sync.ts` builds trees from its endpoints.
 */
import type { z } from 'zod';
import { plainHttpMistake } from '../../contracts/addresses.ts';
import type { Answer, RequestSpec } from '../../contracts/answer.ts';
import { AUTH_CALLS, type AuthCall } from '../../contracts/auth-calls.ts';
import type { Charge } from '../../contracts/limit.ts';
import type { Outcome } from '../../contracts/outcome.ts';
import { bearer, type Auth } from '../auth/auth.ts';
import {
  actionMistakes,
  createAction,
  type Action,
  type PerformActionOptions,
  type RequestActionOptions,
} from './define-action.ts';
import { defaultOutcome } from '../rules/default-rules.ts';
import { actualCosts, chargesFor, limitMistakes, type CallFacts, type LimitDeclaration } from '../limits.ts';
import { missingFunctions, unknownOptions, type NamesOf } from './option-mistakes.ts';
import { compilePagination, paginationMistakes, type AnyPaginate } from '../pagination/compile.ts';
import type { PageRequest, Paginate } from '../pagination/options.ts';
import type { Pagination } from '../pagination/pagination.ts';
import type { Classify } from '../rules/rules.ts';

export interface Timeouts {
  /** TCP and TLS handshake, milliseconds. Default 10,000. */
  readonly connectMs?: number;
  /** From sending to the status line, milliseconds. Default 30,000. */
  readonly headersMs?: number;
  /** Between two pieces of the body, milliseconds. Default 15,000. */
  readonly bodyMs?: number;
  /** The whole call, milliseconds: the ceiling that always interrupts. Default 60,000. */
  readonly totalMs?: number;
}

export interface ProviderOptions {
  /** Lower-case letters, digits and `-`; part of limit keys, workflow search attributes and reports. */
  readonly id: string;
  /** E.g. `https://api.social.example/v2`. Read at each call, so a function may take it from configuration. */
  readonly baseUrl: string | (() => string);
  /** Default: `bearer()`. */
  readonly auth?: Auth;
  /**
   * A cheap call that only a good token is answered with success, e.g. `get('/me')`. It decides where `suspectAuth()` doubts: the rules
   * of the provider say what its answer means. A provider whose credentials can't be refreshed needs one to use `suspectAuth()`.
   */
  readonly authProbe?: RequestSpec;
  /** Every one that matches a call is charged, all together or not at all. */
  readonly limits: readonly LimitDeclaration[];
  /** Rules of this third party; what they leave undecided follows the defaults for HTTP. */
  readonly classify?: Classify;
  /** Sent with every call, e.g. an API version. */
  readonly headers?: Readonly<Record<string, string>>;
  readonly timeouts?: Timeouts;
  /** A larger body, unpacked, is cut off and the page shrunk, in bytes. Default 8 MiB. */
  readonly maxBodyBytes?: number;
  /** Real attempts (waits are none) at one page before its unit fails. Default 10. */
  readonly maxAttempts?: number;
  /** `http:` addresses off this machine are called all the same, tokens and all. Default false. */
  readonly allowPlainHttp?: boolean;
  /** Addresses that come from an account or an answer may lead into a private network. Default false. */
  readonly allowPrivateAddresses?: boolean;
}

export interface Provider {
  readonly id: string;
  readonly baseUrl: () => string;
  readonly auth: Auth;
  readonly limits: readonly LimitDeclaration[];
  readonly headers: Readonly<Record<string, string>>;
  readonly timeouts: Required<Timeouts>;
  readonly maxBodyBytes: number;
  readonly maxAttempts: number;
  readonly allowPlainHttp: boolean;
  readonly allowPrivateAddresses: boolean;
  readonly endpoints: ReadonlyMap<string, Endpoint>;
  readonly actions: ReadonlyMap<string, Action>;
  /** What an answer says that its call has cost, by limit. @throws whatever the provider's own function throws. */
  readonly actualCosts: (answer: Answer) => Readonly<Record<string, number>>;
  readonly authProbe?: { readonly spec: RequestSpec; readonly decide: (answer: Answer) => Outcome };
  /** What a call for an account's credentials takes from the limits. */
  readonly authCharges: (name: AuthCall, call: Pick<CallFacts, 'account' | 'tenant' | 'ip'>) => readonly Charge[];
  /** Defines one endpoint. Input and items are inferred from the schemas. */
  endpoint<InputSchema extends z.ZodType, ResponseSchema extends z.ZodType, Item = z.output<ResponseSchema>>(
    name: string,
    options: EndpointOptions<z.output<InputSchema>, z.output<ResponseSchema>, Item> & {
      readonly input: InputSchema;
      readonly response: ResponseSchema;
    },
  ): Endpoint<z.input<InputSchema>, Item>;
  /** Defines one write. Input and output are inferred from the schemas; limits may name it like an endpoint. */
  action<InputSchema extends z.ZodType, OutputSchema extends z.ZodType>(
    name: string,
    options: RequestActionOptions<z.output<InputSchema>, z.output<OutputSchema>, z.input<OutputSchema>> & {
      readonly input: InputSchema;
      readonly output: OutputSchema;
    },
  ): Action<z.input<InputSchema>, z.output<OutputSchema>>;
  action<InputSchema extends z.ZodType, OutputSchema extends z.ZodType>(
    name: string,
    options: PerformActionOptions<z.output<InputSchema>, z.output<OutputSchema>, z.input<OutputSchema>> & {
      readonly input: InputSchema;
      readonly output: OutputSchema;
    },
  ): Action<z.input<InputSchema>, z.output<OutputSchema>>;
  /** Everything wrong with the definition, in words; checked when a sync is defined over it and when a worker starts. */
  mistakes(): string[];
}

export interface EndpointOptions<Input, Response, Item> {
  /** The call. Pure: asked again for every attempt, so a shrunk page or a new token is in it. */
  readonly request: (input: Input, page: PageRequest) => RequestSpec;
  /** How its list is cut into pages, e.g. `{ kind: 'cursor', items, next }`. Default: the answer is the one item. */
  readonly paginate?: Paginate<Response, Item, Input>;
  /** Rules for this endpoint alone; asked before the provider's. */
  readonly classify?: Classify;
  /** Overrides the provider's ceiling of a whole call, milliseconds. */
  readonly totalTimeoutMs?: number;
  /**
   * What becomes of rows that do not fit: those that the schema refuses, whose `key` or `map` throws, or that can't be stored.
   * `fail`: their list fails when the same answer comes twice. `quarantine`: they are set aside, the others are stored, the list goes
   * on and ends as `flawed`. Default `fail`.
   */
  readonly onMismatch?: 'fail' | 'quarantine';
}

/** One endpoint, ready to be called. `Input` is what a sync must supply, `Item` one row of its answer. */
// The default arguments stand for "any endpoint": code that runs endpoints knows their types only at run time.
export interface Endpoint<Input = never, Item = unknown> {
  readonly name: string;
  readonly provider: Provider;
  readonly parseInput: (input: unknown) => unknown;
  /** @throws ZodError when the answer has another shape than the schema says. */
  readonly parseResponse: (json: unknown) => unknown;
  readonly request: (input: unknown, page: PageRequest) => RequestSpec;
  readonly paginate: Pagination;
  /** What an answer means: the endpoint's rules, then the provider's, then the defaults for HTTP. */
  readonly decide: (answer: Answer) => Outcome;
  /** What a call takes from the provider's limits. */
  readonly charges: (call: Omit<CallFacts, 'provider' | 'endpoint'>) => readonly Charge[];
  readonly totalTimeoutMs: number;
  readonly onMismatch: 'fail' | 'quarantine';
  /** Types only; never set. */
  readonly $types?: { readonly input: (input: Input) => void; readonly item: Item };
}

const PROVIDER_OPTIONS = {
  id: true,
  baseUrl: true,
  auth: true,
  authProbe: true,
  limits: true,
  classify: true,
  headers: true,
  timeouts: true,
  maxBodyBytes: true,
  maxAttempts: true,
  allowPlainHttp: true,
  allowPrivateAddresses: true,
} satisfies NamesOf<ProviderOptions>;

const ENDPOINT_OPTIONS = {
  input: true,
  response: true,
  request: true,
  paginate: true,
  classify: true,
  totalTimeoutMs: true,
  onMismatch: true,
} satisfies NamesOf<
  EndpointOptions<unknown, unknown, unknown> & { readonly input: unknown; readonly response: unknown }
>;

const timeoutDefaults = {
  connectMs: 10_000,
  headersMs: 30_000,
  bodyMs: 15_000,
  totalMs: 60_000,
} satisfies Required<Timeouts>;

/**
 * Defines a provider. Mistakes are collected and reported together when a sync is defined over it.
 * @example
 * const social = defineProvider({ id: 'social', baseUrl: 'https://api.social.example', limits: [window('app', { by: ['app'], max: 5_000, perMs: hours(1) })] });
 */
export function defineProvider(options: ProviderOptions): Provider {
  const endpoints = new Map<string, Endpoint>();
  const actions = new Map<string, Action>();
  const mistakes: string[] = [];
  const timeouts = { ...timeoutDefaults, ...options.timeouts };
  const { baseUrl } = options;
  // Without the type checker they may be missing; that is one of the mistakes.
  const declared = options.limits as readonly LimitDeclaration[] | undefined;
  const limits = declared ?? [];
  const provider: Provider = {
    id: options.id,
    baseUrl: typeof baseUrl === 'function' ? baseUrl : () => baseUrl,
    auth: options.auth ?? bearer(),
    limits,
    headers: options.headers ?? {},
    timeouts,
    maxBodyBytes: options.maxBodyBytes ?? 8 * 1024 * 1024,
    maxAttempts: options.maxAttempts ?? 10,
    allowPlainHttp: options.allowPlainHttp ?? false,
    allowPrivateAddresses: options.allowPrivateAddresses ?? false,
    endpoints,
    actions,
    actualCosts: (answer) => actualCosts(limits, answer),
    ...(options.authProbe
      ? {
          authProbe: {
            spec: options.authProbe,
            decide: (answer) => options.classify?.(answer) ?? defaultOutcome(answer),
          },
        }
      : {}),
    authCharges: (endpoint, call) =>
      chargesFor(limits, { ...call, provider: options.id, endpoint, input: {}, pageSize: 0 }),
    endpoint(name, endpointOptions) {
      const { input, response, request, paginate, classify, totalTimeoutMs, onMismatch = 'fail' } = endpointOptions;
      if (endpoints.has(name) || actions.has(name)) mistakes.push(`endpoint "${name}" is defined twice`);
      for (const mistake of [
        ...missingFunctions(endpointOptions, ['request']),
        ...unknownOptions(endpointOptions, ENDPOINT_OPTIONS),
      ])
        mistakes.push(`endpoint "${name}": ${mistake}`);
      for (const mistake of paginationMistakes(paginate as AnyPaginate | undefined))
        mistakes.push(`endpoint "${name}": ${mistake}`);
      if (!['fail', 'quarantine'].includes(onMismatch))
        mistakes.push(`endpoint "${name}": onMismatch is "${onMismatch}"; it must be "fail" or "quarantine"`);
      const endpoint: Endpoint = {
        name,
        provider,
        parseInput: (value) => input.parse(value),
        parseResponse: (json) => response.parse(json),
        // The schemas of this very call typed these functions; from here on inputs are checked at run time.
        request: request as Endpoint['request'],
        paginate: compilePagination(paginate as AnyPaginate | undefined),
        decide: (answer) =>
          classify?.(answer) ??
          options.classify?.(answer) ??
          defaultOutcome(answer, { isList: paginate !== undefined }),
        charges: (call) => chargesFor(limits, { ...call, provider: options.id, endpoint: name }),
        totalTimeoutMs: totalTimeoutMs ?? timeouts.totalMs,
        onMismatch,
      };
      endpoints.set(name, endpoint);
      return endpoint as never;
    },
    action(name: string, actionOptions: object) {
      if (endpoints.has(name) || actions.has(name)) mistakes.push(`action "${name}" is defined twice`);
      if (!/^[A-Za-z][A-Za-z0-9_-]*$/.test(name))
        mistakes.push(`action "${name}": use letters, digits, "_" and "-", starting with a letter`);
      for (const mistake of actionMistakes(actionOptions)) mistakes.push(`action "${name}": ${mistake}`);
      const action = createAction(
        {
          provider,
          classify: options.classify,
          decideRead: (answer, own) => own?.(answer) ?? options.classify?.(answer) ?? defaultOutcome(answer),
          charges: (endpoint, call) => chargesFor(limits, { ...call, provider: options.id, endpoint }),
        },
        name,
        // The schemas of this very call typed these functions; from here on inputs are checked at run time.
        actionOptions as Parameters<typeof createAction>[2],
      );
      actions.set(name, action);
      return action as never;
    },
    mistakes: () => [
      ...mistakes,
      ...providerMistakes({ ...options, limits }, [...endpoints.keys(), ...actions.keys()]),
      ...[
        ...unknownOptions(options, PROVIDER_OPTIONS),
        ...(declared ? [] : ['`limits` is missing; write `limits: []` when there are none']),
      ].map((text) => `provider "${options.id}": ${text}`),
    ],
  };
  return provider;
}

function providerMistakes(options: ProviderOptions, endpoints: readonly string[]): string[] {
  const mistakes: string[] = [];
  const say = (text: string) => mistakes.push(text);
  if (!/^[a-z][a-z0-9-]*$/.test(options.id))
    say(`id "${options.id}": use lower-case letters, digits and "-", starting with a letter`);
  if (typeof options.baseUrl === 'string' && !URL.canParse(options.baseUrl))
    say(`baseUrl "${options.baseUrl}" is not an absolute URL`);
  if (!options.allowPlainHttp) mistakes.push(...plainHttpMistakes(options));
  const names = options.limits.map(({ name }) => name);
  for (const name of new Set(names.filter((name, index) => names.indexOf(name) !== index)))
    say(`limit "${name}" is defined twice`);
  for (const name of AUTH_CALLS)
    if (endpoints.includes(name))
      say(`no endpoint may be called "${name}": under this name limits know a call for an account's credentials`);
  const ofAuth = { refresh: options.auth?.refresh, probe: options.authProbe, revoke: options.auth?.revoke };
  const authCalls = AUTH_CALLS.filter((name) => ofAuth[name] !== undefined);
  for (const declaration of options.limits) mistakes.push(...limitMistakes(declaration, [...endpoints, ...authCalls]));
  return mistakes.map((text) => `provider "${options.id}": ${text}`);
}

/** What a function gives is looked at when it is called. */
function plainHttpMistakes({ baseUrl, auth }: ProviderOptions): string[] {
  const addresses = {
    baseUrl: typeof baseUrl === 'string' ? baseUrl : '',
    'the refresh of credentials': auth?.refresh?.url ?? '',
  };
  return Object.entries(addresses).flatMap(([what, address]) => {
    const mistake = plainHttpMistake(address);
    return mistake === undefined ? [] : [`${what} ${mistake}`];
  });
}

export type { CallFacts };
