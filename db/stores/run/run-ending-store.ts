/**
 * Ends a run before its time: what is still open becomes `truncated`, with the reason. Used by
 * `activities/run/end-early.ts`.
 */
import type { Pool, Queryable } from '../../pool.ts';

// Locks the node's open units by id, then the node: the order of commit_page. A page that is stored meanwhile counts, and may add
// lanes and parts, which another round ends.
const END_NODE = `
  with open as (
    select u.id, u.state from sluice.unit u
     where u.run_id = $1 and u.node = $2 and u.end_kind is null order by u.id for no key update
  ), ended as (
    update sluice.unit u set state = 'done', end_kind = 'truncated', reason = $3 from open o where u.id = o.id
    returning o.state
  ), counted as (
    select count(*)::int as units, (count(*) filter (where state = 'waiting'))::int as waiting from ended
  )
  update sluice.node n set waiting = n.waiting - c.waiting, running = n.running - (c.units - c.waiting),
         done = n.done + c.units, flawed = n.flawed + c.units
    from counted c where n.run_id = $1 and n.name = $2 and c.units > 0`;

/**
 * Ends all open units of a run, parents before their children: a page that is just being stored may still add some below.
 * Doing it twice changes nothing.
 * @returns whether there was something to end.
 */
export async function endOpenUnits(pool: Pool, runId: string, reason: string): Promise<boolean> {
  let isSome = false;
  const { rows } = await pool.query<{ name: string }>(
    'select name from sluice.node where run_id = $1 order by ordinal',
    [runId],
  );
  for (const { name } of rows) while ((await pool.query(END_NODE, [runId, name, reason])).rowCount !== 0) isSome = true;
  return isSome;
}

/**
 * Something that changes with every page and every list that ends; null while the run is paused.
 * @returns undefined when there is no such run.
 */
export async function readProgressMark(db: Queryable, runId: string): Promise<number | null | undefined> {
  const { rows } = await db.query<{ mark: number | null }>(
    `select case when r.state = 'paused' then null else
       (select coalesce(sum(n.pages + n.done + n.failed + n.skipped), 0)::float8 from sluice.node n where n.run_id = r.id) end as mark
     from sluice.run r where r.id = $1`,
    [runId],
  );
  return rows[0]?.mark;
}
