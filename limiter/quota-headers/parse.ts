/**
 * What a third party's headers say about its quota. Knows the IETF drafts, old and new, the X- names with their suffixes
 * and comma lists, and both forms of `Retry-After`. Fields that are malformed are ignored. Pure.
 * Next: `Observation.quotas` and `blockForMs`, with which the caller tells `limiter/report/report.ts`.
 * @see https://datatracker.ietf.org/doc/draft-ietf-httpapi-ratelimit-headers/
 */
import type { QuotaHint } from '../../contracts/limits/limit.ts';
import { httpDateMs, resetAfterMs, toldWaitMs } from '../../contracts/values/reset-time.ts';
import { parseList, type ListItem } from './structured-fields.ts';

export interface QuotaHeaders {
  /** How long to wait, in milliseconds, when the answer says so. Takes precedence over every quota. */
  readonly retryAfterMs?: number;
  readonly quotas: readonly QuotaHint[];
}

export interface QuotaHeadersOptions {
  /** Declared limit names by the name in the header: a policy's name, or a suffix such as `requests`. */
  readonly names?: Readonly<Record<string, string>>;
}

type Headers = Readonly<Record<string, string | readonly string[] | undefined>>;

// Window lengths that some gateways put into the header's name.
const WINDOW_BY_SUFFIX: Readonly<Record<string, number>> = {
  second: 1_000,
  minute: 60_000,
  hour: 3_600_000,
  day: 86_400_000,
};
const COUNTER = /^(?:x-)?rate-?limit-(limit|remaining|reset-after|reset-ms|reset)(?:-(.+))?$/;

/**
 * @param headers names in lower case
 * @param nowMs the time of the answer, used for absolute times when there is no `Date` header
 */
export function parseQuotaHeaders(headers: Headers, nowMs: number, options: QuotaHeadersOptions = {}): QuotaHeaders {
  const fields = new Map<string, string>();
  for (const [name, value] of Object.entries(headers)) {
    if (value !== undefined) fields.set(name.toLowerCase(), typeof value === 'string' ? value : value.join(', '));
  }
  const serverNowMs = httpDateMs(fields.get('date')) ?? nowMs;
  const wait = toldWaitMs(fields, serverNowMs);
  const policies = parsePolicies(fields.get('ratelimit-policy') ?? fields.get('x-ratelimit-policy'));
  const service = parseService(fields.get('ratelimit'), policies, serverNowMs);
  const quotas = service.length > 0 ? service : parseCounters(fields, policies, serverNowMs);
  return {
    ...(wait === undefined ? {} : { retryAfterMs: wait }),
    quotas: quotas.map(({ limit, ...quota }) =>
      limit === undefined ? quota : { limit: options.names?.[limit] ?? limit, ...quota },
    ),
  };
}

/** `"burst";q=100;w=60` of the newer drafts, `100;w=60` of the older ones. Quotas of other units than requests are left out. */
function parsePolicies(field: string | undefined): QuotaHint[] {
  const policies: QuotaHint[] = [];
  for (const { value, parameters } of (field === undefined ? undefined : parseList(field)) ?? []) {
    const isNamed = parameters['q'] !== undefined;
    const max = integer(parameters['q'] ?? value);
    const windowS = integer(parameters['w']);
    if (max === undefined || (parameters['qu'] ?? 'requests') !== 'requests') continue;
    policies.push({ ...(isNamed ? { limit: value } : {}), max, ...(windowS ? { windowMs: windowS * 1_000 } : {}) });
  }
  return policies;
}

/** `"default";r=50;t=30` of the newer drafts, `limit=100, remaining=50, reset=5` of draft 07. */
function parseService(field: string | undefined, policies: readonly QuotaHint[], serverNowMs: number): QuotaHint[] {
  const items = (field === undefined ? undefined : parseList(field)) ?? [];
  if (items.some((item) => item.key !== undefined)) return fromDictionary(items, policies, serverNowMs);
  const quotas: QuotaHint[] = [];
  for (const { value, parameters } of items) {
    const remaining = integer(parameters['r']);
    if (remaining === undefined) continue;
    const policy = policies.find((candidate) => candidate.limit === value);
    quotas.push({ ...policy, limit: value, remaining, ...resetOf(parameters['t'], serverNowMs) });
  }
  return quotas;
}

function fromDictionary(items: readonly ListItem[], policies: readonly QuotaHint[], serverNowMs: number): QuotaHint[] {
  const byKey = new Map(items.map((item) => [item.key?.toLowerCase(), item.value]));
  const max = integer(byKey.get('limit'));
  const remaining = integer(byKey.get('remaining'));
  if (max === undefined && remaining === undefined) return [];
  return [
    {
      ...windowOf(max, policies),
      ...(max === undefined ? {} : { max }),
      ...(remaining === undefined ? {} : { remaining }),
      ...resetOf(byKey.get('reset'), serverNowMs),
    },
  ];
}

/** `RateLimit-Limit`, `X-RateLimit-Remaining-Minute`, `X-Rate-Limit-Reset` and the like, each a value or a comma list. */
function parseCounters(
  fields: ReadonlyMap<string, string>,
  policies: readonly QuotaHint[],
  serverNowMs: number,
): QuotaHint[] {
  const bySuffix = new Map<string, Map<string, string[]>>();
  for (const [name, value] of fields) {
    const match = COUNTER.exec(name);
    if (match === null) continue;
    const suffix = match[2] ?? '';
    const counters = bySuffix.get(suffix) ?? new Map<string, string[]>();
    // Dates have a comma of their own.
    counters.set(match[1]!, httpDateMs(value) === undefined ? value.split(',').map((part) => part.trim()) : [value]);
    bySuffix.set(suffix, counters);
  }
  return [...bySuffix].flatMap(([suffix, counters]) => fromCounters(suffix, counters, policies, serverNowMs));
}

function fromCounters(
  suffix: string,
  counters: ReadonlyMap<string, readonly string[]>,
  policies: readonly QuotaHint[],
  serverNowMs: number,
): QuotaHint[] {
  const limits = counters.get('limit') ?? [];
  // `10, 10;w=1, 50;w=60` of the oldest drafts: the first one is in force, the others are policies.
  const listed = parsePolicies(limits.filter((part) => part.includes(';')).join(','));
  const known = [...policies, ...listed];
  const plain = limits.filter((part) => !part.includes(';'));
  const remaining = counters.get('remaining') ?? [];
  const millis = counters.get('reset-ms')?.map((part) => (part.length > 11 ? part : `${part}ms`));
  const resets = millis ?? counters.get('reset-after') ?? counters.get('reset') ?? [];
  const quotas: QuotaHint[] = [];
  // A refusal may say nothing but when.
  const count = Math.max(plain.length, remaining.length) || resets.length;
  for (let i = 0; i < count; i++) {
    const max = integer(plain[i]);
    // Some count below nothing; where the limit is below nothing too, there is none.
    const left = integer(max === undefined ? remaining[i] : remaining[i]?.replace(/^-\d+(\.\d+)?$/, '0'));
    if (max === undefined && left === undefined && resetAfterMs(resets[i] ?? '', serverNowMs) === undefined) continue;
    quotas.push({
      ...(suffix === '' || WINDOW_BY_SUFFIX[suffix] !== undefined ? {} : { limit: suffix }),
      ...(WINDOW_BY_SUFFIX[suffix] === undefined ? windowOf(max, known) : { windowMs: WINDOW_BY_SUFFIX[suffix] }),
      ...(max === undefined ? {} : { max }),
      ...(left === undefined ? {} : { remaining: left }),
      ...resetOf(resets[i], serverNowMs),
    });
  }
  return quotas;
}

/** The window of the only policy with this limit. */
function windowOf(max: number | undefined, policies: readonly QuotaHint[]): Pick<QuotaHint, 'windowMs'> {
  const same = policies.filter((policy) => policy.max === max);
  const windowMs = same.length === 1 ? same[0]!.windowMs : undefined;
  return windowMs === undefined ? {} : { windowMs };
}

function resetOf(text: string | undefined, serverNowMs: number): Pick<QuotaHint, 'resetAfterMs'> {
  const ms = text === undefined ? undefined : resetAfterMs(text, serverNowMs);
  return ms === undefined ? {} : { resetAfterMs: ms };
}

function integer(text: string | undefined): number | undefined {
  return text !== undefined && /^\d{1,15}(\.\d+)?$/.test(text.trim()) ? Math.floor(Number(text)) : undefined;
}
