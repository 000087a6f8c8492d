/**
 * Looks at how everything stands, fires what is wrong and clears what is not any more. Workers do it all the time; where no worker is
 * left, `npx sluice alerts check` does. Next: `contracts/alerts/alert-texts.ts` has the words, `db/stores/alert/alert-store.ts` the rows.
 */
import {
  ALERT_DEFAULTS,
  ALERT_KINDS,
  type AlertKind,
  type AlertRules,
  type Condition,
} from '../../contracts/alerts/alert.ts';
import {
  blockedText,
  driftedText,
  failingText,
  flawsText,
  manyBlockedText,
  manyReconnectsText,
  manyStaleText,
  reconnectText,
  staleText,
  unservedText,
} from '../../contracts/alerts/alert-texts.ts';
import {
  blockedLimits,
  failingGates,
  flawedSyncs,
  keepFreshness,
  lostAccounts,
  readAlertRules,
  readDeclarations,
  readDeclaredCode,
  readFreshness,
  settleAlerts,
  unservedQueues,
  withKindLocked,
  type Pool,
  type Queryable,
} from '../../db/index.ts';

import { driftText, planOf } from '../schedules/apply-schedules.ts';

/** More than so many of one kind and one cause are one alert together: ten thousand messages tell nobody anything. */
const MOST_ALONE = 10;
const RUNS_OF_A_SYNC = 200;

export interface LookedForAlerts {
  readonly fired: number;
  readonly cleared: number;
  /** Kinds that could not be looked at, and why: their alerts stay as they are. */
  readonly errors: readonly string[];
}

/** @param rules Default: those of the workers' code. */
export async function lookForAlerts(pool: Pool, rules?: AlertRules): Promise<LookedForAlerts> {
  const looks = looksOf({ ...ALERT_DEFAULTS, ...(rules ?? (await readAlertRules(pool))) });
  let [fired, cleared] = [0, 0];
  const errors: string[] = [];
  for (const kind of ALERT_KINDS)
    try {
      const settled = await withKindLocked(pool, kind, async (tx) => settleAlerts(tx, kind, await looks[kind](tx)));
      fired += settled.fired;
      cleared += settled.cleared;
    } catch (error) {
      errors.push(`${kind}: ${(error as Error).message}`);
    }
  return { fired, cleared, errors };
}

type Look = (db: Queryable) => Promise<readonly Condition[]>;

function looksOf(rules: Required<AlertRules>): Record<AlertKind, Look> {
  const { blockedAfterMs, failingAfterMs, flawShare, unservedAfterMs, driftAfterMs } = rules;
  return {
    stale: staleAccounts,
    'needs-reconnect': accountsToReconnect,
    blocked: async (db) => {
      const found = (await blockedLimits(db, blockedAfterMs)).map((each) => ({
        group: each.key.split('/').slice(0, 2).join('/'),
        ...plain(each.key, blockedText(each), { reason: each.reason, waiting: each.waiting }),
      }));
      return grouped(found, (limit, count) => plain(`${limit}/*`, manyBlockedText(limit, count), { keys: count }));
    },
    'provider-fails': async (db) =>
      (await failingGates(db, failingAfterMs)).map((each) =>
        plain(each.name, failingText(each), { reason: each.reason, probes: each.probes }),
      ),
    flaws: async (db) =>
      (await flawedSyncs(db, flawShare, RUNS_OF_A_SYNC)).map((each) =>
        plain(each.sync, flawsText(each), { runs: each.runs, lists: each.lists, flawed: each.flawed }),
      ),
    unserved: async (db) =>
      (await unservedQueues(db, unservedAfterMs)).map(({ taskQueue, forMs }) =>
        plain(taskQueue, unservedText(taskQueue, forMs), {}),
      ),
    drift: (db) => driftedSchedules(db, driftAfterMs),
  };
}

async function driftedSchedules(db: Queryable, afterMs: number): Promise<Condition[]> {
  const declared = (await readDeclaredCode(db)).filter(({ forMs }) => forMs >= afterMs);
  if (declared.length === 0) return [];
  const applied = await readDeclarations(db);
  return declared.flatMap(({ taskQueue, declarations, forMs }) => {
    const difference = driftText(planOf(applied, taskQueue, declarations));
    return difference === undefined
      ? []
      : [plain(taskQueue, driftedText(taskQueue, difference, forMs), { taskQueue, difference })];
  });
}

async function staleAccounts(db: Queryable): Promise<Condition[]> {
  const found = await readFreshness(db, {}, MOST_ALONE, true);
  await keepFreshness(db, found);
  return found.flatMap((each) => {
    const { sync, provider, stale, accounts, paused } = each;
    const alone = each.stalest.map((one) => ({
      ...plain(`${sync}/${one.account}`, staleText(each, one, paused), {
        sync,
        provider,
        account: one.account,
        lastGoodAt: one.lastGoodAt,
        state: one.state,
      }),
      tenant: one.tenant,
    }));
    return stale <= MOST_ALONE
      ? alone
      : together(alone, plain(`${sync}/*`, manyStaleText(each), { sync, provider, stale, accounts }));
  });
}

async function accountsToReconnect(db: Queryable): Promise<Condition[]> {
  const lost = await lostAccounts(db, MOST_ALONE);
  const alone = lost.map((each) => ({
    ...plain(`${each.provider}/${each.account}`, reconnectText(each), {
      provider: each.provider,
      account: each.account,
      reason: each.reason,
    }),
    tenant: each.tenant,
  }));
  const providers = new Map(lost.map((each) => [each.provider, each]));
  return [...providers.values()].flatMap(({ provider, count, connected }) => {
    const own = alone.filter(({ details }) => details.provider === provider);
    return count <= MOST_ALONE
      ? own
      : together(own, plain(`${provider}/*`, manyReconnectsText(provider, count, connected), { provider, count }));
  });
}

/** Each of a group alone, or one for all of it where there are many. */
function grouped(
  found: readonly (Condition & { readonly group: string })[],
  forAll: (group: string, count: number) => Condition,
): Condition[] {
  const names = [...new Set(found.map(({ group }) => group))];
  return names.flatMap((name) => {
    const all = found.filter(({ group }) => group === name);
    return all.length <= MOST_ALONE ? all : together(all, forAll(name, all.length));
  });
}

/** Those that were fired alone before there were many stay open until they are mended. */
function together(alone: readonly Condition[], all: Condition): Condition[] {
  return [...alone.map((each) => ({ ...each, isOneOfMany: true })), all];
}

function plain(subject: string, text: string, details: Condition['details']): Condition {
  return { subject, tenant: null, text, details };
}
