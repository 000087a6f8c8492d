/**
 * `sluice state`: what is known of lists from run to run, shown or taken back. Next: `client/state.ts`.
 */
import type { Command } from 'commander';
import type { KnownList, ResetOptions, StateFilter } from '../../../client/index.ts';
import { acting, type ActingOptions } from '../../acting.ts';
import { accountOption, afterOption, jsonOption, limitOption } from '../../options.ts';
import { quotedForShell } from '../../../contracts/values/shell-word.ts';
import { counted } from '../../../contracts/limits/limit-words.ts';
import { tellFound, tellUnknownNames } from '../../known-names.ts';
import { withClient } from '../../with-client.ts';

const NOTHING = {
  watermark:
    'No list of these was ever read to its end: there is nothing to reset. That runs have brought rows of them is forgotten by --forgets-rows.',
  rows: 'No run has brought rows of these lists: there is nothing to reset.',
};

interface NamedLists {
  readonly account: string;
  readonly sync?: string;
  readonly node?: string;
  readonly parent?: string;
}

interface ShowOptions extends NamedLists {
  readonly after?: string;
  readonly limit: number;
  readonly json?: boolean;
}

interface ResetCommandOptions extends NamedLists, ResetOptions, ActingOptions {}

export function registerState(program: Command): void {
  const state = program
    .command('state')
    .description('what is known of lists from run to run: how far each was read, and how many rows it had');
  named(state.command('show', { isDefault: true }).description('watermark and rows of each list'))
    .addOption(afterOption())
    .addOption(limitOption(100))
    .addOption(jsonOption())
    .addHelpText('after', '\nExample:\n  npx sluice state --account acct_42 --sync network')
    .action(show);
  named(
    acting(state.command('reset')).description(
      'take watermarks away: the next run reads these lists from their beginning',
    ),
  )
    .option(
      '--forgets-rows',
      'also forget that they had rows: an empty answer is believed, and may delete what they had',
    )
    .addHelpText('after', '\nExample:\n  npx sluice state reset --account acct_42 --sync network --node posts')
    .action(reset);
}

function named(command: Command): Command {
  return command
    .addOption(accountOption().makeOptionMandatory())
    .option('--sync <name>', 'of this sync')
    .option('--node <name>', 'node of the sync')
    .option('--parent <key>', "the list with this key, as `show` prints it; '' for (the list itself)");
}

const show = ({ json, after, limit, ...of }: ShowOptions) =>
  withClient(async (sluice) => {
    const lists = await sluice.state.show(filterOf(of), { limit, ...(after === undefined ? {} : { after }) });
    const none = 'No list of these was ever read to its end.';
    await tellFound(sluice, { json, limit }, lists, { none, line, names: of, placeOf: ({ place }) => place });
  });

const reset = (options: ResetCommandOptions) =>
  withClient(async (sluice) => {
    const { json, forgetsRows = false } = options;
    const lists = await sluice.state.reset(filterOf(options), { forgetsRows });
    if (json) console.log(JSON.stringify({ lists }));
    else if (lists === 0) console.log(NOTHING[forgetsRows ? 'rows' : 'watermark']);
    else console.log(`${counted(lists, 'list')} reset: the next run reads from the beginning.`);
    if (lists > 0) return;
    process.exitCode = 1;
    await tellUnknownNames(sluice, { account: options.account, sync: options.sync, node: options.node });
  }, options);

function filterOf({ account, sync, node, parent }: NamedLists): StateFilter {
  return {
    account,
    ...(sync === undefined ? {} : { sync }),
    ...(node === undefined ? {} : { node }),
    ...(parent === undefined ? {} : { parentKey: parent }),
  };
}

function line({ sync, node, parentKey, watermark, rows, readAt, resetAt }: KnownList): string {
  const which = parentKey === '' ? '(the list itself)' : quotedForShell(parentKey);
  const upTo = watermark === null ? 'no watermark' : `up to ${watermark}`;
  const was = resetAt === null ? '' : `, reset at ${resetAt}`;
  return `${sync}.${node}  ${which}  ${upTo}, ${counted(rows, 'row')}; read at ${readAt}${was}`;
}
