/**
 * What `start` and `act` are given, checked before anything is written. A value that only the database or Temporal
 * would refuse would leave a workflow behind that can't begin.
 */
import type { Priority } from '../../contracts/limits/limit.ts';
import { checkStartedBy } from '../../contracts/report.ts';
import type { RunMode } from '../../contracts/run.ts';
import type { IfRunning } from '../../contracts/running-run.ts';
import { otherKind, shapeOf, unknownOptions } from '../../contracts/values/option-mistakes.ts';

const PRIORITIES = { interactive: true, bulk: true, background: true } satisfies Record<Priority, true>;
const MODES = { incremental: true, full: true } satisfies Record<RunMode, true>;
const IF_RUNNING = { attach: true, refuse: true, queue: true } satisfies Record<IfRunning, true>;
const LEAST_GIVE_UP_MS = 1_000;

export interface OptionsToCheck {
  readonly account: string;
  readonly tenant?: string | undefined;
  readonly startedBy: string;
  readonly priority: string;
  readonly weight: number;
  readonly mode?: string | undefined;
  readonly giveUpAfterMs?: number;
  readonly ifRunning?: string | undefined;
}

/**
 * @param given as the caller wrote them: a misspelt `idempotencyKey` would write twice, and nobody would notice.
 * @throws TypeError with all that is wrong, a line each: what was found and what was wanted.
 */
export function checkOptions(options: OptionsToCheck, given: object, known: Readonly<Record<string, true>>): void {
  const { account, tenant = account, startedBy, priority, weight, mode = 'full' } = options;
  const { giveUpAfterMs = LEAST_GIVE_UP_MS, ifRunning = 'attach' } = options;
  const checks = [() => checkAccount(account), () => checkStartedBy(startedBy)];
  if (tenant !== account) checks.push(() => checkName('tenant', tenant));
  const wrong = [...unknownOptions(given, known), ...mistakesOf(checks).map(({ message }) => message)];
  if (!Object.hasOwn(PRIORITIES, priority)) wrong.push(notOneOf('priority', priority, PRIORITIES));
  if (!(typeof weight === 'number' && weight >= 0.001 && weight <= 1_000))
    wrong.push(`\`weight\` is ${weight}; it must be 0.001 to 1,000.`);
  if (!Object.hasOwn(MODES, mode)) wrong.push(notOneOf('mode', mode, MODES));
  if (!Object.hasOwn(IF_RUNNING, ifRunning)) wrong.push(notOneOf('ifRunning', ifRunning, IF_RUNNING));
  if (!(giveUpAfterMs >= LEAST_GIVE_UP_MS))
    wrong.push(`\`giveUpAfterMs\` is ${giveUpAfterMs}; it must be 1,000 or more.`);
  if (wrong.length > 0) throw new TypeError(wrong.join('\n'));
}

const MADE = { nodes: 'defineSync', way: 'provider.action', steps: 'defineSaga' };

/** @throws TypeError when the first argument is not what the function starts. */
export function checkKind(what: string, given: unknown, field: 'nodes' | 'way' | 'steps'): void {
  const found = otherKind(given, field);
  if (found !== undefined)
    throw new TypeError(`\`${what}\` takes what \`${MADE[field]}(…)\` returns; it was given ${found}`);
}

/** @throws TypeError when the first argument is no node: a feed of nothing would end at once, and look like one without rows. */
export function checkNode(what: string, given: unknown): void {
  if (typeof (given as { resource?: unknown } | undefined)?.resource === 'string') return;
  const found = otherKind(given, 'nodes') ?? 'the whole sync';
  throw new TypeError(`\`${what}\` takes a node of a sync, e.g. \`network.posts\`; it was given ${found}`);
}

/** @returns what it is given. @throws TypeError when it names no run. */
export function checkRunOf<Of>(of: Of): Of {
  const { workflowId, sync, account } = (of ?? {}) as Readonly<Record<string, unknown>>;
  const isSync = typeof sync === 'string' || otherKind(sync, 'nodes') === undefined;
  if (typeof workflowId === 'string' || (isSync && typeof account === 'string')) return of;
  throw new TypeError(
    '`run` takes { sync, account }, or { workflowId } such as "sync/network/acct_42"; it was given ' +
      `${shapeOf(of)}.`,
  );
}

/** Workflow ids and search attributes hold it; Temporal and Postgres take so many bytes of each. */
const MOST_BYTES = 200;

/** @throws TypeError when it can't be part of a workflow id, or could be taken for another one. */
export function checkAccount(account: string): void {
  checkName('account', account);
  if (account.includes('/'))
    throw new TypeError(`\`account\` is ${JSON.stringify(account)}; it must be a name without "/".`);
}

/** @throws TypeError */
export function checkName(what: 'account' | 'tenant', name: string): void {
  const wrong = mistakeOf(name);
  if (wrong !== undefined) throw new TypeError(`\`${what}\` is ${JSON.stringify(name)}; it ${wrong}.`);
}

function mistakeOf(name: unknown): string | undefined {
  if (typeof name !== 'string' || name === '') return 'must be a name';
  if (!name.isWellFormed() || /\p{Cc}/u.test(name))
    return 'must have no control characters and no halves of characters';
  // Two spellings of one letter would be two accounts that look the same.
  if (name.normalize() !== name) return 'must be normalised: use name.normalize()';
  const bytes = Buffer.byteLength(name);
  return bytes > MOST_BYTES ? `has ${bytes} bytes and may have ${MOST_BYTES}` : undefined;
}

/** @returns what each of these checks throws. */
export function mistakesOf(checks: readonly (() => void)[]): Error[] {
  return checks.flatMap((check) => {
    try {
      check();
      return [];
    } catch (error) {
      return [error as Error];
    }
  });
}

function notOneOf(name: string, found: unknown, known: object): string {
  const wanted = Object.keys(known).map((value) => `"${value}"`);
  return `\`${name}\` is ${JSON.stringify(found)}; it must be ${wanted.slice(0, -1).join(', ')} or ${wanted.at(-1)}.`;
}
