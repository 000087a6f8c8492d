/**
 * What each function of the fake third party takes, as data. A new option has its line here, or this does not compile.
 * Used by: `testing/fake-api/fake-api.ts`, `testing/cassettes`; held against what was given by `check-options.ts`.
 */
import type { PlayOptions } from '../../cassettes/play.ts';
import type { RecordOptions } from '../../cassettes/record.ts';
import type { ThinOptions } from '../../cassettes/thin.ts';
import type { ActionOptions } from '../actions.ts';
import type { BinaryOptions } from '../binary.ts';
import type { ChecksOf, Words } from './check-options.ts';
import type { FileOptions } from '../files.ts';
import type { JobServerOptions } from '../jobs.ts';
import type { CalendarUnit } from '../limits/calendar.ts';
import type { LimitHeaders } from '../limits/limit-headers.ts';
import type { LimitKind, LimitNumbers } from '../limits/limit-counters.ts';
import type { LimitKeyPart, LimitOptions } from '../limits/limits.ts';
import type { ListOptions, PageParams, PageSizeOptions } from '../lists/lists.ts';
import type { PageFields, PageKind } from '../lists/page-answer.ts';
import type { RowFilters } from '../lists/rows.ts';
import type { OAuthOptions } from '../oauth/oauth.ts';
import { tokenErrors } from '../oauth/token-errors.ts';
import { hostileKinds } from '../../faults/hostile.ts';
import type { OutageKind, OutageOptions } from '../../faults/outages.ts';
import type { ChaosOptions, ScriptOptions } from '../../faults/scripts.ts';
import type { FakeApiOptions } from '../server.ts';

const text = ['string'] as const;
const number = ['number'] as const;
const yesNo = ['boolean'] as const;
const func = ['function'] as const;
/** A pattern, several, an expression or a test. */
const calls = ['string', 'list', 'object', 'function'] as const;

/** The words of a union; a compile error when one is forgotten. */
function words<Word extends string>(table: Readonly<Record<Word, true>>): Words {
  return { oneOf: Object.keys(table) };
}

export const SERVER: ChecksOf<FakeApiOptions> = {
  seed: number,
  latencyMs: ['number', 'list'],
  port: number,
  clockSkewMs: number,
  dripMs: number,
  hugeBytes: number,
};

const FILTERS: ChecksOf<RowFilters> = {
  since: ['string', 'object'],
  range: { fields: { from: text, to: text, field: text } satisfies ChecksOf<NonNullable<RowFilters['range']>> },
  order: text,
};

const PAGE_SIZE: ChecksOf<PageSizeOptions> = {
  default: number,
  max: ['number', 'function'],
  overMax: words<NonNullable<PageSizeOptions['overMax']>>({
    cap: true,
    error400: true,
    error413: true,
    error500: true,
    silent: true,
  }),
};
const PARAMS: ChecksOf<PageParams> = { cursor: text, page: text, offset: text, limit: text };
const FIELDS: ChecksOf<PageFields> = {
  items: text,
  next: text,
  total: text,
  totalHeader: text,
  hasMore: text,
  pageCount: text,
  noNext: words<NonNullable<PageFields['noNext']>>({ null: true, absent: true, 'empty-string': true }),
};

type List = ListOptions<string, object>;

export const LIST: ChecksOf<List> = {
  ...FILTERS,
  items: func,
  count: ['number', 'function'],
  itemAt: func,
  pagination: words<PageKind>({ cursor: true, 'next-url': true, 'link-header': true, page: true, offset: true }),
  pageSize: { fields: PAGE_SIZE },
  total: words<NonNullable<List['total']>>({ exact: true, estimate: true, none: true }),
  estimateFactor: number,
  params: { fields: PARAMS },
  fields: { fields: FIELDS },
  lastPage: words<NonNullable<List['lastPage']>>({ 'no-cursor': true, 'cursor-then-empty': true }),
  resultCap: number,
  atCap: words<NonNullable<List['atCap']>>({ end: true, error400: true }),
  capsTotal: yesNo,
  pastEnd: words<NonNullable<List['pastEnd']>>({
    empty: true,
    error404: true,
    'repeat-last': true,
    'repeat-first': true,
  }),
  firstPage: number,
  cursorLifeMs: number,
  cursorBy: words<NonNullable<List['cursorBy']>>({ index: true, key: true }),
  keyField: text,
  msPerRow: number,
  etags: yesNo,
  afterPage: func,
};

export const ACTION: ChecksOf<ActionOptions<string>> = {
  status: number,
  idField: text,
  idempotencyHeader: text,
  honoursKeys: yesNo,
  keyLifeMs: number,
  keyField: text,
  make: func,
  check: func,
  commitAfterMs: number,
  answerAfterMs: number,
  afterCommit: func,
  lookup: text,
  visibleAfterMs: number,
};

export const JOBS: ChecksOf<JobServerOptions> = {
  polls: number,
  askAgainSeconds: number,
  ends: func,
  results: func,
  honoursKeys: yesNo,
  most: number,
  answerAfterMs: number,
};

export const FILE: ChecksOf<FileOptions<string>> = {
  format: words<FileOptions<string>['format']>({ csv: true, ndjson: true }),
  count: ['number', 'function'],
  rowAt: func,
  gzip: yesNo,
  zip: ['object'],
  type: text,
  cuts: ['list'],
  isPublic: yesNo,
};

export const BINARY: ChecksOf<BinaryOptions<string>> = {
  content: ['object', 'number', 'function'],
  type: text,
  name: text,
  headers: ['object'],
  length: ['string', 'number'],
  cuts: ['list'],
  isPublic: yesNo,
};

export const OAUTH: ChecksOf<OAuthOptions> = {
  tokenPath: text,
  accessLifeMs: number,
  refreshLifeMs: number,
  rotatesRefresh: yesNo,
  detectsReuse: yesNo,
  graceMs: number,
  answerAfterMs: number,
  client: { fields: { id: text, secret: text } satisfies ChecksOf<NonNullable<OAuthOptions['client']>> },
  protects: calls,
  tokenErrors: { oneOf: Object.keys(tokenErrors), many: true, or: 'object' },
};

export const NUMBERS: ChecksOf<LimitNumbers> = {
  max: number,
  perMs: number,
  burst: number,
  phaseMs: number,
  per: words<CalendarUnit>({ day: true, week: true, month: true }),
  zone: text,
};
const HEADERS = words<LimitHeaders>({
  none: true,
  ietf: true,
  'ietf-old': true,
  'x-ratelimit': true,
  'x-ratelimit-ms': true,
  'x-ratelimit-delta': true,
  'retry-after-seconds': true,
  'retry-after-date': true,
  'retry-after-ms': true,
});

export const LIMIT: ChecksOf<LimitOptions> = {
  ...NUMBERS,
  name: text,
  by: {
    ...words<LimitKeyPart>({ app: true, token: true, account: true, ip: true, path: true, method: true }),
    many: true,
    or: 'function',
  },
  kind: words<LimitKind>({
    fixed: true,
    sliding: true,
    aligned: true,
    calendar: true,
    'token-bucket': true,
    concurrent: true,
  }),
  maxFor: func,
  on: calls,
  cost: func,
  actualCost: func,
  headers: { ...HEADERS, many: true },
  hidden: yesNo,
  enforced: yesNo,
  countsRefused: yesNo,
  refusal: ['object', 'function'],
};

export const SCRIPT: ChecksOf<ScriptOptions> = { repeats: yesNo };
export const CHAOS: ChecksOf<ChaosOptions> = { rate: number, kinds: ['list'], seed: number, on: calls };
export const OUTAGE: ChecksOf<OutageOptions> = {
  kind: words<OutageKind>({
    refuse: true,
    '500': true,
    '502': true,
    '503': true,
    '504': true,
    reset: true,
    silent: true,
    'html-503': true,
  }),
  afterMs: number,
  durationMs: number,
};

const THIN: ChecksOf<ThinOptions> = { items: number, pages: number, keep: func };
export const PLAY: ChecksOf<PlayOptions> = { matchesBody: yesNo, ignoresQuery: ['list'] };
export const RECORD: ChecksOf<RecordOptions> = {
  target: text,
  file: text,
  keepsBinary: yesNo,
  thin: { fields: THIN },
  timeoutMs: number,
  secretNames: ['object'],
  keepNames: ['object'],
  alsoRemove: ['list'],
};

/** @throws TypeError for a kind of failure that there is not: the call would be answered as always. */
export function checkKinds(what: string, kinds: readonly unknown[]): void {
  const known: readonly unknown[] = ['ok', ...hostileKinds];
  const wrong = kinds.filter((kind) => typeof kind === 'string' && !known.includes(kind));
  if (wrong.length > 0)
    throw new TypeError(
      `${what}: ${wrong.map((kind) => `"${String(kind)}"`).join(', ')} is no kind of failure; \`hostileKinds\` has all`,
    );
}
