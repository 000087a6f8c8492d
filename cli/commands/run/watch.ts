/**
 * `sluice watch [id]`: one screen that is kept up to date: how everything stands, or how one run does until it ends.
 * Next: `cli/text/run-screen.ts`, `cli/text/overview.ts`.
 */
import { Option, type Command } from 'commander';
import { setTimeout as sleep } from 'node:timers/promises';
import type { Sluice } from '../../../client/index.ts';
import { tellUnknownId } from '../../known-names.ts';
import { jsonOption } from '../../options.ts';
import { overviewText } from '../../text/overview.ts';
import { runScreen } from '../../text/run-screen.ts';
import { tell } from '../../tell.ts';
import { numberFrom } from '../../values.ts';
import { withClient } from '../../with-client.ts';

const HOME_AND_CLEAR = '\u001b[H\u001b[2J';

export function registerWatch(program: Command): void {
  program
    .command('watch [id]')
    .description(
      'keep one screen up to date: everything in numbers, or one run until it ends. Ctrl-C leaves. Exit code 1 when there is no such run',
    )
    .addOption(
      new Option('--every <seconds>', 'seconds between two looks').default(2).argParser(numberFrom(0.2, 3_600)),
    )
    .addOption(jsonOption())
    .addHelpText('after', '\nExamples:\n  npx sluice watch\n  npx sluice watch sync/network/acct_42 --every 5')
    .action((id: string | undefined, { every, json }: { readonly every: number; readonly json?: boolean }) =>
      withClient(async (sluice) => {
        for (;;) {
          const { facts, text, isEnded, isUnknown } = await look(sluice, id);
          const head = `${new Date().toLocaleTimeString()}, every ${every} s`;
          // JSON: one line for each look.
          tell({ json }, facts, `${process.stdout.isTTY ? HOME_AND_CLEAR : ''}${head}\n\n${text}`);
          if (isUnknown) await tellUnknownId(sluice, id ?? '');
          if (isEnded) return;
          await sleep(every * 1_000);
        }
      }),
    );
}

async function look(sluice: Sluice, id: string | undefined) {
  if (id !== undefined) {
    const { progress, waits, flaws, feed, text, isEnded } = await runScreen(sluice, id);
    const facts = { ...progress, waits, flaws, ...(feed ? { feed } : {}) };
    return { facts, text, isEnded, isUnknown: progress.state === 'unknown' };
  }
  const overview = await sluice.overview();
  return { facts: overview, text: overviewText(overview), isEnded: false, isUnknown: false };
}
