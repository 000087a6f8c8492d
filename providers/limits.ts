/**
 * Limits as a provider states them: the limit itself, the scope it is counted by, and the calls it applies to.
 * `chargesFor` turns a call into what the limiter must be asked for. Next: `limiter/acquire/acquire.ts`.
 */
import type { AccountFacts } from '../contracts/account.ts';
import type { Answer } from '../contracts/answers/answer.ts';
import { checkKnown, type NamesOf } from '../contracts/values/option-mistakes.ts';
import { specMistakes } from '../contracts/limits/limit-mistakes.ts';
import type {
  BucketLimit,
  CalendarLimit,
  Charge,
  InflightLimit,
  LearnedLimit,
  LimitSpec,
  NoLimit,
  QuotaHint,
  WindowLimit,
} from '../contracts/limits/limit.ts';

/** What is known of a call when its limits are computed. */
export interface CallFacts<Settings = unknown> extends AccountFacts<Settings> {
  readonly provider: string;
  readonly endpoint: string;
  /** Identity of the address the call leaves from: workers behind one NAT share it. */
  readonly ip: string;
  readonly input: unknown;
  readonly pageSize: number;
}

/** `token` is the account's credential (one per account and provider), `app` everything that this provider is asked. */
const scopeNames = ['app', 'token', 'account', 'tenant', 'ip', 'endpoint'] as const;
export type ScopeName = (typeof scopeNames)[number];
export type Scope<Settings = unknown> = ScopeName | ((call: CallFacts<Settings>) => string);

/** A number, or one that depends on the call, e.g. on the account's plan. Calls with the same key must get the same one. */
export type PerCall<Settings = unknown> = number | ((call: CallFacts<Settings>) => number);

export interface LimitDeclaration<Settings = unknown> {
  readonly name: string;
  /** Without the numbers that depend on the call. */
  readonly spec: LimitSpec;
  readonly specFor: (call: CallFacts<Settings>) => LimitSpec;
  readonly by: readonly Scope<Settings>[];
  readonly endpoints?: readonly string[];
  readonly except?: readonly string[];
  readonly cost: (call: CallFacts<Settings>) => number;
  readonly actualCost?: (answer: Answer) => number | undefined;
  readonly told?: (answer: Answer) => ToldQuota | undefined;
}

/** What an answer says of one limit. Fields that it does not tell are left out or undefined. */
export interface ToldQuota {
  /** Units that are left. Fewer than the limiter knew of were used by others. */
  readonly remaining?: number | undefined;
  /** The limit itself; for windows and calendars it is adopted: a lower one at once, a higher one after ten answers. */
  readonly max?: number | undefined;
  /** Until all of it is there again, in milliseconds. */
  readonly resetAfterMs?: number | undefined;
}

interface ScopeOptions<Settings> {
  /** What the third party counts by; several are combined. `['ip']` counts by address although a token was sent. */
  readonly by: readonly Scope<Settings>[];
  /** Only these endpoints. Default: all. */
  readonly endpoints?: readonly string[];
  /** All endpoints but these. */
  readonly except?: readonly string[];
}

interface CostOptions<Settings> extends ScopeOptions<Settings> {
  /** Units that a call takes, ≥ 0. Where only the answer tells them, the most that it may be. Default 1. */
  readonly cost?: PerCall<Settings>;
  /**
   * What the call really cost, read from its answer: the difference to `cost` is given back, or charged. Undefined where the
   * answer does not say. `numberAt('extensions.cost.actualQueryCost')` reads it from a JSON body.
   */
  readonly actualCost?: (answer: Answer) => number | undefined;
  /**
   * What the answer says of this limit where usual quota headers do not: in its body, or in headers of its own. Undefined where it says
   * nothing; else usual headers of that answer are not looked at. E.g. `told: (answer) => ({ remaining: numberAt('cost.left')(answer) })`.
   */
  readonly told?: (answer: Answer) => ToldQuota | undefined;
}

type Numbers<L, N extends keyof L, Settings> = { readonly [K in N]: PerCall<Settings> } & Omit<L, 'kind' | 'name' | N>;

/** A published limit: at most `max` in any window of `perMs`, or, with `aligned`, in each window of the clock. */
export function window<Settings = unknown>(
  name: string,
  options: CostOptions<Settings> & Numbers<WindowLimit, 'max', Settings>,
): LimitDeclaration<Settings> {
  return declare('window', name, options, ['max']);
}

/** A published limit: at most `max` in each day, week or month of a time zone. */
export function calendar<Settings = unknown>(
  name: string,
  options: CostOptions<Settings> & Numbers<CalendarLimit, 'max', Settings>,
): LimitDeclaration<Settings> {
  return declare('calendar', name, options, ['max']);
}

/** A published token bucket, or leaky bucket: `burst` at once, `perSecond` all the time. */
export function bucket<Settings = unknown>(
  name: string,
  options: CostOptions<Settings> & Numbers<BucketLimit, 'perSecond' | 'burst', Settings>,
): LimitDeclaration<Settings> {
  return declare('bucket', name, options, ['perSecond', 'burst']);
}

/** At most `max` calls in flight at once. */
export function inflight<Settings = unknown>(
  name: string,
  options: ScopeOptions<Settings> & Numbers<InflightLimit, 'max', Settings>,
): LimitDeclaration<Settings> {
  return declare('inflight', name, options, ['max']);
}

/** An unknown limit: the rate is learned from successes and refusals. */
export function learned<Settings = unknown>(
  name: string,
  options: CostOptions<Settings> & Omit<LearnedLimit, 'kind' | 'name'>,
): LimitDeclaration<Settings> {
  return declare('learned', name, options, []);
}

/**
 * Reads a number from a field of a JSON body: `numberAt('extensions.cost.actualQueryCost')`. Undefined where there is none.
 */
export function numberAt(path: string): (answer: Answer) => number | undefined {
  return ({ text }) => {
    let value: unknown;
    try {
      value = JSON.parse(text);
    } catch {
      return undefined; // no JSON, so it says nothing
    }
    for (const name of path.split('.')) value = (value as Record<string, unknown> | null | undefined)?.[name];
    return typeof value === 'number' ? value : undefined;
  };
}

/** The name under which calls are known of which no limit says how many there may be in a time. */
const UNLIMITED = 'unlimited';
const unlimited: NoLimit = { kind: 'none', name: UNLIMITED };

/**
 * Everything that one call takes, in the order of declaration; never nothing. What no limit applies to still stands
 * behind its provider's gates, and a refusal blocks its account. So it is where only calls at once are limited: how many
 * there may be in a time is known as little.
 */
export function chargesFor(limits: readonly LimitDeclaration[], call: CallFacts): Charge[] {
  const charges = limitsOf(limits, call);
  if (charges.some(({ limit }) => limit.kind !== 'inflight')) return charges;
  return [...charges, { limit: unlimited, key: `${call.provider}/${UNLIMITED}/${call.account}`, cost: 1 }];
}

function limitsOf(limits: readonly LimitDeclaration[], call: CallFacts): Charge[] {
  return limits
    .filter(
      ({ endpoints, except }) => (!endpoints || endpoints.includes(call.endpoint)) && !except?.includes(call.endpoint),
    )
    .map(({ name, specFor, by, cost }) => ({
      limit: specFor(call),
      key: [call.provider, name, ...by.map((scope) => keyPart(scopeValue(scope, call), by.length))].join('/'),
      cost: cost(call),
    }));
}

/**
 * What an answer says that its call has cost, by limit. Limits whose answers say nothing are left out.
 * @throws whatever a function of the provider throws.
 */
export function actualCosts(limits: readonly LimitDeclaration[], answer: Answer): Record<string, number> {
  const costs: Record<string, number> = {};
  for (const { name, actualCost } of limits) {
    const cost = actualCost?.(answer);
    if (cost !== undefined && Number.isFinite(cost) && cost >= 0) costs[name] = cost;
  }
  return costs;
}

const TOLD = { remaining: true, max: true, resetAfterMs: true } satisfies NamesOf<ToldQuota>;

/**
 * What an answer says of limits by name, in words of its own. @throws whatever a function of the provider throws.
 */
export function toldQuotas(limits: readonly LimitDeclaration[], answer: Answer): QuotaHint[] {
  return limits.flatMap(({ name, told }) => {
    const said = told?.(answer) ?? {};
    checkKnown(`\`told\` of limit "${name}"`, said, TOLD);
    const numbers = Object.entries(said).filter(([, value]) => Number.isFinite(value));
    return numbers.length === 0 ? [] : [{ ...Object.fromEntries(numbers), limit: name }];
  });
}

/** What is wrong with a declaration, in words; empty when it is fine. */
export function limitMistakes(
  { name, spec, by, endpoints, except, actualCost, told }: LimitDeclaration,
  known: readonly string[],
): string[] {
  const mistakes = specMistakes(spec);
  const at = `limit "${name}"`;
  if (name === UNLIMITED) mistakes.push(`${at}: the name is kept for calls that no limit applies to`);
  if (name === '' || name.includes('/')) mistakes.push(`${at}: its name must be given, without a "/"`);
  if (by.length === 0)
    mistakes.push(
      `${at}: \`by\` is empty; say what the third party counts by (${scopeNames.join(', ')}, or a function of the call)`,
    );
  for (const [option, given] of Object.entries({ actualCost, told }))
    if (given !== undefined && typeof given !== 'function')
      mistakes.push(`${at}: \`${option}\` must be a function of the answer, e.g. numberAt('cost.actual')`);
  for (const scope of by) {
    if (typeof scope === 'string' && !scopeNames.includes(scope))
      mistakes.push(
        `${at}: unknown scope "${scope as string}" in \`by\`; known are ${scopeNames.join(', ')}, or a function of the call`,
      );
  }
  for (const endpoint of [...(endpoints ?? []), ...(except ?? [])]) {
    if (!known.includes(endpoint))
      mistakes.push(`${at}: no endpoint "${endpoint}"; defined are ${known.join(', ') || 'none'}`);
  }
  return mistakes;
}

/** Different numbers that a limit was asked for, at most: beyond that specs are made anew each time, which only costs time. */
const MOST_SPECS = 1_000;

function declare<Settings>(
  kind: LimitSpec['kind'],
  name: string,
  options: CostOptions<Settings> & object,
  numbers: readonly string[],
): LimitDeclaration<Settings> {
  const { by, endpoints, except, cost = 1, actualCost, told, ...rest } = options;
  const given = rest as Readonly<Record<string, unknown>>;
  const perCall = numbers.filter((number) => typeof given[number] === 'function');
  const fixed = Object.fromEntries(Object.entries(given).filter(([, value]) => value !== undefined));
  const specWith = (values: Readonly<Record<string, number>>): LimitSpec =>
    ({ kind, name, ...fixed, ...values }) as unknown as LimitSpec;
  // A number that is fine stands for those that depend on the call: they are checked when they are known.
  const spec = specWith(Object.fromEntries(perCall.map((number) => [number, 1])));
  const specs = new Map<string, LimitSpec>();
  const specFor = (call: CallFacts<Settings>): LimitSpec => {
    const values = perCall.map((number) => (given[number] as (call: CallFacts<Settings>) => number)(call));
    const known = specs.get(values.join(' '));
    if (known) return known;
    const made = specWith(Object.fromEntries(perCall.map((number, index) => [number, values[index]!])));
    const mistakes = specMistakes(made);
    if (mistakes.length > 0)
      throw new TypeError(`${mistakes.join('; ')} (for account "${call.account}", endpoint "${call.endpoint}")`);
    if (specs.size < MOST_SPECS) specs.set(values.join(' '), made);
    return made;
  };
  return {
    name,
    spec,
    specFor: perCall.length === 0 ? () => spec : specFor,
    by,
    ...(endpoints === undefined ? {} : { endpoints }),
    ...(except === undefined ? {} : { except }),
    cost: typeof cost === 'number' ? () => cost : cost,
    ...(actualCost === undefined ? {} : { actualCost }),
    ...(told === undefined ? {} : { told }),
  };
}

/** A slash in one of several values must not look like the end of it: `a/b` and `c` are other callers than `a` and `b/c`. */
function keyPart(value: string, count: number): string {
  return count > 1 && /[%/]/.test(value) ? value.replaceAll('%', '%25').replaceAll('/', '%2F') : value;
}

function scopeValue(scope: Scope, call: CallFacts): string {
  if (typeof scope === 'function') return scope(call);
  switch (scope) {
    case 'app':
      return 'app';
    case 'token':
    case 'account':
      return call.account;
    case 'tenant':
      return call.tenant;
    case 'ip':
      return call.ip;
    case 'endpoint':
      return call.endpoint;
  }
}
