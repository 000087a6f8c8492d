/**
 * Limits as a provider states them: the limit itself, the scope it is counted by, and the calls it applies to.
 * `chargesFor` turns a call into what the limiter must be asked for. Next stop: `limiter/acquire/acquire.ts`.
 */
import type { Charge, InflightLimit, LearnedLimit, LimitSpec, WindowLimit } from '../contracts/limit.ts';

/** What is known of a call when its limits are computed. */
export interface CallFacts {
  readonly provider: string;
  readonly endpoint: string;
  readonly account: string;
  readonly tenant: string;
  /** Identity of the address the call leaves from: workers behind one NAT share it. */
  readonly ip: string;
  readonly input: unknown;
  readonly pageSize: number;
}

/** `token` is the account's credential (one per account and provider), `app` everything that this provider is asked. */
export const scopeNames = ['app', 'token', 'account', 'tenant', 'ip', 'endpoint'] as const;
export type ScopeName = (typeof scopeNames)[number];
export type Scope = ScopeName | ((call: CallFacts) => string);

export interface LimitDeclaration {
  readonly spec: LimitSpec;
  readonly by: readonly Scope[];
  readonly endpoints?: readonly string[];
  readonly except?: readonly string[];
  readonly cost: (call: CallFacts) => number;
}

interface ScopeOptions {
  /** What the third party counts by; several are combined. `['ip']` counts by address although a token was sent. */
  readonly by: readonly Scope[];
  /** Only these endpoints. Default: all. */
  readonly endpoints?: readonly string[];
  /** All endpoints but these. */
  readonly except?: readonly string[];
  /** Units that a call takes, ≥ 0. Default 1. */
  readonly cost?: number | ((call: CallFacts) => number);
}

/** A published limit: at most `max` in any window of `perMs`. */
export function window(name: string, options: ScopeOptions & Omit<WindowLimit, 'kind' | 'name'>): LimitDeclaration {
  const { by, endpoints, except, cost, ...limit } = options;
  return declare({ kind: 'window', name, ...limit }, { by, ...optional({ endpoints, except, cost }) });
}

/** At most `max` calls in flight at once. */
export function inflight(name: string, options: ScopeOptions & Omit<InflightLimit, 'kind' | 'name'>): LimitDeclaration {
  const { by, endpoints, except, ...limit } = options;
  return declare({ kind: 'inflight', name, ...limit }, { by, ...optional({ endpoints, except }), cost: 1 });
}

/** An unknown limit: the rate is learned from successes and refusals. */
export function learned(name: string, options: ScopeOptions & Omit<LearnedLimit, 'kind' | 'name'>): LimitDeclaration {
  const { by, endpoints, except, cost, ...limit } = options;
  return declare({ kind: 'learned', name, ...limit }, { by, ...optional({ endpoints, except, cost }) });
}

/** The name under which calls are counted that no limit applies to. */
const UNLIMITED = 'unlimited';
/**
 * Never full, and of a length that no hint in a header is taken for. It is what a 429 closes, for this account in all
 * workers, and what puts the call behind the provider's gate: breaker, pauses by an operator.
 */
const unlimited: WindowLimit = { kind: 'window', name: UNLIMITED, max: 1_000_000_000, perMs: 45_000, guardMs: 0 };

/** Everything that one call takes, in the order of declaration; never nothing. */
export function chargesFor(limits: readonly LimitDeclaration[], call: CallFacts): Charge[] {
  const charges = limitsOf(limits, call);
  if (charges.length > 0) return charges;
  return [{ limit: unlimited, key: `${call.provider}/${UNLIMITED}/${call.account}`, cost: 1 }];
}

function limitsOf(limits: readonly LimitDeclaration[], call: CallFacts): Charge[] {
  return limits
    .filter(
      ({ endpoints, except }) => (!endpoints || endpoints.includes(call.endpoint)) && !except?.includes(call.endpoint),
    )
    .map(({ spec, by, cost }) => ({
      limit: spec,
      key: [call.provider, spec.name, ...by.map((scope) => scopeValue(scope, call))].join('/'),
      cost: cost(call),
    }));
}

/** What is wrong with a declaration, in words; empty when it is fine. */
export function limitMistakes({ spec, by, endpoints, except }: LimitDeclaration, known: readonly string[]): string[] {
  const mistakes: string[] = [];
  const at = `limit "${spec.name}"`;
  if (spec.name === UNLIMITED) mistakes.push(`${at}: the name is kept for calls that no limit applies to`);
  if (by.length === 0)
    mistakes.push(
      `${at}: \`by\` is empty; say what the third party counts by (${scopeNames.join(', ')}, or a function of the call)`,
    );
  for (const scope of by) {
    if (typeof scope === 'string' && !scopeNames.includes(scope))
      mistakes.push(
        `${at}: unknown scope "${scope as string}" in \`by\`; known are ${scopeNames.join(', ')}, or a function of the call`,
      );
  }
  if (spec.kind === 'window') {
    if (!(spec.max >= 1)) mistakes.push(`${at}: \`max\` is ${spec.max}; it must be at least 1`);
    if (!(spec.perMs >= 100)) mistakes.push(`${at}: \`perMs\` is ${spec.perMs}; it must be at least 100 ms`);
    if (spec.reserve !== undefined && !(spec.reserve >= 0 && spec.reserve < 1))
      mistakes.push(`${at}: \`reserve\` is ${spec.reserve}; it must be from 0 to below 1`);
  }
  if (spec.kind === 'inflight' && !(spec.max >= 1))
    mistakes.push(`${at}: \`max\` is ${spec.max}; it must be at least 1`);
  for (const endpoint of [...(endpoints ?? []), ...(except ?? [])]) {
    if (!known.includes(endpoint))
      mistakes.push(`${at}: no endpoint "${endpoint}"; defined are ${known.join(', ') || 'none'}`);
  }
  return mistakes;
}

function declare(spec: LimitSpec, options: ScopeOptions): LimitDeclaration {
  const { by, endpoints, except, cost = 1 } = options;
  return { spec, by, ...optional({ endpoints, except }), cost: typeof cost === 'number' ? () => cost : cost };
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

type Defined<T> = { [K in keyof T]: Exclude<T[K], undefined> };
function optional<T extends object>(fields: T): Partial<Defined<T>> {
  return Object.fromEntries(Object.entries(fields).filter(([, value]) => value !== undefined)) as Partial<Defined<T>>;
}
