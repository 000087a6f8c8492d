/** `sluice runs`: runs, the newest first. Next: `client/runs.ts`. */
import type { Command } from 'commander';
import type { ListedRun, RunFilter, RunState } from '../../../client/index.ts';
import { counted } from '../../../contracts/limits/limit-words.ts';
import { RUN_STATES } from '../../../contracts/operate/run-list.ts';
import {
  accountOption,
  afterOption,
  jsonOption,
  limitOption,
  listWord,
  providerOption,
  statusOption,
  tenantOption,
} from '../../options.ts';
import { tellFound } from '../../known-names.ts';
import { withClient } from '../../with-client.ts';

interface RunsOptions {
  readonly status?: RunState;
  readonly sync?: string;
  readonly account?: string;
  readonly provider?: string;
  readonly tenant?: string;
  readonly after?: string;
  readonly limit: number;
  readonly json?: boolean;
}

export function registerRuns(program: Command): void {
  program
    .command('runs')
    .description('runs, the newest first')
    .addArgument(listWord())
    .addOption(statusOption(RUN_STATES))
    .option('--sync <name>', 'of this sync')
    .addOption(accountOption())
    .addOption(providerOption())
    .addOption(tenantOption())
    .addOption(afterOption())
    .addOption(limitOption(20))
    .addOption(jsonOption())
    .addHelpText('after', '\nExample:\n  npx sluice runs --status failed')
    .action((_list: string | undefined, { json, status, ...rest }: RunsOptions) =>
      withClient(async (sluice) => {
        const filter: RunFilter = { ...rest, ...(status === undefined ? {} : { state: status }) };
        const found = await sluice.runs.list(filter);
        await tellFound(sluice, { json, ...rest }, found, {
          none: 'No runs.',
          line: runText,
          names: rest,
          placeOf: ({ place }) => place,
        });
      }),
    );
}

function runText({ workflowId, state, startedAt, endedAt, rows, calls, flawed, error }: ListedRun): string {
  const ended = endedAt === null ? '' : ` to ${endedAt}`;
  const numbers = [counted(rows, 'row'), counted(calls, 'call'), ...(flawed > 0 ? [counted(flawed, 'flaw')] : [])];
  return `${workflowId}  ${state}  ${startedAt}${ended}  ${numbers.join(', ')}${error === null ? '' : `  ${error}`}`;
}
