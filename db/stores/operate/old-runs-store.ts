/**
 * Removes ended runs that are older than they are kept and that nothing needs any more, with their nodes and lists. Used by:
 * `workers/loops/remove-old.ts`.
 */
import type { Queryable } from '../../pool.ts';

/** Runs that are looked at in one statement, and rows that one removes. */
const RUNS = 200;
const STEP = 2_000;

/** The last run that was looked at; the next look begins behind it. */
export interface RunPlace {
  readonly endedAt: string;
  readonly id: string;
}

// By run_by_age, and then some probes of indexes for each run. Needed are, of each sync and account, in this order:
//   - the newest run, and the newest one that has the sync's own workflow id: a retry reads it
//   - the newest good run of each mode: how old the rows are, and what a run costs
//   - runs that others have read again: a child that was read in one of them is not read by those
//   - lists that are owed (sluice.owed_lists): later runs read them, unless one has taken them over or has visited all parents, and
//     unless it lies further back than a run looks
//   - the run of a row in quarantine: it says whose it is
export const LOOK = `
  select r.id, to_jsonb(r.ended_at) #>> '{}' as "endedAt",
    exists (select 1 from sluice.run n where n.account = r.account and n.sync = r.sync and n.started_at > r.started_at)
    and (r.workflow_id <> 'sync/' || r.sync || '/' || r.account
      or exists (select 1 from sluice.run n where n.workflow_id = r.workflow_id and n.started_at > r.started_at))
    and (r.state <> 'done' or exists (
      select 1 from sluice.run g where g.account = r.account and g.sync = r.sync and g.state = 'done' and g.ended_at > r.ended_at
        and g.mode = r.mode and g.retry_of = '{}'))
    and not exists (
      select 1 from sluice.run a where a.account = r.account and a.sync = r.sync and a.retry_of <> '{}' and r.id = any (a.retry_of))
    and (r.state = 'done' or not exists (
      select 1 from sluice.node o
      where o.run_id = r.id and o.parent is not null and o.flawed + o.waiting + o.running > 0
        and not exists (
          select 1 from sluice.run n left join sluice.node m on m.run_id = n.id and m.name = o.name
          where n.account = r.account and n.sync = r.sync and n.started_at > r.started_at and n.retry_of = '{}'
            and (m.owed_taken or n.state = 'done'
              or n.state = 'incomplete' and not n.plan @? '$.nodes[*] ? (@.visitsOwed == true)')))
      or exists (
        select 1 from sluice.run n where n.account = r.account and n.sync = r.sync and n.started_at > r.started_at
        order by n.started_at offset 1000 limit 1))
    and not exists (select 1 from sluice.quarantine q where q.account = r.account and q.sync = r.sync and q.run_id = r.id)
    as "isOver"
  from sluice.run r
  where r.ended_at < now() - $1 * interval '1 day'
    and ($2::timestamptz is null or (r.ended_at, r.id) > ($2::timestamptz, $3::uuid))
  order by r.ended_at, r.id limit ${RUNS}`;

/** Old runs, the oldest first. @returns those that nothing needs, and where to go on; undefined when there are no more. */
export async function oldRuns(
  db: Queryable,
  days: number,
  after?: RunPlace,
): Promise<{ readonly over: readonly string[]; readonly next: RunPlace | undefined }> {
  const { rows } = await db.query<RunPlace & { readonly isOver: boolean }>(LOOK, [
    days,
    after?.endedAt ?? null,
    after?.id ?? null,
  ]);
  return {
    over: rows.filter(({ isOver }) => isOver).map(({ id }) => id),
    next: rows.length < RUNS ? undefined : rows.at(-1),
  };
}

/** In the order in which they go: the run goes last, so that what was cut off is found again. Its nodes, few, go with it. */
const OF_RUN = [
  { table: 'unit', key: 'run_id' },
  { table: 'lane_board', key: 'run_id' },
  { table: 'run', key: 'id' },
] as const;

/** @param told of each statement: how many rows of which table. False ends it there; the rest is found again. */
export async function removeRuns(
  db: Queryable,
  ids: readonly string[],
  told: (table: string, rows: number) => boolean,
): Promise<void> {
  for (const { table, key } of OF_RUN)
    for (;;) {
      const { rowCount } = await db.query(
        `delete from sluice.${table} where ctid = any (array(select ctid from sluice.${table} where ${key} = any ($1) limit ${STEP}))`,
        [ids],
      );
      if (!told(table, rowCount ?? 0)) return;
      if ((rowCount ?? 0) < STEP) break;
    }
}
