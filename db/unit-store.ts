/**
 * Units of work: one list (or object) of one parent, or one lane of a list. A unit's row is the only place that knows
 * how far it is; `commitPage` moves it on together with the rows of the page.
 */
import type { EndKind, RunState } from '../contracts/run.ts';
import type { Pool, Queryable } from './pool.ts';

export interface OpenUnit {
  readonly id: number;
  readonly parent_key: string;
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
    text: 'select id, parent_key, lane from sluice.next_units($1, $2, $3, $4)',
    values: [runId, node, inHand, room],
  });
  return rows;
}

/** How far a unit is. Positions are JSON: `{cursor}`, `{url}` or `{index}` (page index; `{index, done}` inside a page). */
export interface Position {
  readonly cursor?: string;
  readonly url?: string;
  readonly index?: number;
  /** Items before this page, for offset lists walked in order. */
  readonly offset?: number;
}

/** Memory of the loop guard; see `activities/paginate/loop-guard.ts`. */
export type GuardMemory = Readonly<Record<string, string | number>>;

export interface LoadedUnit {
  readonly state: 'waiting' | 'running' | 'done' | 'failed' | 'skipped';
  readonly runState: RunState;
  /** Why the account must be connected again, for a run that is paused for it. */
  readonly pausedReason: string | null;
  readonly tenant: string | null;
  readonly runInput: unknown;
  readonly parentKey: string;
  readonly parentRow: unknown;
  readonly lane: number;
  readonly position: Position | null;
  readonly pageSize: number | null;
  readonly guard: GuardMemory | null;
  readonly pages: number;
  readonly rows: number;
  readonly attempts: number;
  /** Lane 0 has begun to hand out positions. */
  readonly isLaned: boolean;
  /** Index of the first page past the end of a laned list; null while not known. */
  readonly endPosition: number | null;
}

// By primary keys only: unit, run, lane 0 of the same list, parent record.
const LOAD = {
  name: 'load_unit',
  text: `
    select u.state, r.state as "runState", r.paused_reason as "pausedReason", r.tenant, r.input as "runInput", u.parent_key as "parentKey", p.data as "parentRow",
      u.lane, u.position, u.page_size as "pageSize", u.guard, u.pages, u.rows, u.attempts,
      f.next_position is not null as "isLaned", f.end_position as "endPosition"
    from sluice.unit u
    join sluice.run r on r.id = u.run_id
    join sluice.unit f on f.run_id = u.run_id and f.node = u.node and f.parent_key = u.parent_key and f.lane = 0
    left join sluice.record p on p.account = r.account and p.resource = $2 and p.key = u.parent_record
    where u.id = $1`,
};

/** @returns undefined when the unit is unknown (its run was deleted). */
export async function loadUnit(pool: Pool, id: number, parentResource: string | null): Promise<LoadedUnit | undefined> {
  const { rows } = await pool.query<LoadedUnit>({ ...LOAD, values: [id, parentResource ?? ''] });
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
  readonly position: Position | null;
  readonly pageSize: number;
  readonly guard: GuardMemory;
  readonly calls: number;
  readonly end: { readonly kind: EndKind; readonly reason?: string } | null;
  /** Lanes to walk this list with from now on (1 or more); 0 leaves it as it is. */
  readonly spawn: number;
  readonly laned: boolean;
  readonly nextPosition: number | null;
  readonly endPosition: number | null;
  readonly stalledLimit: number;
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
      readonly children: Readonly<Record<string, number>>;
      readonly wake: readonly string[];
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
export async function countAttempt(db: Queryable, id: number, costsAttempt: boolean): Promise<number> {
  const { rows } = await db.query<{ attempts: number }>(
    `with counted as (
       update sluice.unit set calls = calls + 1, attempts = attempts + $2 where id = $1 returning attempts, run_id, node
     ), summed as (
       update sluice.node n set calls = n.calls + 1 from counted c where n.run_id = c.run_id and n.name = c.node
     ) select attempts from counted`,
    [id, costsAttempt ? 1 : 0],
  );
  return rows[0]?.attempts ?? 0;
}

/** Asks for smaller pages from here on. */
export async function setPageSize(db: Queryable, id: number, pageSize: number): Promise<void> {
  await db.query('update sluice.unit set page_size = $2 where id = $1', [id, pageSize]);
}

/** Child nodes with units to do whose workflow has said that it has none in hand. */
export async function nodesToWake(db: Queryable, runId: string, node: string): Promise<string[]> {
  const { rows } = await db.query<{ name: string }>(
    'select name from sluice.node where run_id = $1 and parent = $2 and wants_more and waiting > 0',
    [runId, node],
  );
  return rows.map((row) => row.name);
}
