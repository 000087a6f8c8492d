/**
 * `sluice quarantine`: rows that did not fit; read again by a mended schema, or dropped. Next: `client/quarantine.ts`.
 */
import type { Command } from 'commander';
import type { QuarantinedRow, QuarantineFilter } from '../../../client/index.ts';
import { acting, type ActingOptions } from '../../acting.ts';
import { accountOption, afterOption, jsonOption, limitOption, moduleOption } from '../../options.ts';
import { tell } from '../../tell.ts';
import { withClient } from '../../with-client.ts';

interface ListOptions extends Omit<QuarantineFilter, 'after'> {
  readonly after?: string;
  readonly json?: boolean;
}

interface ReadOptions extends ActingOptions {
  readonly account?: string;
  readonly node?: string;
  readonly module?: string;
}

export function registerQuarantine(program: Command): void {
  const quarantine = program
    .command('quarantine')
    .description('rows that did not fit their schema, of endpoints with onMismatch: "quarantine"');
  quarantine
    .command('list', { isDefault: true })
    .description('what did not fit, and why, oldest first')
    .addOption(accountOption())
    .option('--sync <name>', 'of this sync')
    .option('--node <name>', 'node of the sync')
    .addOption(afterOption())
    .addOption(limitOption(100))
    .addOption(jsonOption())
    .addHelpText('after', '\nExample:\n  npx sluice quarantine --account acct_42')
    .action(list);
  acting(quarantine.command('read <sync>'))
    .description('read them again by the schema of today; nothing is asked of the third party')
    .addOption(accountOption())
    .option('--node <name>', 'node of the sync')
    .addOption(moduleOption())
    .addHelpText('after', '\nExample:\n  npx sluice quarantine read network --account acct_42 --module dist/sluice.js')
    .action(readAgain);
  acting(quarantine.command('drop <ids...>'))
    .description('forget rows for good')
    .addHelpText('after', '\nExample:\n  npx sluice quarantine drop 17 18')
    .action(drop);
}

const list = ({ json, after, ...filter }: ListOptions) =>
  withClient(async (sluice) => {
    const of = { ...filter, ...(after === undefined ? {} : { after: Number(after) }) };
    const rows = await sluice.quarantine.list(of);
    if (json) console.log(JSON.stringify(rows));
    else console.log(rows.length === 0 ? 'No rows are in quarantine.' : rows.map(text).join('\n'));
  });

async function readAgain(name: string, { module, by, why, json, ...of }: ReadOptions): Promise<void> {
  const { loadModule, syncNamed } = await import('../../module/load-module.ts');
  const sync = syncNamed(await loadModule(module), name);
  await withClient(
    async (sluice) => {
      const { stored, left } = await sluice.quarantine.readAgain(sync, of);
      tell({ json }, { stored, left }, `${stored} rows are stored now, ${left} still do not fit`);
      if (left > 0) process.exitCode = 1;
    },
    { ...(by && { by }), ...(why && { why }) },
  );
}

const drop = (ids: readonly string[], options: ActingOptions) =>
  withClient(async (sluice) => {
    const dropped = await sluice.quarantine.drop(ids.map(Number));
    tell(options, { dropped }, `${dropped} rows dropped`);
  }, options);

function text({ id, account, sync, node, name, path, reason, lastSeenAt }: QuarantinedRow): string {
  return `${id}  ${lastSeenAt}  ${account}  ${sync}.${node}  ${name}\n    ${path === '' ? '' : `${path}: `}${reason}`;
}
