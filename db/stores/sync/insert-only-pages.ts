/**
 * Plain pages: new rows of lists without lanes, of nodes without children, that bring no end. Nearly all pages of a
 * first sync are plain, and `commit_page`, which knows every kind, costs each of them a third more. Several of them, of
 * different units, go in one statement; `activities/page/page-batcher.ts` gathers them. Next: `client/records.ts` reads
 * what was stored.
 */
import type { Queryable } from '../../pool.ts';
import type { PageToCommit } from './page-store.ts';

export interface PlainPageStored {
  readonly unit: number;
  /** False when the run was paused meanwhile. */
  readonly isRunning: boolean;
}

/**
 * Whether `storePlainPages` may store it.
 * @param hasChildren the page's node is another's parent.
 */
export function isPlainPage(page: PageToCommit, hasChildren: boolean): boolean {
  const { end, split, start, move } = page;
  const endsNothing = !end && !split && !start && !move && !page.isQuietEnd;
  return (
    endsNothing &&
    page.expectsNew &&
    !hasChildren &&
    !page.isMember &&
    !page.isReread &&
    page.calls === 1 &&
    !page.flaws &&
    page.gone.length === 0
  );
}

// Locks, always in this order: units, records by (account, resource, key), nodes by (run, name). Postgres orders the parts
// of a statement as it likes, so `counted` asks how many were stored; else `commit_page` and this wait for each other.
const STORE = {
  name: 'store_plain_pages',
  text: `
    with page as materialized (
      select * from jsonb_to_recordset($1::jsonb) as p (unit bigint, run uuid, node text, pages int, change bigint, account text, resource text, items int,
        position jsonb, range jsonb, guard jsonb, total bigint, since jsonb, watermark jsonb, kept jsonb, records jsonb)
    ), moved as (
      update sluice.unit u set
        state = 'running', position = p.position, range = p.range, guard = p.guard, stalled = 0, pages = u.pages + 1,
        items = u.items + p.items, rows = u.rows + p.items, calls = u.calls + 1, attempts = 0, refusals = 0,
        error = null, puzzle = null, retry_at = null, changes = sluice.with_change(u.changes, p.change),
        total = coalesce(p.total, u.total), since = p.since, watermark = coalesce(p.watermark, u.watermark),
        kept = sluice.kept_with(u.kept, u.guard, u.position, p.kept)
      from page p join sluice.run r on r.id = p.run
      where u.id = p.unit and u.run_id = p.run and u.node = p.node and u.pages = p.pages and u.end_kind is null
        and r.state in ('running', 'paused')
      returning u.id, u.run_id, u.node, coalesce(u.root_id, u.id) as root, p.account, p.resource, p.items, p.records, r.state
    ), stored as (
      insert into sluice.record
        (account, resource, key, data, tx, seq, first_seen_at, last_seen_at, changed_at, run_id, unit_id)
      select m.account, m.resource, e->>0, e->1, clock.tx, nextval('sluice.record_seq'), clock.now, clock.now,
        clock.now, m.run_id, m.root
      from moved m, (select clock_timestamp() as now, sluice.feed_position() as tx) clock, jsonb_array_elements(m.records) e
      order by m.account, m.resource, e->>0
      returning 1
    ), counted as (
      update sluice.node n set pages = n.pages + c.pages, rows = n.rows + c.rows, calls = n.calls + c.pages
      from (select run_id, node, count(*) as pages, sum(items) as rows from moved where (select count(*) from stored) >= 0
        group by run_id, node order by 1, 2) c
      where n.run_id = c.run_id and n.name = c.node
    ) select m.id::float8 as unit, m.state = 'running' as "isRunning" from moved m`,
};

/**
 * Stores pages of different units in one statement: all, or with an error none.
 * @returns those that were stored; the others are stale: their units were moved, or their runs have ended, meanwhile.
 * @throws DatabaseError `unique_violation` when a row was known, `deadlock_detected` when others store the same rows.
 */
export async function storePlainPages(db: Queryable, pages: readonly PageToCommit[]): Promise<PlainPageStored[]> {
  const values = pages.map((page) => ({
    unit: page.unit,
    run: page.run,
    node: page.node,
    pages: page.pages,
    change: page.change,
    account: page.account,
    resource: page.resource,
    items: page.records.length,
    position: page.position,
    range: page.range,
    guard: page.guard,
    total: page.total,
    since: page.since,
    watermark: page.watermark,
    kept: page.kept,
    records: page.records,
  }));
  const { rows } = await db.query<PlainPageStored>({ ...STORE, values: [JSON.stringify(values)] });
  return rows;
}
