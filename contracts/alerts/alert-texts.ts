/**
 * What alerts say: what was found, and what to do, so that a person who reads only this knows. Commands are written as they are typed.
 * Used by `client/alerts/look-for-alerts.ts`.
 */
import { quotedForShell, shellWord } from '../values/shell-word.ts';
import { roleOf } from '../names.ts';
import { counted } from '../limits/limit-words.ts';
import { syncWorkflowId } from '../names.ts';
import { duration } from '../values/duration.ts';
import type { Freshness, StaleAccount } from './alert.ts';

/** @param paused a schedule of the sync that is paused; null: none is. */
export function staleText(
  { sync, provider, freshForMs }: Freshness,
  found: StaleAccount,
  paused: string | null,
): string {
  const { account, ageMs, lastGoodAt, state } = found;
  const last =
    lastGoodAt === null
      ? `has had no complete run since it was connected ${duration(ageMs)} ago`
      : `had its last complete run ${duration(ageMs)} ago`;
  const hint =
    paused === null
      ? ''
      : ` The schedule ${paused} is paused: \`npx sluice schedules resume ${shellWord(paused)}\` starts runs again.`;
  return `${sync} of account ${account} (${provider}) ${last}; at most ${duration(freshForMs)} are wanted. ${nextStep(sync, account, state)}${hint}`;
}

function nextStep(sync: string, account: string, state: StaleAccount['state']): string {
  const run = quotedForShell(syncWorkflowId(sync, account));
  switch (state) {
    case 'running':
      return `A run is going on: \`npx sluice explain ${run}\` says what it waits for and when it ends.`;
    case 'paused':
      return `Its run is paused: \`npx sluice status ${run}\` says by whom, \`npx sluice resume ${run}\` lets it go on.`;
    case 'failed':
    case 'incomplete':
      return `Its newest run ended as ${state}: \`npx sluice status ${run} --flaws\` says which lists and why; then \`npx sluice retry ${run}\`.`;
    case 'cancelled':
      return `Its newest run was cancelled: \`npx sluice retry ${run}\` reads what it has not.`;
    default:
      return `No run is going on: \`npx sluice schedules list\` says whether and when one is started, \`npx sluice start ${shellWord(sync)} --account ${shellWord(account)}\` starts one now (with \`--input\`, where the sync takes one).`;
  }
}

export function manyStaleText({ sync, provider, freshForMs, accounts, stale, stalest }: Freshness): string {
  const names = stalest.slice(0, 3).map(({ account }) => account);
  return (
    `${sync} (${provider}): ${stale} of ${counted(accounts, 'account')} have had no complete run for ${duration(freshForMs)}: ${names.join(', ')} and others. So many at once have one cause. ` +
    '`npx sluice overview` shows what calls wait for, `npx sluice doctor` whether workers and servers are well. ' +
    `\`npx sluice schedules list\` shows whether runs are started, \`npx sluice freshness\` which accounts.`
  );
}

export interface LostAccount {
  readonly provider: string;
  readonly account: string;
  readonly reason: string | null;
  readonly forMs: number;
}

export function reconnectText({ provider, account, reason, forMs }: LostAccount): string {
  return (
    `Account ${account} of ${provider} must be connected again, for ${duration(forMs)} now: ${reason ?? 'it is not connected'}. ` +
    'Its runs wait, nothing that was stored is lost, and they continue by themselves then. ' +
    `Have its user log in at ${provider} again by your app; \`npx sluice accounts show ${shellWord(account)}\` shows how it stands.`
  );
}

export function manyReconnectsText(provider: string, count: number, connected: number): string {
  return (
    `${count} accounts of ${provider} must be connected again; ${connected} are connected. So many at once point to the app's own set-up at ${provider} ` +
    '(client secret, redirect address, scopes, a review of the app), not to their users: look there first. ' +
    `\`npx sluice accounts list --status needs_reconnect --provider ${provider}\` lists them with what was answered.`
  );
}

export interface BlockedLimit {
  readonly key: string;
  readonly isPaused: boolean;
  readonly forMs: number;
  /** Until it is free by itself; null: it is not. */
  readonly untilMs: number | null;
  readonly reason: string | null;
  readonly waiting: number;
}

export function blockedText({ key, isPaused, forMs, untilMs, reason, waiting }: BlockedLimit): string {
  const who = `${counted(waiting, 'call')} ${waiting === 1 ? 'waits' : 'wait'} for it`;
  const why = reason === null || reason === '' ? '' : ` (${reason})`;
  if (isPaused)
    return `The limit ${key} has been paused by an operator for ${duration(forMs)}${why}; ${who}. \`npx sluice limits resume ${quotedForShell(key)}\` lets calls go again. Each looks in within 15 minutes.`;
  return (
    `The limit ${key} is blocked by an answer${why}, for ${duration(forMs)} so far and ${duration(untilMs ?? 0)} more; ${who}. ` +
    `Calls go on by themselves then. If the third party has lifted it: \`npx sluice limits show ${quotedForShell(key)}\`, then \`npx sluice limits resume ${quotedForShell(key)}\`; calls look in again within 15 minutes. ` +
    'If it comes again and again, a quota is spent early: declare it as a limit, or ask the third party for more.'
  );
}

export function manyBlockedText(limit: string, count: number): string {
  return `${count} keys of the limit ${limit} are blocked or paused for long. \`npx sluice limits list --prefix ${limit}/\` shows until when and why.`;
}

export interface FailingGate {
  /** `social` or `social/friends`. */
  readonly name: string;
  readonly forMs: number;
  readonly reason: string | null;
  readonly probes: number;
}

export function failingText({ name, forMs, reason, probes }: FailingGate): string {
  const provider = name.split('/')[0] as string;
  const whole = name === provider ? provider : `Endpoint ${name.slice(provider.length + 1)} of ${provider}`;
  return (
    `${whole} has failed for ${duration(forMs)}${reason ? ` (${reason})` : ''}; ${counted(probes, 'probe')} since then failed too. ` +
    'Calls to it wait, one at a time finds out whether it is back, and they go on by themselves then: nothing must be restarted. ' +
    `Look at the status page of ${provider}; \`npx sluice limits list --prefix ${provider}/\` shows what it answers. ` +
    'If it is well there, look at the way to it: DNS, proxy, firewall, certificates of the workers.'
  );
}

export interface FlawedSync {
  readonly sync: string;
  readonly runs: number;
  readonly lists: number;
  readonly flawed: number;
  /** Workflow id of the newest run that has such lists. */
  readonly example: string | null;
}

export function flawsText({ sync, runs, lists, flawed, example }: FlawedSync): string {
  const share = Math.round((flawed / lists) * 100);
  return (
    `${sync}: ${flawed} of ${counted(lists, 'list')} (${share} %) in its last ${counted(runs, 'run')} were not read to their end, so rows are missing. ` +
    (example === null ? '' : `\`npx sluice status ${quotedForShell(example)} --flaws\` says which and why. `) +
    'If the third party has changed its answers, mend the endpoint (schema, paginate, classify) and `npx sluice retry` the runs. If it refuses access, its users must grant it.'
  );
}

export function unservedText(taskQueue: string, forMs: number): string {
  const { taskQueue: base, role } = roleOf(taskQueue);
  const how = role === 'bulk' ? '' : ` --role ${role}`;
  return (
    `No worker serves the task queue "${taskQueue}": the last canary came through ${duration(forMs)} ago. Runs on it wait; none is lost. ` +
    `Start a worker: \`SLUICE_TASK_QUEUE=${shellWord(base)} npx sluice worker${how} --module …\`; \`npx sluice doctor\` says what keeps one from starting. ` +
    'If workers run, they do not reach Temporal or are stuck: their logs say so.'
  );
}

/** @param difference `1 declaration otherwise in the code`. */
export function driftedText(taskQueue: string, difference: string, forMs: number): string {
  return (
    `The schedules in force of the task queue "${taskQueue}" are not those of its workers' code, for ${duration(forMs)} now: ${difference}. ` +
    'Runs start as it was applied last, not as the code says. `npx sluice schedules plan --module …` shows what differs, ' +
    `\`SLUICE_TASK_QUEUE=${shellWord(taskQueue)} npx sluice schedules apply --module …\` brings the code into force. ` +
    `If nobody serves this task queue any more: \`npx sluice alerts forget-queue ${shellWord(taskQueue)}\`.`
  );
}
