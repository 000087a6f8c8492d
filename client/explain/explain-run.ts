/**
 * Why a run waits, who else does, what it has cost and will cost, and when it ends, in the words of `waits()`. Called by
 * `client/sync/sync-handle.ts`; the estimate is made in `forecast.ts`.
 */
import { duration } from '../../contracts/values/duration.ts';
import type { ExplainedLimitUse, Forecast, RunExplanation } from '../../contracts/operate/explanation.ts';
import { counted, rateText, type LimitStanding } from '../../contracts/limits/limit-words.ts';
import type { RunProgress, RunWait } from '../../contracts/run.ts';
import { readForecastFacts, readLimitStandings, readLimitUsers, type LimitUser, type Pool } from '../../db/index.ts';
import { callsLeft, paceOf } from './forecast.ts';

/** What holds a whole run, so that no time can be named. */
const HOLDING: ReadonlySet<RunWait['kind']> = new Set(['account', 'operator', 'cancel', 'worker']);
/** No time is told of those that go on when somebody does something, or the provider is back. */
const isUntimed = ({ kind, firstInMs }: RunWait): boolean =>
  (kind === 'limit' || kind === 'provider') && firstInMs === undefined;
const MOST_USERS = 5;

/** @param waits what `waits()` says of the run now. */
export async function explainRun(pool: Pool, run: RunProgress, waits: readonly RunWait[]): Promise<RunExplanation> {
  const { runId, workflowId } = run;
  const keys = [...new Set(waits.flatMap((wait) => (wait.kind === 'limit' && wait.limit ? [wait.limit] : [])))];
  const [facts, users, standings] = await Promise.all([
    readForecastFacts(pool, runId),
    readLimitUsers(pool, keys, runId),
    readLimitStandings(pool, keys),
  ]);
  const limits = keys.map((key) => ({ key, users: usersOf(key, users) }));
  // Of one moment with what is left.
  const calls = (facts ?? run).nodes.reduce((sum, node) => sum + node.calls, 0);
  const left = facts && run.endedAt === null ? callsLeft(facts) : undefined;
  const isHeld = run.state === 'paused' || waits.some((wait) => HOLDING.has(wait.kind) || isUntimed(wait));
  const perSecond = isHeld
    ? null
    : paceOf({
        calls,
        elapsedMs: facts?.elapsedMs ?? 0,
        limits: standings.flatMap((standing) => {
          const rate = sustained(standing);
          return rate === null ? [] : [{ perSecond: rate, share: shareOf(standing.key, users) }];
        }),
      });
  const forecast: Forecast | null = left
    ? { ...left, callsPerSecond: perSecond, endsInMs: endOf(left.callsLeft, perSecond, heldMs(waits, standings)) }
    : null;
  const explained = { runId, workflowId, waits, limits, calls, forecast };
  return { ...explained, text: inWords(explained, run, isHeld) };
}

/** The largest share first. */
function usersOf(key: string, users: readonly LimitUser[]): ExplainedLimitUse['users'] {
  const merged = new Map<string, ExplainedLimitUse['users'][number]>();
  for (const { sync, tenant, waiting, accounts } of users.filter((user) => user.key === key)) {
    const name = JSON.stringify([sync, tenant]);
    const before = merged.get(name);
    const sums = { waiting: waiting + (before?.waiting ?? 0), accounts: Math.max(accounts, before?.accounts ?? 0) };
    merged.set(name, { sync, tenant, ...sums });
  }
  return [...merged.values()].sort((a, b) => b.waiting - a.waiting);
}

/** Calls a second that a limit gives out for long; null: it is not counted by time. */
function sustained({ kind, max, perMs, ratePerSecond }: LimitStanding): number | null {
  if (ratePerSecond !== null) return ratePerSecond;
  return kind === 'inflight' || max === null || perMs === null ? null : (max / perMs) * 1_000;
}

/** Those who wait take turns, so a run gets the share that it has of them; who is of a lower class goes after it. */
function shareOf(key: string, users: readonly LimitUser[]): number {
  const here = users.filter((user) => user.key === key);
  const mine = here.filter((user) => user.mine > 0);
  const lowest = Math.max(...mine.map((user) => user.class));
  const before = here.filter((user) => user.class <= lowest).reduce((sum, { waiting }) => sum + waiting, 0);
  return before === 0 ? 1 : mine.reduce((sum, user) => sum + user.mine, 0) / before;
}

/** How long nothing goes on at all. Within a window's length that is how the window gives out, which the pace has. */
function heldMs(waits: readonly RunWait[], standings: readonly LimitStanding[]): number {
  const each = waits.map(({ firstInMs = 0, limit }) => {
    const periodMs = standings.find(({ key }) => key === limit)?.perMs ?? 0;
    return Math.max(0, firstInMs - periodMs);
  });
  return each.length === 0 ? 0 : Math.min(...each);
}

function endOf(left: number, perSecond: number | null, waitMs: number): number | null {
  return perSecond === null ? null : Math.round((left / perSecond) * 1_000 + waitMs);
}

function inWords(
  { waits, limits, calls, forecast }: Omit<RunExplanation, 'text'>,
  run: RunProgress,
  isHeld: boolean,
): string[] {
  const made = `${counted(calls, 'call')} made`;
  if (run.endedAt !== null) return [`it has ended as ${run.state}, ${made}`];
  const nothing = waits.length === 0 ? ['nothing waits: its calls are on their way'] : [];
  return [
    ...nothing,
    ...waits.map(({ text }) => text),
    ...limits.flatMap(usersText),
    forecastText(made, forecast, isHeld),
  ];
}

function usersText({ key, users }: ExplainedLimitUse): string[] {
  const shown = users.slice(0, MOST_USERS).map(({ sync, tenant, waiting, accounts }) => {
    const whose = tenant === null ? counted(accounts, 'account') : `tenant ${tenant}`;
    return `${counted(waiting, 'call')} of ${sync} (${whose})`;
  });
  const more = users.length > MOST_USERS ? [`${users.length - MOST_USERS} more`] : [];
  return shown.length === 0 ? [] : [`${key} is waited for by ${[...shown, ...more].join(', ')}`];
}

function forecastText(made: string, forecast: Forecast | null, isHeld: boolean): string {
  if (forecast === null)
    return `${made}; how many are left is not known yet: too few lists have ended, and no good run came before`;
  const { callsLeft: left, errorShare, callsPerSecond, endsInMs, from } = forecast;
  const error = `± ${Math.round(errorShare * 100)} %`;
  const basis = from === 'last-run' ? ', as the last good run had' : '';
  const calls = `${made}, about ${left} left (${error}${basis})`;
  if (isHeld) return `${calls}; it does not end before it goes on`;
  if (endsInMs === null || callsPerSecond === null) return `${calls}; its pace is not known yet`;
  return `${calls}; at ${rateText(callsPerSecond)} it ends in about ${duration(endsInMs)} (${error})`;
}
