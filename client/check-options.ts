/**
 * What `start` and `act` are given, checked before anything is written: a value that only the database or Temporal would
 * refuse would leave a workflow behind that can't begin.
 */
import type { Priority } from '../contracts/limit.ts';
import { checkStartedBy } from '../contracts/report.ts';
import type { RunMode } from '../contracts/run.ts';
import type { IfRunning } from '../contracts/running-run.ts';

const PRIORITIES = { interactive: true, bulk: true, trickle: true } satisfies Record<Priority, true>;
const MODES = { incremental: true, full: true } satisfies Record<RunMode, true>;
const IF_RUNNING = { attach: true, refuse: true, queue: true } satisfies Record<IfRunning, true>;
const LEAST_GIVE_UP_MS = 1_000;

export interface OptionsToCheck {
  readonly account: string;
  readonly startedBy: string;
  readonly priority: string;
  readonly weight: number;
  readonly mode?: string | undefined;
  readonly giveUpAfterMs?: number;
  readonly ifRunning?: string | undefined;
}

/** @throws TypeError with all that is wrong, a line each: what was found and what was wanted. */
export function checkOptions(options: OptionsToCheck): void {
  const { account, startedBy, priority, weight, mode = 'full', giveUpAfterMs = LEAST_GIVE_UP_MS } = options;
  const { ifRunning = 'attach' } = options;
  const wrong = [() => checkAccount(account), () => checkStartedBy(startedBy)].flatMap(messageOf);
  if (!Object.hasOwn(PRIORITIES, priority)) wrong.push(notOneOf('priority', priority, PRIORITIES));
  if (!(weight >= 0.001 && weight <= 1_000)) wrong.push(`\`weight\` is ${weight}; it must be 0.001 to 1,000.`);
  if (!Object.hasOwn(MODES, mode)) wrong.push(notOneOf('mode', mode, MODES));
  if (!Object.hasOwn(IF_RUNNING, ifRunning)) wrong.push(notOneOf('ifRunning', ifRunning, IF_RUNNING));
  if (!(giveUpAfterMs >= LEAST_GIVE_UP_MS))
    wrong.push(`\`giveUpAfterMs\` is ${giveUpAfterMs}; it must be 1,000 or more.`);
  if (wrong.length > 0) throw new TypeError(wrong.join('\n'));
}

/** @throws TypeError when it can't be part of a workflow id. */
export function checkAccount(account: string): void {
  if (typeof account !== 'string' || !account || account.includes('/'))
    throw new TypeError(`\`account\` is ${JSON.stringify(account)}; it must be a name without "/".`);
}

function messageOf(check: () => void): string[] {
  try {
    check();
    return [];
  } catch (error) {
    return [(error as Error).message];
  }
}

function notOneOf(name: string, found: unknown, known: object): string {
  const wanted = Object.keys(known).map((value) => `"${value}"`);
  return `\`${name}\` is ${JSON.stringify(found)}; it must be ${wanted.slice(0, -1).join(', ')} or ${wanted.at(-1)}.`;
}
