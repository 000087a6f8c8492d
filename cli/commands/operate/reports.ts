/**
 * `sluice reports`: what was done, for whom, by whom, and how it ended. Next: `client/connect.ts`.
 */
import type { Command } from 'commander';
import type { ReportFilter, ReportKind, ReportStatus } from '../../../client/index.ts';
import {
  accountOption,
  afterOption,
  jsonOption,
  kindOption,
  limitOption,
  listWord,
  statusOption,
  tenantOption,
} from '../../options.ts';
import { reportText } from '../../text/report.ts';
import { tellFound, type TypedNames } from '../../known-names.ts';
import { withClient } from '../../with-client.ts';

interface ReportsOptions {
  readonly account?: string;
  readonly tenant?: string;
  readonly status?: ReportStatus;
  readonly kind?: ReportKind;
  readonly name?: string;
  readonly workflow?: string;
  readonly after?: string;
  readonly limit: number;
  readonly json?: boolean;
}

export function registerReports(program: Command): void {
  program
    .command('reports')
    .description('reports of runs, actions and sagas, the newest first')
    .addArgument(listWord())
    .addOption(accountOption())
    .addOption(tenantOption())
    .addOption(statusOption(['pending', 'ok', 'failed', 'cancelled']))
    .addOption(kindOption(['sync', 'action', 'saga']))
    .option('--name <name>', 'of the sync, action (provider/action) or saga')
    .option('--workflow <id>', 'workflow id')
    .addOption(afterOption())
    .addOption(limitOption(20))
    .addOption(jsonOption())
    .addHelpText('after', '\nExample:\n  npx sluice reports --status failed --account acct_42')
    .action((_list: string | undefined, options: ReportsOptions) => reports(options));
}

const reports = ({ json, workflow, ...rest }: ReportsOptions): Promise<void> =>
  withClient(async (sluice) => {
    const filter: ReportFilter = {
      ...rest,
      ...(workflow === undefined ? {} : { workflowId: workflow }),
      order: 'newest',
    };
    const found = await sluice.reports.list(filter);
    const names = { ...namedBy(rest), account: rest.account, tenant: rest.tenant };
    await tellFound(sluice, { json, ...rest }, found, {
      none: 'No reports.',
      line: reportText,
      names,
      placeOf: (last) => last.sequence,
    });
  });

/** A sync that has no report yet is known as well. */
function namedBy({ kind, name }: ReportsOptions): TypedNames {
  return kind === 'sync' ? { sync: name } : { work: name };
}
