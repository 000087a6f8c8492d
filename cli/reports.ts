/**
 * `sluice reports`: what was done, for whom, by whom, and how it ended. Next stop: `client/connect.ts`.
 */
import { Option, type Command } from 'commander';
import type { Report, ReportFilter, ReportKind, ReportStatus } from '../client/index.ts';

interface ReportsOptions {
  readonly account?: string;
  readonly tenant?: string;
  readonly status?: ReportStatus;
  readonly kind?: ReportKind;
  readonly name?: string;
  readonly workflow?: string;
  readonly before?: string;
  readonly limit: string;
  readonly json?: boolean;
}

export function addReportsCommand(program: Command): void {
  program
    .command('reports')
    .description('reports of runs, actions and sagas, the newest first')
    .option('-a, --account <name>')
    .option('-t, --tenant <name>')
    .addOption(new Option('-s, --status <status>').choices(['pending', 'ok', 'failed']))
    .addOption(new Option('-k, --kind <kind>').choices(['sync', 'action', 'saga']))
    .option('-n, --name <name>', 'of the sync, action (provider/action) or saga')
    .option('-w, --workflow <id>', 'workflow id')
    .option('--before <sequence>', 'go on behind the last one seen')
    .option('-l, --limit <number>', '1 … 1,000', '20')
    .option('--json', 'as JSON, with tracebacks')
    .action(reports);
}

async function reports({ json, limit, workflow, before, ...rest }: ReportsOptions): Promise<void> {
  const sluice = await (await import('../client/index.ts')).connect();
  try {
    const filter: ReportFilter = {
      ...rest,
      ...(workflow === undefined ? {} : { workflowId: workflow }),
      ...(before === undefined ? {} : { after: before }),
      limit: Number(limit),
      order: 'newest',
    };
    const found = await sluice.reports.list(filter);
    if (json) console.log(JSON.stringify(found));
    else console.log(found.length === 0 ? 'No reports.' : found.map(text).join('\n'));
  } finally {
    await sluice.close();
  }
}

function text(report: Report): string {
  const { sequence, startedAt, endedAt, status, kind, name, account, startedBy, what, workflowId, attempts } = report;
  const seconds = endedAt === null ? '' : ` in ${((Date.parse(endedAt) - Date.parse(startedAt)) / 1_000).toFixed(1)} s`;
  const head = `${sequence}  ${startedAt}  ${status}${seconds}  ${kind} ${name}  ${account}  by ${startedBy}`;
  const lines = [`${what}; ${attempts} calls; ${workflowId}`];
  if (report.error !== null) lines.push(`${report.errorType ?? 'error'}: ${report.error}`);
  return [head, ...lines.map((line) => `    ${line}`)].join('\n');
}
