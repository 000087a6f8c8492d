/**
 * Units of work: one list (or object) of one parent, or one lane of a list. A unit's row is the only place that knows
 * how far it is; `commitPage` moves it on together with the rows of the page.
 */
import type { EndKind, RunMode, RunState } from '../../../contracts/run.ts';
import type { Pool, Queryable } from '../../pool.ts';

export interface OpenUnit {
  readonly id: number;
  readonly parent_key: string;
  readonly part: string;
  readonly lane: number;
}

/** Up to `room` open units of a node that the asking workflow does not hold yet, oldest first. */
export async function nextUnits(
  pool: Pool,
  runId: string,
  node: string,
  inHand: readonly number[],
  room: number,
): Promise<OpenUnit[]> {
  const { rows } = await pool.query<OpenUnit>({
    name: 'next_units',
    text: 'select id, parent_key, part, lane from sluice.next_units($1, $2, $3, $4)',
    values: [runId, node, inHand, room],
  });
  return rows;
}

/** How far a unit is: nothing on the first page, else what its kind of list needs. */
export interface Position {
  readonly cursor?: string;
  readonly url?: string;
  /** Numbered lists: the page, counted from 0, of `size` items, of which `done` are read. */
  readonly index?: number;
  readonly size?: number;
  readonly done?: number;
  /** Overlapping lists: where to read on, the rows that should be found there, and the steps back so far. */
  readonly offset?: number;
  readonly border?: readonly string[];
  readonly backs?: number;
}

/** Memory of the loop guard; see `activities/paginate/loop-guard.ts`. */
export type GuardMemory = Readonly<Record<string, string | number>>;

/** Part of a list, by ids or dates; both ends are included. */
export interface PartRange {
  readonly from: number | string;
  readonly to: number | string;
}

export interface LoadedUnit {
  readonly state: 'waiting' | 'running' | 'done' | 'failed' | 'skipped';
  readonly runState: RunState;
  /** Why the account must be connected again, for a run that is paused for it. */
  readonly pausedReason: string | null;
  readonly mode: RunMode;
  readonly retryOf: readonly string[];
  readonly tenant: string | null;
  readonly runInput: unknown;
  readonly parentKey: string;
  readonly parentRow: unknown;
  readonly lane: number;
  /** '' for the whole list; see `sluice.unit`. */
  readonly part: string;
  readonly range: PartRange | null;
  readonly position: Position | null;
  readonly guard: GuardMemory | null;
  readonly pages: number;
  readonly items: number;
  readonly rows: number;
  readonly attempts: number;
  /** Milliseconds until its next call may be made after one that failed; 0 when it may be made now. */
  readonly retryInMs: number;
  /** Highest value that this unit's rows have brought so far. */
  readonly highest: string | number | null;
  /** What the list's parent is known up to, from earlier runs. */
  readonly watermark: string | number | null;
  /** Size that works for this endpoint and account; null for the provider's start. */
  readonly pageSize: number | null;
  /** The list is walked by several lanes. */
  readonly isLaned: boolean;
  /** Index of the first page past the end of a laned list; null while not known. */
  readonly endPosition: number | null;
}

// By primary keys only: unit, run, lanes' board, parent record, page size, watermark. The parent's row is asked for by itself:
// joined, all rows of the account may be read where statistics are old.
const LOAD = {
  name: 'load_unit',
  text: `
    select u.state, r.state as "runState", r.paused_reason as "pausedReason", r.mode, r.retry_of as "retryOf", r.tenant, r.input as "runInput",
      u.parent_key as "parentKey",
      (select p.data from sluice.record p where p.account = r.account and p.resource = $2 and p.key = u.parent_record) as "parentRow", u.lane, u.part, u.range, u.position, u.guard, u.pages, u.items,
      u.rows, u.attempts,
      greatest(0, ceil(extract(epoch from u.retry_at - clock_timestamp()) * 1000))::float8 as "retryInMs",
      u.watermark as highest, w.value as watermark, s.size as "pageSize",
      b.run_id is not null as "isLaned", least(b.end_position, b.planned_end) as "endPosition"
    from sluice.unit u
    join sluice.run r on r.id = u.run_id
    left join sluice.lane_board b
      on b.run_id = u.run_id and b.node = u.node and b.parent_key = u.parent_key and b.part = u.part
    left join sluice.page_size s on s.provider = r.provider and s.endpoint = $3 and s.account = r.account
    left join sluice.watermark w on w.account = r.account and w.resource = $4 and w.parent_key = u.parent_key
    where u.id = $1`,
};

export interface UnitNames {
  /** Where the parent's row is stored; null for a root. */
  readonly parentResource: string | null;
  readonly resource: string;
  readonly endpoint: string;
}

/** @returns undefined when the unit is unknown (its run was deleted). */
export async function loadUnit(pool: Pool, id: number, names: UnitNames): Promise<LoadedUnit | undefined> {
  const { parentResource, endpoint, resource } = names;
  const { rows } = await pool.query<LoadedUnit>({ ...LOAD, values: [id, parentResource ?? '', endpoint, resource] });
  return rows[0];
}

export interface PageToCommit {
  readonly unit: number;
  /** Pages stored before this one: the page is refused as stale when somebody else has moved the unit meanwhile. */
  readonly pages: number;
  readonly account: string;
  readonly resource: string;
  readonly records: readonly (readonly [key: string, data: unknown])[];
  readonly children: readonly (readonly [node: string, key: string, record: string])[];
  /** Items as they came. */
  readonly items: number;
  readonly position: Position | null;
  readonly guard: GuardMemory;
  readonly calls: number;
  readonly end: { readonly kind: EndKind; readonly reason?: string } | null;
  /** Parts that take this list's place, each with its range. */
  readonly split: readonly [PartRange, PartRange] | null;
  readonly range: PartRange | null;
  /** Watermark that the list was asked from, and the highest value that its rows have brought. */
  readonly since: string | number | null;
  readonly watermark: string | number | null;
  /** Items of the list, when the third party counts them exactly. */
  readonly total: number | null;
  readonly start: LaneStart | null;
  readonly move: LaneMove | null;
  /** Rows remember which parents' lists they were seen in, so that deletions can be found. */
  readonly isMember: boolean;
  readonly retryOf: readonly string[];
  readonly isReread: boolean;
  /** Pages in a row without a new row that make a loop; null: any number. */
  readonly stalledLimit: number | null;
  /** Its rows are probably all new, which is stored faster; where that is wrong it costs more. */
  readonly expectsNew?: boolean;
}

/** Lanes to walk a list with from now on, this unit among them: pages of `size` items, the next one to be read is `next`. */
export interface LaneStart {
  readonly lanes: number;
  readonly size: number;
  readonly next: number;
  /** Number of pages by the exact total. */
  readonly plannedEnd: number | null;
  /** Why the list will end as `capped` when all its lanes have ended. */
  readonly capped: string | null;
}

/** What a page of one lane tells the others. */
export interface LaneMove {
  readonly index: number;
  readonly hasRows: boolean;
  /** The page is read to its end, and the lane may take another one. */
  readonly isCellDone: boolean;
  /** First page past the end: because it is blank, or for another reason. */
  readonly blankAt: number | null;
  readonly endAt: number | null;
  readonly plannedEnd: number | null;
  readonly isTotalWrong: boolean;
}

export type CommittedPage =
  | { readonly stale: true }
  | {
      readonly stale?: undefined;
      readonly rows: number;
      readonly fresh: number;
      readonly changed: number;
      readonly ended: EndKind | null;
      readonly reason: string | null;
      readonly lanes: number;
      /** The run was paused meanwhile. */
      readonly isPaused: boolean;
      readonly children: Readonly<Record<string, number>>;
      readonly wake: readonly string[];
      /** Whether all rows were new, where that was expected. */
      readonly isAllNew: boolean | null;
    };

/** Stores a page in one statement: rows, child units, position, counters. Inside a transaction when `db` is in one. */
export async function commitPage(db: Queryable, page: PageToCommit): Promise<CommittedPage> {
  const { rows } = await db.query<{ result: CommittedPage }>({
    name: 'commit_page',
    text: 'select sluice.commit_page($1) as result',
    values: [JSON.stringify(page)],
  });
  return (rows[0] as { result: CommittedPage }).result;
}

/** Ends a unit without a page. @returns false when it had ended before. */
export async function endUnit(
  db: Queryable,
  id: number,
  kind: EndKind,
  reason: string,
  calls: number,
): Promise<boolean> {
  const { rows } = await db.query<{ ended: boolean }>('select sluice.end_unit($1, $2, $3, $4) as ended', [
    id,
    kind,
    reason,
    calls,
  ]);
  return rows[0]?.ended ?? false;
}

/** Counts a real call that brought no page. @returns real attempts at this page so far. */
export async function countAttempt(db: Queryable, id: number, costsAttempt: boolean, calls = 1): Promise<number> {
  const { rows } = await db.query<{ attempts: number }>(
    `with counted as (
       update sluice.unit set calls = calls + $3, attempts = attempts + $2 where id = $1 returning attempts, run_id, node
     ), summed as (
       update sluice.node n set calls = n.calls + $3 from counted c where n.run_id = c.run_id and n.name = c.node
     ) select attempts from counted`,
    [id, costsAttempt ? 1 : 0, calls],
  );
  return rows[0]?.attempts ?? 0;
}

/** Its next call may be made after so long, whoever makes it. */
export async function putOffUnit(db: Queryable, id: number, delayMs: number): Promise<void> {
  await db.query(`update sluice.unit set retry_at = clock_timestamp() + $2 * interval '1 millisecond' where id = $1`, [
    id,
    delayMs,
  ]);
}

/** Child nodes with units to do whose workflow has said that it has none in hand. */
export async function nodesToWake(db: Queryable, runId: string, node: string): Promise<string[]> {
  const { rows } = await db.query<{ name: string }>(
    'select name from sluice.node where run_id = $1 and parent = $2 and wants_more and waiting > 0',
    [runId, node],
  );
  return rows.map((row) => row.name);
}
