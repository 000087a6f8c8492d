/** What is wrong with the options of an endpoint, in words. Pure. Used by: `providers/define/define-provider.ts`. */
import {
  asyncFunctions,
  missingFunctions,
  schemaMistakes,
  unknownOptions,
  wrongFunctions,
} from '../../../contracts/values/option-mistakes.ts';
import { fileMistakes, isFileFormat } from '../../files/file-format.ts';
import { compilePagination, paginationMistakes, type AnyPaginate } from '../../pagination/compile.ts';
import { jobMistakes, openHostMistakes } from '../compile/compile-job.ts';
import { ENDPOINT_OPTIONS, type EndpointOptions } from '../endpoint.ts';
import type { AnyJobOptions } from '../job-options.ts';
import { conditionalMistakes } from '../provider-options.ts';
import { formatMistakes } from './body-mistakes.ts';

type AnyEndpoint = EndpointOptions<unknown, unknown, unknown> & { readonly job?: AnyJobOptions };

export function endpointMistakes(options: object): string[] {
  const { format, conditional, openHosts, job, onMismatch = 'fail', ...rest } = options as AnyEndpoint;
  const paginate = rest.paginate as AnyPaginate | undefined;
  return [
    ...schemaMistakes(options, ['input', 'response']),
    ...missingFunctions(options, ['request']),
    ...wrongFunctions(options, ['classify']),
    ...asyncFunctions(options),
    ...unknownOptions(options, ENDPOINT_OPTIONS),
    ...paginationMistakes(paginate),
    ...(isFileFormat(format) ? fileMistakes(format, options as never) : formatMistakes(format, paginate?.kind)),
    ...conditionalMistakes(conditional, paginate),
    ...(['fail', 'quarantine'].includes(onMismatch)
      ? []
      : [`onMismatch is "${onMismatch}"; it must be "fail" or "quarantine"`]),
    ...jobMistakes(job, compilePagination(paginate)),
    ...openHostMistakes(openHosts),
  ];
}
