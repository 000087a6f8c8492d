/**
 * The demo's command line. Next: `demo.ts`.
 */
import { Command } from 'commander';
import { wholeNumber } from '../../cli/values.ts';

export interface DemoOptions {
  readonly accounts: number;
  readonly posts: number;
  readonly follows: number;
  /** Calls per window that the PDS allows. */
  readonly limit: number;
  readonly windowSeconds: number;
  readonly workers: number;
  readonly json: boolean;
  readonly keep: boolean;
  readonly stop: boolean;
  readonly killWorker: boolean;
  readonly dataDir?: string;
}

export function readDemoOptions(argv: readonly string[]): DemoOptions {
  return demoCommand().parse(argv).opts<DemoOptions>();
}

export function demoCommand(): Command {
  return new Command('demo')
    .description('Syncs a whole Bluesky server, for real, on this machine')
    .option('--accounts <n>', 'accounts on the PDS', wholeNumber(1), 40)
    .option('--posts <n>', 'posts of each account', wholeNumber(0), 60)
    .option('--follows <n>', 'follows of each account', wholeNumber(0), 20)
    .option('--limit <n>', 'calls per window that the PDS allows', wholeNumber(1), 50)
    .option('--window-seconds <n>', 'length of that window', wholeNumber(1), 10)
    .option('--workers <n>', 'worker processes', wholeNumber(1), 2)
    .option('--json', 'print the summary as JSON in the last line', false)
    .option('--keep', 'leave everything running, to look around', false)
    .option('--stop', 'end what an earlier --keep left running', false)
    .option('--kill-worker', 'kill one worker with SIGKILL in the middle', false)
    .option('--data-dir <folder>', 'where the servers keep their data');
}
