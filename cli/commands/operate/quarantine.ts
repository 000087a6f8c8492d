/**
 * `sluice quarantine`: rows that did not fit; read again by a mended schema, or dropped. Next: `client/quarantine.ts`.
 */
import { Argument, type Command } from 'commander';
import type { QuarantinedRow, QuarantineFilter } from '../../../client/index.ts';
import { acting, type ActingOptions } from '../../acting.ts';
import { accountOption, afterNumberOption, jsonOption, limitOption, moduleOption } from '../../options.ts';
import { tellFound, tellUnknownNames } from '../../known-names.ts';
import { tell } from '../../tell.ts';
import { each, wholeNumber } from '../../values.ts';
import { counted } from '../../../contracts/limits/limit-words.ts';
import { withClient } from '../../with-client.ts';

interface ListOptions extends QuarantineFilter {
  readonly limit: number;
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
    .addOption(afterNumberOption())
    .addOption(limitOption(100))
    .addOption(jsonOption())
    .addHelpText('after', '\nExample:\n  npx sluice quarantine --account acct_42')
    .action(list);
  acting(quarantine.command('read <sync>'))
    .description('read them again by the current schema, without a call to the third party')
    .addOption(accountOption())
    .option('--node <name>', 'node of the sync')
    .addOption(moduleOption())
    .addHelpText('after', '\nExample:\n  npx sluice quarantine read network --account acct_42 --module dist/sluice.js')
    .action(readAgain);
  acting(
    quarantine
      .command('drop')
      .addArgument(new Argument('<ids...>', 'as `list` shows them').argParser(each(wholeNumber(1)))),
  )
    .description('forget rows for good; exit code 1 when none of them is there')
    .addHelpText('after', '\nExample:\n  npx sluice quarantine drop 17 18')
    .action(drop);
}

const list = ({ json, ...filter }: ListOptions) =>
  withClient(async (sluice) => {
    const rows = await sluice.quarantine.list(filter);
    const none = 'No rows are in quarantine.';
    await tellFound(sluice, { json, ...filter }, rows, { none, line: text, names: filter, placeOf: ({ id }) => id });
  });

async function readAgain(name: string, { module, by, why, json, ...of }: ReadOptions): Promise<void> {
  const { loadModule, syncNamed } = await import('../../module/load-module.ts');
  const sync = syncNamed(await loadModule(module), name);
  await withClient(
    async (sluice) => {
      const { stored, left } = await sluice.quarantine.readAgain(sync, of);
      tell(
        { json },
        { stored, left },
        `${counted(stored, 'row')} stored now; ${left} still ${left === 1 ? 'does' : 'do'} not fit`,
      );
      if (left > 0) process.exitCode = 1;
      if (stored + left === 0) await tellUnknownNames(sluice, { sync: name, ...of });
    },
    { ...(by && { by }), ...(why && { why }) },
  );
}

const drop = (ids: readonly number[], options: ActingOptions) =>
  withClient(async (sluice) => {
    const dropped = await sluice.quarantine.drop(ids);
    tell(options, { dropped }, `${dropped} of ${counted(ids.length, 'row')} dropped`);
    if (dropped === 0) process.exitCode = 1;
  }, options);

function text({ id, account, sync, node, name, path, reason, lastSeenAt }: QuarantinedRow): string {
  return `${id}  ${lastSeenAt}  ${account}  ${sync}.${node}  ${name}\n    ${path === '' ? '' : `${path}: `}${reason}`;
}
