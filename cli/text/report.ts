/** A report as a few lines. Used by `sluice reports`, and by `sluice status` of an action or a saga. */
import type { Report } from '../../client/index.ts';
import { counted } from '../../contracts/limits/limit-words.ts';
import { duration } from '../../contracts/values/duration.ts';

export function reportText(report: Report): string {
  const { sequence, startedAt, status, kind, name, account, startedBy, what, workflowId, attempts } = report;
  const head = `${sequence}  ${startedAt}  ${status}${tookText(report)}  ${kind} ${name}  ${account}  by ${startedBy}`;
  const lines = [`${what}; ${counted(attempts, 'call')}; ${workflowId}`];
  if (report.error !== null) lines.push(`${report.errorType ?? 'error'}: ${report.error}`);
  return [head, ...lines.map((line) => `    ${line}`)].join('\n');
}

/** ` in 22 h 13 min`; nothing while it is pending. */
export function tookText({ startedAt, endedAt }: Pick<Report, 'startedAt' | 'endedAt'>): string {
  return endedAt === null ? '' : ` in ${duration(Date.parse(endedAt) - Date.parse(startedAt))}`;
}
