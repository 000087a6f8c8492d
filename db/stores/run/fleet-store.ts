/**
 * Fleets: small runs of one sync for many accounts, carried out by one workflow. Each is a run like any other, with a list, a result and a
 * report of its own. Next: `db/functions/runs/open-fleet.sql`; `db/functions/runs/take-from-fleet.sql` for those that go on in a workflow of their own.
 */
import type { Plan } from '../../../contracts/plan.ts';
import type { FleetRun } from '../../../contracts/schedules/fleet.ts';
import type { ReportEnd } from '../../../contracts/report.ts';
import type { RunMode } from '../../../contracts/run.ts';
import { cleanText } from '../../../contracts/values/clean-text.ts';
import { inTransaction, type Pool, type Queryable } from '../../pool.ts';
import { endReport } from '../report/report-store.ts';
import { finishRun } from './end-store.ts';

export interface NewFleetRun {
  /** Of the run, and of its report. */
  readonly id: string;
  readonly account: string;
  readonly tenant: string | null;
  readonly input: unknown;
  /** Names the list of its root among those of other inputs. */
  readonly key: string;
  readonly what: string;
}

export interface NewFleet {
  /** Id of its workflow. */
  readonly fleet: string;
  readonly plan: Plan;
  readonly mode: RunMode;
  /** An account whose last run took more calls is left out. */
  readonly mostCalls: number;
  readonly runs: readonly NewFleetRun[];
}

/** @returns ids of the runs that the fleet has; the others are for workflows of their own. Done twice it changes nothing. */
export async function openFleet(db: Queryable, { fleet, plan, mode, mostCalls, runs }: NewFleet): Promise<Set<string>> {
  const { rows } = await db.query<{ id: string }>('select id from sluice.open_fleet($1, $2, $3, $4, $5) as id', [
    fleet,
    JSON.stringify(plan),
    mode,
    mostCalls,
    JSON.stringify(runs.map((run) => ({ ...run, what: cleanText(run.what, LONGEST_WHAT) }))),
  ]);
  return new Set(rows.map(({ id }) => id));
}

/** In code points. */
const LONGEST_WHAT = 500;

// Index: run_in_fleet. A fleet's run has one list.
const OPEN = `
  select r.id as "runId", r.account, r.tenant, u.node, u.id as unit
  from sluice.run r left join lateral (
    select x.node, x.id from sluice.unit x where x.run_id = r.id and x.end_kind is null order by x.id limit 1) u on true
  where r.fleet = $1 and r.state in ('running', 'paused') order by r.id limit $2`;

/** Open runs of the fleet, at most `room`, and the plan that all of them have. */
export async function readFleet(
  db: Queryable,
  fleet: string,
  room: number,
): Promise<{ readonly runs: FleetRun[]; readonly plan: Plan | undefined }> {
  const { rows } = await db.query<FleetRun>(OPEN, [fleet, room]);
  const first = rows[0];
  if (!first) return { runs: [], plan: undefined };
  const { rows: plans } = await db.query<{ plan: Plan }>('select plan from sluice.run where id = $1', [first.runId]);
  return { runs: rows, plan: plans[0]?.plan };
}

/** What a workflow of its own is to be started with. @returns undefined of a run that the fleet has no more. */
export async function readFleetRun(
  db: Queryable,
  runId: string,
): Promise<{ readonly input: unknown; readonly mode: RunMode } | undefined> {
  const { rows } = await db.query<{ input: unknown; mode: RunMode }>(
    `select input, mode from sluice.run where id = $1 and fleet is not null and state in ('running', 'paused')`,
    [runId],
  );
  return rows[0];
}

/**
 * Ends a run of a fleet, and its report. One that has ended stays as it is.
 * @returns false where the fleet has it no more: then nothing was changed, for its report may be that of the workflow which has it now.
 */
export async function endFleetRun(
  pool: Pool,
  runId: string,
  end: Exclude<ReportEnd, { readonly status: 'ok' }>,
): Promise<boolean> {
  return inTransaction(pool, async (tx) => {
    const run = await finishRun(tx, runId, end.status === 'cancelled' ? { cancelled: true } : { error: end.error });
    if (run) await endReport(tx, runId, end, runId);
    return run !== undefined;
  });
}

/** Runs of an account that fleets have in hand. Index: run_of_account_in_fleet. */
export async function fleetRunsOf(db: Queryable, account: string, syncs: readonly string[]): Promise<string[]> {
  const { rows } = await db.query<{ id: string }>(
    `select id from sluice.run where account = $1 and sync = any ($2) and state in ('running', 'paused') and fleet is not null`,
    [account, syncs],
  );
  return rows.map(({ id }) => id);
}
