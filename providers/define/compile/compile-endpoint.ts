/**
 * An endpoint's options, made into what activities call: its request, how its answer is read, and what it takes from
 * the limits. The schemas of the definition have typed its functions; from here on inputs are checked at run time.
 * Used by: `providers/define/define-provider.ts`. Next: `activities/sync/fetch-page.ts`.
 */
import type { z } from 'zod';
import type { AccountFacts } from '../../../contracts/account.ts';
import type { RequestSpec } from '../../../contracts/answers/answer.ts';
import { NO_JOB } from '../../../contracts/job.ts';
import { readerOf } from '../../../contracts/values/misfits.ts';
import { compileFile, isFileFormat } from '../../files/file-format.ts';
import { chargesFor } from '../../limits.ts';
import { compilePagination, type AnyPaginate } from '../../pagination/compile.ts';
import type { PageRequest } from '../../pagination/options.ts';
import { defaultOutcome } from '../../rules/default-rules.ts';
import { openOutcome } from '../../rules/open-rules.ts';
import type { Classify } from '../../rules/rules.ts';
import { compileJob } from './compile-job.ts';
import type { Provider } from '../define-provider.ts';
import { inFormat, type Endpoint, type EndpointOptions, type JobPage } from '../endpoint.ts';
import type { AnyJobOptions } from '../job-options.ts';

/** With the schemas that `endpoint()` is given beside them. */
export type GivenEndpoint = Omit<EndpointOptions<unknown, unknown, unknown>, 'request' | 'paginate' | 'limits'> & {
  readonly input: z.ZodType;
  readonly response: z.ZodType;
  readonly request: unknown;
  readonly paginate?: unknown;
  readonly job?: unknown;
};

/** @param ofProvider the rules of the provider, asked after the endpoint's own. */
export function compileEndpoint(
  provider: Provider,
  ofProvider: Classify | undefined,
  name: string,
  options: GivenEndpoint,
): Endpoint {
  const { input, response, paginate, format: stated, classify, job, totalTimeoutMs } = options;
  const { id, limits, timeouts } = provider;
  const isFile = isFileFormat(stated);
  const format = isFile ? undefined : stated;
  const jobOptions = job as AnyJobOptions | undefined;
  const asked = options.request as (input: unknown, page: JobPage, of: AccountFacts) => RequestSpec;
  return {
    name,
    provider,
    parseInput: readerOf(input, `The input of endpoint "${name}"`),
    parseResponse: (json) => response.parse(json),
    request: (from, page, of) => asked(from, withJob(page), of),
    paginate: inFormat(compilePagination(paginate as AnyPaginate | undefined), format),
    job: jobOptions && compileJob(jobOptions, { own: classify, provider: ofProvider }),
    openHosts: options.openHosts ?? [],
    decideOpen: openOutcome,
    openCharges: (call) => chargesFor([], { ...call, provider: id, endpoint: name }),
    format,
    file: isFile ? compileFile(stated) : undefined,
    decide: (answer) =>
      classify?.(answer) ?? ofProvider?.(answer) ?? defaultOutcome(answer, { isList: paginate !== undefined }),
    charges: (call) => chargesFor(limits, { ...call, provider: id, endpoint: name }),
    jobCharges: (kind, call) => chargesFor(limits, { ...call, provider: id, endpoint: `${name}.${kind}` }),
    totalTimeoutMs: totalTimeoutMs ?? timeouts.totalMs,
    onMismatch: options.onMismatch ?? 'fail',
    conditional: options.conditional,
  };
}

/** A page with a job stays as it is: its getters say what a request looks at. */
function withJob(page: PageRequest | JobPage): JobPage {
  return 'job' in page ? page : { ...page, job: NO_JOB };
}
