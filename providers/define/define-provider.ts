/**
 * A provider: one third party, defined once. Base URL, credentials, limits, error rules, endpoints; all pure functions
 * and data. Next: `define-sync.ts` builds trees from its endpoints.
 */
import type { z } from 'zod';
import { readerOf } from '../../contracts/values/misfits.ts';
import type { AccountFacts } from '../../contracts/account.ts';
import type { Answer, RequestSpec } from '../../contracts/answers/answer.ts';
import type { AuthCall } from '../../contracts/limits/auth-calls.ts';
import type { Charge, QuotaHint } from '../../contracts/limits/limit.ts';
import type { Outcome } from '../../contracts/answers/outcome.ts';
import { bearer, type Auth } from '../auth/auth.ts';
import { actionMistakes } from './mistakes/action-mistakes.ts';
import {
  createAction,
  type Action,
  type CommonOptions,
  type PerformActionOptions,
  type RequestActionOptions,
} from './define-action.ts';
import { createLimits, unknownInRules, unknownLimit } from '../own-limits.ts';
import { defaultOutcome } from '../rules/default-rules.ts';
import { openOutcome } from '../rules/open-rules.ts';
import { actualCosts, chargesFor, toldQuotas, type CallFacts, type LimitDeclaration } from '../limits.ts';
import { asyncFunctions, unknownOptions, wrongFunctions } from '../../contracts/values/option-mistakes.ts';
import { compilePagination, type AnyPaginate } from '../pagination/compile.ts';
import type { PageRequest } from '../pagination/options.ts';
import { createAddresses } from './account-address.ts';
import { createSettingsReader, type SettingsReader } from './account-settings.ts';
import { compileJob } from './compile-job.ts';
import { inFormat, namesForLimits, type Endpoint, type EndpointOptions, type JobPage } from './endpoint.ts';
import type { AnyJobOptions, JobOptions } from './job-options.ts';
import type { Kept } from './kept.ts';
import { NO_JOB } from '../../contracts/job.ts';
import { compileFile, isFileFormat } from '../files/file-format.ts';
import { endpointMistakes } from './mistakes/endpoint-mistakes.ts';
import type { Classify } from '../rules/rules.ts';
import { PROVIDER_OPTIONS, providerMistakes, type ProviderOptions, type Timeouts } from './provider-options.ts';

/** `Settings` are those of an account as its functions see them, `Given` as `accounts.connect()` takes them. */
export interface Provider<Settings = unknown, Given = unknown> {
  readonly id: string;
  /** @throws TypeError when it leads to a host that the definition does not allow. */
  readonly baseUrl: (of: AccountFacts) => string;
  /** Hosts of the definition; undefined: the origin of the base URL alone. */
  readonly hosts: readonly string[] | undefined;
  /** Whether the base URL is made from the account. */
  readonly isBaseFromAccount: boolean;
  readonly settingsOf: SettingsReader;
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
  /** What an answer says of limits by name. @throws whatever the provider's own function throws. */
  readonly toldQuotas: (answer: Answer) => readonly QuotaHint[];
  /** What is wrong with a limit that a rule names, in words; undefined when there is one of that name. */
  readonly unknownLimit: (named: string) => string | undefined;
  readonly authProbe?: { readonly spec: RequestSpec; readonly decide: (answer: Answer) => Outcome };
  /** What a call for an account's credentials takes from the limits. */
  readonly authCharges: (
    name: AuthCall,
    call: Pick<CallFacts, 'account' | 'tenant' | 'settings' | 'ip'>,
  ) => readonly Charge[];
  /** Defines one endpoint. Input and items are inferred from the schemas. */
  endpoint<
    InputSchema extends z.ZodType,
    ResponseSchema extends z.ZodType,
    Item = z.output<ResponseSchema>,
    Submitted extends z.ZodType = z.ZodType,
    Polled extends z.ZodType = z.ZodType,
  >(
    name: string,
    options: EndpointOptions<z.output<InputSchema>, z.output<ResponseSchema>, Item, Settings> & {
      readonly input: InputSchema;
      readonly response: ResponseSchema;
      /** The list has to be ordered: a job is made and asked for until it is done. Then `request` gets it as `page.job`. */
      readonly job?: JobOptions<z.output<InputSchema>, Submitted, Polled, Settings>;
    },
  ): Endpoint<z.input<InputSchema>, Item>;
  /** Defines one write. Input and output are inferred from the schemas; limits may name it like an endpoint. */
  action<
    InputSchema extends z.ZodType,
    OutputSchema extends z.ZodType,
    ResponseSchema extends z.ZodType = z.ZodUnknown,
  >(
    name: string,
    options: RequestActionOptions<
      z.output<InputSchema>,
      Kept<z.output<OutputSchema>>,
      z.input<OutputSchema>,
      Settings,
      z.output<ResponseSchema>
    > & {
      readonly input: InputSchema;
      readonly output: OutputSchema;
      /** The body of the answer, where it is not the output: what `made` gets. Default: unknown. */
      readonly response?: ResponseSchema;
    },
  ): Action<z.input<InputSchema>, Kept<z.output<OutputSchema>>>;
  action<InputSchema extends z.ZodType, OutputSchema extends z.ZodType>(
    name: string,
    options: PerformActionOptions<
      z.output<InputSchema>,
      Kept<z.output<OutputSchema>>,
      z.input<OutputSchema>,
      Settings
    > & {
      readonly input: InputSchema;
      readonly output: OutputSchema;
    },
  ): Action<z.input<InputSchema>, Kept<z.output<OutputSchema>>>;
  /** Everything wrong with the definition, in words; checked when a sync is defined over it and when a worker starts. */
  mistakes(): string[];
  /** Types only; never set. */
  readonly $settings?: Given;
}

const timeoutDefaults = {
  connectMs: 10_000,
  headersMs: 30_000,
  bodyMs: 15_000,
  totalMs: 60_000,
} satisfies Required<Timeouts>;

const ofWhat = (what: string, wrong: readonly string[]): string[] => wrong.map((mistake) => `${what}: ${mistake}`);

/** A page with a job stays as it is: its getters say what a request looks at. */
function withJob(page: PageRequest | JobPage): JobPage {
  return 'job' in page ? page : { ...page, job: NO_JOB };
}

/**
 * Defines a provider. The schema of what its accounts need besides secrets (a shop's domain, a region, a plan), where there is one, comes
 * first: `settings` have its type in all functions that follow. Mistakes are collected and reported together when a sync is defined over it.
 * @example
 * const social = defineProvider({ id: 'social', baseUrl: 'https://api.social.example', limits: [window('app', { by: ['app'], max: 5_000, perMs: hours(1) })] });
 * const shop = defineProvider(z.object({ domain: z.string() }), { id: 'shop', baseUrl: ({ settings }) => `https://${settings.domain}`, hosts: ['*.shop.example'], limits: [] });
 */
export function defineProvider<Schema extends z.ZodType>(
  settings: Schema,
  options: ProviderOptions<z.output<Schema>>,
): Provider<z.output<Schema>, z.input<Schema>>;
export function defineProvider(options: ProviderOptions): Provider<undefined, undefined>;
export function defineProvider(first: z.ZodType | ProviderOptions, second?: ProviderOptions<unknown>): Provider {
  // With two arguments the first is a schema; its type has typed the functions of the second.
  const [schema, options] = second ? [first as z.ZodType, second] : [undefined, first as ProviderOptions<unknown>];
  const endpoints = new Map<string, Endpoint>();
  const actions = new Map<string, Action>();
  const mistakes: string[] = [];
  /** Rules may name limits that an endpoint defined later brings. */
  const ruled: { readonly of: string; readonly classify: Classify | undefined }[] = [];
  const timeouts = { ...timeoutDefaults, ...options.timeouts };
  // Without the type checker they may be missing; that is one of the mistakes.
  const declared = options.limits as readonly LimitDeclaration[] | undefined;
  const { all: limits, add: addLimits } = createLimits(declared ?? []);
  const provider: Provider = {
    id: options.id,
    ...createAddresses(options),
    settingsOf: createSettingsReader(options.id, schema),
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
    toldQuotas: (answer) => toldQuotas(limits, answer),
    unknownLimit: (named) => unknownLimit(named, limits),
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
      const {
        input,
        response,
        request,
        paginate,
        format: stated,
        classify,
        conditional,
        openHosts,
        job,
        totalTimeoutMs,
        onMismatch = 'fail',
      } = endpointOptions;
      if (endpoints.has(name) || actions.has(name)) mistakes.push(`endpoint "${name}" is defined twice`);
      mistakes.push(...ofWhat(`endpoint "${name}"`, endpointMistakes(endpointOptions)));
      const isFile = isFileFormat(stated);
      const format = isFile ? undefined : stated;
      const pagination = inFormat(compilePagination(paginate as AnyPaginate | undefined), format);
      const jobOptions = job as AnyJobOptions | undefined;
      const asked = request as (input: unknown, page: JobPage, of: AccountFacts) => RequestSpec;
      const endpoint: Endpoint = {
        name,
        provider,
        parseInput: readerOf(input, `The input of endpoint "${name}"`),
        parseResponse: (json) => response.parse(json),
        // The schemas of this very call typed these functions; from here on inputs are checked at run time.
        request: (from, page, of) => asked(from, withJob(page), of),
        paginate: pagination,
        job: jobOptions && compileJob(jobOptions, { own: classify, provider: options.classify }),
        openHosts: openHosts ?? [],
        decideOpen: openOutcome,
        openCharges: (call) => chargesFor([], { ...call, provider: options.id, endpoint: name }),
        format,
        file: isFile ? compileFile(stated) : undefined,
        decide: (answer) =>
          classify?.(answer) ??
          options.classify?.(answer) ??
          defaultOutcome(answer, { isList: paginate !== undefined }),
        charges: (call) => chargesFor(limits, { ...call, provider: options.id, endpoint: name }),
        jobCharges: (kind, call) => chargesFor(limits, { ...call, provider: options.id, endpoint: `${name}.${kind}` }),
        totalTimeoutMs: totalTimeoutMs ?? timeouts.totalMs,
        onMismatch,
        conditional,
      };
      endpoints.set(name, endpoint);
      ruled.push({ of: `endpoint "${name}"`, classify });
      mistakes.push(...ofWhat(`endpoint "${name}"`, addLimits(endpointOptions.limits, namesForLimits(endpoint))));
      return endpoint as never;
    },
    action(name: string, actionOptions: object) {
      if (endpoints.has(name) || actions.has(name)) mistakes.push(`action "${name}" is defined twice`);
      if (!/^[A-Za-z][A-Za-z0-9_-]*$/.test(name))
        mistakes.push(`action "${name}": use letters, digits, "_" and "-", starting with a letter`);
      mistakes.push(...ofWhat(`action "${name}"`, actionMistakes(actionOptions)));
      const action = createAction(
        {
          provider,
          classify: options.classify,
          decideRead: (answer) => options.classify?.(answer) ?? defaultOutcome(answer),
          charges: (endpoint, call) => chargesFor(limits, { ...call, provider: options.id, endpoint }),
        },
        name,
        // The schemas of this very call typed these functions; from here on inputs are checked at run time.
        actionOptions as Parameters<typeof createAction>[2],
      );
      actions.set(name, action);
      ruled.push({ of: `action "${name}"`, classify: (actionOptions as { classify?: Classify }).classify });
      mistakes.push(...ofWhat(`action "${name}"`, addLimits((actionOptions as CommonOptions<unknown>).limits, [name])));
      return action as never;
    },
    mistakes: () => [
      ...mistakes,
      ...ruled.flatMap(({ of, classify }) => ofWhat(of, unknownInRules(classify, limits))),
      ...providerMistakes({ ...options, limits }, schema !== undefined, [
        ...[...endpoints.values()].flatMap(namesForLimits),
        ...actions.keys(),
      ]),
      ...[
        ...asyncFunctions(options),
        ...unknownOptions(options, PROVIDER_OPTIONS),
        ...wrongFunctions(options, ['classify']),
        ...unknownInRules(options.classify, limits),
        ...('settings' in options
          ? ['the schema of settings comes first: defineProvider(z.object({ … }), { id, … })']
          : []),
        ...(schema === undefined || 'parse' in schema
          ? []
          : ['the first of two arguments must be the zod schema of the settings']),
        ...(declared ? [] : ['`limits` is missing; write `limits: []` when there are none']),
      ].map((text) => `provider "${options.id}": ${text}`),
    ],
  };
  return provider;
}

export type { CallFacts };
export type { Endpoint, EndpointOptions, JobPage } from './endpoint.ts';
export type { ProviderOptions, Timeouts } from './provider-options.ts';
