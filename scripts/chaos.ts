/**
 * `npm run chaos -- --seed N --minutes M`: kills, freezes and restarts workers, Temporal, Postgres and the third party at random while
 * accounts are synced, pauses and cancels runs, puts Postgres back to an earlier moment, and checks what is left. Prints the schedule first; a seed that failed is printed with
 * the command that plays it again. Next: `chaos/run-chaos.ts`.
 */
import { Command, InvalidArgumentError } from 'commander';
import { runChaos } from './chaos/run-chaos.ts';

const number = (text: string): number => {
  const value = Number(text);
  if (text.trim() === '' || !(value >= 0)) throw new InvalidArgumentError('It must be a number, 0 or more.');
  return value;
};

const program = new Command('chaos')
  .description('Syncs while processes die: nothing is lost, hardly anything is done twice')
  .option('--seed <n>', 'of the schedule; the same seed gives the same schedule', number, Date.now() % 1_000_000)
  .option('--minutes <m>', 'how long processes are killed and frozen', number, 3)
  .option('--keep', 'keep data and logs of a run that went well too')
  .action(async (options: { seed: number; minutes: number; keep?: boolean }) => {
    const result = await runChaos({ ...options, log: console.log });
    const { accounts, rows, kills, freezes, others, recoveryMs, book, faults } = result;
    console.log(
      `${accounts} accounts, ${rows} rows, ${kills} kills, ${freezes} freezes, ${others} other faults, recovered in ${recoveryMs} ms; ` +
        `${book.calls} calls where ${book.least} are needed, at most ${book.mostInWindow} within a second`,
    );
    if (faults.length === 0) return console.log('Nothing was lost.');
    for (const fault of faults) console.error(`FAILED: ${fault}`);
    console.error(`Again: npm run chaos -- --seed ${options.seed} --minutes ${options.minutes}`);
    process.exitCode = 1;
  });

await program.parseAsync();
