/**
 * An endpoint: one call of a provider, or a list of them. Used by: `define-provider.ts`, which compiles it.
 * Next: `define-sync.ts` makes trees of endpoints.
 */
import type { AccountFacts } from '../../contracts/account.ts';
import type { Answer, RequestSpec } from '../../contracts/answers/answer.ts';
import { formatNamed, type BodyFormat } from '../../contracts/answers/body-format.ts';
import type { CompiledFile, FileFormat } from '../files/file-format.ts';
import type { Outcome } from '../../contracts/answers/outcome.ts';
import type { JobResult } from '../../contracts/job.ts';
import type { Charge } from '../../contracts/limits/limit.ts';
import type { CallFacts } from '../limits.ts';
import type { OwnLimits } from '../own-limits.ts';
import type { PageRequest, Paginate } from '../pagination/options.ts';
import type { Pagination } from '../pagination/pagination.ts';
import type { Classify } from '../rules/rules.ts';
import type { Job, JobCall } from './compile/compile-job.ts';
import type { Provider } from './define-provider.ts';
import type { NamesOf } from '../../contracts/values/option-mistakes.ts';

/** The page that is to be asked for and, for endpoints with `job`, the job whose results it is of. */
export interface JobPage extends PageRequest {
  /** Its fields are '' for endpoints without `job`. */
  readonly job: JobResult;
}

export interface EndpointOptions<Input, Response, Item, Settings = unknown> {
  /** The call. Pure: asked again for every attempt, so a shrunk page or a new token is in it. */
  readonly request: (input: Input, page: JobPage, of: AccountFacts<Settings>) => RequestSpec;
  /** How its list is cut into pages, e.g. `{ kind: 'cursor', items, next }`. Default: the answer is the one item. */
  readonly paginate?: Paginate<Response, Item, Input>;
  /**
   * In which format its good answers are: `json`, `ndjson` or `csv` (the answer is the list of rows), `xml`, `text` (the answer is the
   * text). With options: `{ kind: 'csv', delimiter: ';' }`, `{ kind: 'xml', lists: ['orders.order'] }`. Files that are packed (gzip, or zip
   * with one file) are unpacked. Default: what the content type says clearly, else JSON. `{ kind: 'file', into: fileFolder('/var/lib/files') }`: the
   * answer is a file of any content, which goes to a sink; its `response` is `storedFile`.
   */
  readonly format?: BodyFormat | FileFormat<Input>;
  /** Rules for this endpoint alone; asked before the provider's. */
  readonly classify?: Classify;
  /**
   * Asks whether anything has changed, by the `ETag` or `Last-Modified` of the last complete reading (RFC 9110 §13): 304 keeps what is
   * known. `whole`: the answer is the whole list or object. `first-page`: of a list of several pages, where the third party puts what is new
   * or changed on the first one. Full runs never ask so. Default: not.
   */
  readonly conditional?: 'whole' | 'first-page';
  /**
   * Other hosts that addresses of its answers may lead to, e.g. where results of a job are kept: `['*.s3.example']`. Neither credentials nor
   * the provider's headers are sent there, and no limit is charged. Default: none.
   */
  readonly openHosts?: readonly string[];
  /**
   * Limits that its calls take besides those of the provider that apply to all. Name one of the provider's that is said
   * of some endpoints only, or give one of its own: `window('search', { by: ['account'], max: 5, perMs: seconds(1) })`.
   * Default: none.
   */
  readonly limits?: OwnLimits<NoInfer<Settings>>;
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
  readonly request: (input: unknown, page: PageRequest & { readonly job?: JobResult }, of: AccountFacts) => RequestSpec;
  readonly paginate: Pagination;
  readonly job: Job | undefined;
  readonly openHosts: readonly string[];
  /** What the answer of an open host means, and what the call takes there: none of the provider's limits. */
  readonly decideOpen: (answer: Answer) => Outcome;
  readonly openCharges: (call: Omit<CallFacts, 'provider' | 'endpoint'>) => readonly Charge[];
  /** Undefined: by content type, else JSON. */
  readonly format: BodyFormat | undefined;
  /** Its good answers are files, which go to a sink. */
  readonly file: CompiledFile | undefined;
  /** What an answer means: the endpoint's rules, then the provider's, then the defaults for HTTP. */
  readonly decide: (answer: Answer) => Outcome;
  /** What a call takes from the provider's limits. */
  readonly charges: (call: Omit<CallFacts, 'provider' | 'endpoint'>) => readonly Charge[];
  /** What a call of its job takes. */
  readonly jobCharges: (name: JobCall, call: Omit<CallFacts, 'provider' | 'endpoint'>) => readonly Charge[];
  readonly totalTimeoutMs: number;
  readonly onMismatch: 'fail' | 'quarantine';
  readonly conditional: 'whole' | 'first-page' | undefined;
  /** Types only; never set. */
  readonly $types?: { readonly input: (input: Input) => void; readonly item: Item };
}

export const ENDPOINT_OPTIONS = {
  input: true,
  response: true,
  request: true,
  paginate: true,
  format: true,
  classify: true,
  conditional: true,
  openHosts: true,
  limits: true,
  job: true,
  totalTimeoutMs: true,
  onMismatch: true,
} satisfies NamesOf<
  EndpointOptions<unknown, unknown, unknown> & {
    readonly input: unknown;
    readonly response: unknown;
    readonly job: unknown;
  }
>;

/** Its calls, as limits name them. */
export function namesForLimits({ name, job }: Endpoint): string[] {
  if (!job) return [name];
  const calls = job.known ? ['poll'] : ['submit', 'poll', 'lookup', 'cancel'];
  return [name, ...calls.map((call) => `${name}.${call}`)];
}

/** One answer of many rows can be read piece by piece where a row is a line. */
export function inFormat(pagination: Pagination, format: BodyFormat | undefined): Pagination {
  const isLines = format !== undefined && ['csv', 'ndjson'].includes(formatNamed(format).kind);
  return isLines && pagination.kind === 'single' ? { ...pagination, comesInPieces: true } : pagination;
}
