/**
 * Units of work: one list (or object) of one parent, or one lane of a list. A unit's row is the only place that knows
 * how far it is. Next: `page-store.ts` moves it on together with the rows of a page.
 */
import { cleanText } from '../../../contracts/values/clean-text.ts';
import type { KeptState, ListMemory, Position, Range } from '../../../contracts/list.ts';
import type { UnitJob } from '../../../contracts/job.ts';
import type { EndKind, RunMode, RunState } from '../../../contracts/run.ts';
import { redact } from '../../../contracts/secrets/redact.ts';
import type { Pool, Queryable } from '../../pool.ts';

/** Characters of a reason that are kept. */
const MOST_REASON = 1_000;

export interface OpenUnit {
  readonly id: number;
  readonly node: string;
  readonly parentKey: string;
  readonly part: string;
  readonly lane: number;
}

export interface UnitsWanted {
  readonly node: string;
  /** Units that the asking workflow holds. */
  readonly inHand: readonly number[];
  readonly room: number;
}

/** Up to `room` open units of each node that are not in hand, oldest first. */
export async function nextUnits(pool: Pool, runId: string, wanted: readonly UnitsWanted[]): Promise<OpenUnit[]> {
  const { rows } = await pool.query<OpenUnit>({
    name: 'next_units',
    text: `
      select u.id, w->>'node' as node, u.parent_key as "parentKey", u.part, u.lane
      from jsonb_array_elements($2::jsonb) with ordinality x(w, o)
      cross join lateral sluice.next_units(
        $1, w->>'node', array(select jsonb_array_elements_text(w->'inHand'))::bigint[], (w->>'room')::int
      ) u order by o, u.id`,
    values: [runId, JSON.stringify(wanted)],
  });
  return rows;
}

export interface LoadedUnit {
  readonly state: 'waiting' | 'running' | 'done' | 'failed' | 'skipped';
  readonly runState: RunState;
  /** Why the account must be connected again, for a run that is paused for it. */
  readonly pausedReason: string | null;
  readonly mode: RunMode;
  /** When its run began, by `performance.now()` of this process. */
  readonly runBeganAt: number;
  /** What the database's clock showed, in epoch milliseconds, when `performance.now()` was 0. */
  readonly clockMs: number;
  readonly retryOf: readonly string[];
  readonly tenant: string | null;
  /** Of the account, as they were given; null when there are none. */
  readonly settings: unknown;
  readonly runInput: unknown;
  readonly parentKey: string;
  readonly parentRow: unknown;
  /** The parent's row has come in this run. */
  readonly isParentFresh: boolean;
  readonly lane: number;
  /** '' for the whole list; see `sluice.unit`. */
  readonly part: string;
  readonly range: Range | null;
  readonly position: Position | null;
  readonly guard: ListMemory | null;
  /** The job whose result the list is; null: none was made. */
  readonly job: UnitJob | null;
  /** Milliseconds since it was sent. */
  readonly jobAgeMs: number | null;
  readonly pages: number;
  readonly items: number;
  readonly rows: number;
  readonly attempts: number;
  /** What went wrong with the last call for the page that comes next. */
  readonly error: string | null;
  /** A call for that page was sent, as `SENT` says, and nothing was written down of what became of it. */
  readonly isOut: boolean;
  /** Milliseconds until its next call may be made after one that failed; 0 when it may be made now. */
  readonly retryInMs: number;
  /** Highest value that this unit's rows have brought so far. */
  readonly highest: string | number | null;
  /** What the list's parent is known up to, from earlier runs. */
  readonly watermark: string | number | null;
  /** A page of the list has come: it is asked from where its first page was, whatever becomes of the watermark meanwhile. */
  readonly isBegun: boolean;
  /** What it was asked from then. */
  readonly since: string | null;
  /** What the list's last reading has left to ask with. */
  readonly kept: KeptState | null;
  /**
   * Input of the run that has left it, and the watermark. It is null for a root, where there is neither, and when that
   * run is not known any more.
   */
  readonly readWith: unknown;
  /** Size that works for this endpoint and account; null for the provider's start. */
  readonly pageSize: number | null;
  /** The list is walked by several lanes. */
  readonly isLaned: boolean;
  /** Index of the first page past the end of a laned list; null while not known. */
  readonly endPosition: number | null;
  /** Most rows that the endpoint has given in one page, to any account; null when nothing is known. */
  readonly given: number | null;
  /** The largest common cap that a list of the endpoint has gone beyond. */
  readonly beyond: number;
  /** Most rows of a page of the endpoint behind which others came, and of one behind which none came when they were looked for again. */
  readonly followed: number;
  readonly closed: number;
}

/** Stands in the place of a riddle from before a call until its outcome is written down, where that is asked for. */
export const SENT = 'sent';

// A list below a row of a tree is named behind a slash.
const PARENT_RESOURCE = `case when $7 and left(u.parent_key, 1) = '/' then $4 else $2 end`;

// By primary keys only: unit, run, account, lanes' board, parent record, page size, watermark. The parent's row is asked for by itself:
// joined, all rows of the account may be read where statistics are old.
const LOAD = `
    select u.id::float8 as id, u.state, r.state as "runState", r.paused_reason as "pausedReason", r.mode, r.retry_of as "retryOf",
      (extract(epoch from clock_timestamp() - r.started_at) * 1000)::float8 as "runAgeMs", (extract(epoch from clock_timestamp()) * 1000)::float8 as "nowMs", r.tenant, a.settings, r.input as "runInput",
      u.parent_key as "parentKey",
      (select p.data from sluice.record p where p.account = r.account and p.resource = ${PARENT_RESOURCE} and p.key = u.parent_record) as "parentRow",
      coalesce((select p.run_id = u.run_id from sluice.record p where p.account = r.account and p.resource = ${PARENT_RESOURCE} and p.key = u.parent_record), false) as "isParentFresh", u.lane, u.part, u.range, u.position, u.guard, u.job,
      (floor(extract(epoch from clock_timestamp()) * 1000) - (u.job->>'at')::float8) as "jobAgeMs", u.pages, u.items,
      u.rows, u.attempts, u.error, coalesce(u.puzzle = '${SENT}', false) as "isOut",
      greatest(0, ceil(extract(epoch from u.retry_at - clock_timestamp()) * 1000))::float8 as "retryInMs",
      u.watermark as highest, w.watermark, w.kept,
      case when $2 <> '' and (w.watermark is not null or w.kept is not null)
        then (select l.input from sluice.run l where l.id = w.run_id) end as "readWith", f.pages > 0 as "isBegun", f.since, s.size as "pageSize",
      b.run_id is not null as "isLaned", b.end_position as "endPosition", e.given, coalesce(e.beyond, 0) as beyond,
      coalesce(e.followed, 0) as followed, coalesce(e.closed, 0) as closed
    from sluice.unit u
    join sluice.run r on r.id = u.run_id
    join sluice.unit f on f.id = coalesce(u.root_id, u.id)
    left join sluice.account a on a.provider = r.provider and a.account = r.account
    left join sluice.lane_board b
      on b.run_id = u.run_id and b.node = u.node and b.parent_key = u.parent_key and b.part = u.part
    left join sluice.page_size s on s.provider = r.provider and s.endpoint = $3 and s.account = r.account
    left join sluice.endpoint e on e.provider = r.provider and e.endpoint = $3
    left join sluice.list w on w.account = r.account and w.resource = $4 and w.parent_key = u.parent_key
    where u.id = any ($1::bigint[]) and u.run_id = $5 and u.node = $6`;

export interface UnitNames {
  /** Where the parent's row is stored; null for a root. */
  readonly parentResource: string | null;
  readonly resource: string;
  readonly endpoint: string;
  /** Its own rows are parents too. Default false. */
  readonly isTree?: boolean;
}

/** @returns undefined when the run has no such unit: it was deleted, or the database was set back to an earlier time. */
export async function loadUnit(
  pool: Pool,
  { unit, run, node }: Pick<UnitFence, 'unit' | 'run' | 'node'>,
  names: UnitNames,
): Promise<LoadedUnit | undefined> {
  return (await loadUnits(pool, [unit], { run, node }, names)).get(unit);
}

interface Times {
  readonly id: number;
  readonly runAgeMs: number;
  readonly nowMs: number;
}

/** Several units of one node, by their ids. */
export async function loadUnits(
  pool: Pool,
  units: readonly number[],
  { run, node }: Pick<UnitFence, 'run' | 'node'>,
  { parentResource, endpoint, resource, isTree = false }: UnitNames,
): Promise<Map<number, LoadedUnit>> {
  const values = [units, parentResource ?? '', endpoint, resource, run, node, isTree];
  const { rows } = await pool.query<Omit<LoadedUnit, 'runBeganAt' | 'clockMs'> & Times>({
    name: 'load_units',
    text: LOAD,
    values,
  });
  const at = performance.now();
  return new Map(
    rows.map(({ id, runAgeMs, nowMs, ...unit }) => [id, { ...unit, runBeganAt: at - runAgeMs, clockMs: nowMs - at }]),
  );
}

/** Which page of which unit a change is about: a caller that comes late, or asks for a unit of another run, changes nothing. */
export interface UnitFence {
  readonly unit: number;
  readonly run: string;
  readonly node: string;
  /** Pages stored before. */
  readonly pages: number;
  /** Number of this very change (`newChange`): repeated with the same one, since the answer to its first try was lost, it is done once. */
  readonly change: number;
}

/** Ends a unit without a page. @returns false when the caller came late, or the list must be read further. */
export async function endUnit(
  db: Queryable,
  { unit, run, node, pages, change }: UnitFence,
  kind: EndKind,
  reason: string,
  calls: number,
): Promise<boolean> {
  const { rows } = await db.query<{ ended: boolean }>({
    name: 'end_unit',
    text: 'select sluice.end_unit($1, $2, $3, $4, $5, $6, $7, $8) as ended',
    values: [unit, run, node, pages, kind, cleanText(redact(reason), MOST_REASON), calls, change],
  });
  return rows[0]?.ended ?? false;
}

export interface Deferral {
  /** `attempt` of the budget, or `refusal` of the credentials, of which the first one in a row costs nothing. */
  readonly costs: 'nothing' | 'attempt' | 'refusal';
  /** Real calls that were made. */
  readonly calls: number;
  /** Milliseconds until the next call may be made, whichever worker makes it; null: at once. */
  readonly delayMs: number | null;
  /** What went wrong, for people; null leaves what is known. */
  readonly why: string | null;
  /** A name of an answer that was not understood. */
  readonly riddle?: string;
}

export interface Deferred {
  /** Real attempts at this page so far. */
  readonly attempts: number;
  /** The answer before could not be understood in the very same way. */
  readonly isSame: boolean;
  /** What went wrong before. */
  readonly before: string | null;
}

/** Counts a call that brought no page. @returns undefined when the caller came late. */
export async function deferUnit(
  db: Queryable,
  { unit, run, node, pages, change }: UnitFence,
  { costs, calls, delayMs, why, riddle }: Deferral,
): Promise<Deferred | undefined> {
  const { rows } = await db.query<{ attempts: number | null; isSame: boolean | null; before: string | null }>({
    name: 'defer_unit',
    text: 'select attempts, is_same as "isSame", before from sluice.defer_unit($1, $2, $3, $4, $5, $6, $7, $8, $9, $10)',
    values: [
      unit,
      run,
      node,
      pages,
      costs,
      calls,
      delayMs,
      why === null ? null : cleanText(redact(why), MOST_REASON),
      riddle ?? null,
      change,
    ],
  });
  const { attempts, isSame, before } = rows[0] ?? { attempts: null, isSame: null, before: null };
  return attempts === null ? undefined : { attempts, isSame: isSame === true, before };
}
