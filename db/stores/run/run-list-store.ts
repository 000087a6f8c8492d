/**
 * Lists of runs, newest first, and counts of them. Every state is an index scan of its own that stops after one page.
 * So no list reads more than six pages of entries, whatever the number of runs. Next: `client/runs.ts`.
 */
import { checkLimit } from '../../../contracts/values/list-page.ts';
import type { RunState } from '../../../contracts/run.ts';
import {
  MOST_COUNTED,
  RUN_STATES,
  type ListedRun,
  type RunFilter,
  type RunNames,
  type RunSelection,
} from '../../../contracts/operate/run-list.ts';
import { oneOf } from '../../../contracts/values/one-of.ts';
import type { Queryable } from '../../pool.ts';

const MOST_NAMES = 100;
const PLACE = /^(\d{1,17})\.([0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12})$/;

/** @throws TypeError when `limit`, `state` or `after` is not what it should be. */
export async function listRuns(db: Queryable, filter: RunFilter = {}): Promise<ListedRun[]> {
  const { limit = 50 } = filter;
  checkLimit(limit);
  const { where, values } = conditionsOf(filter);
  const { rows } = await db.query<RunRow>(pageSql(where, `$${values.length + 1}`), [...values, limit]);
  return rows.map(toListed);
}

/** How many there are of each state, each at most `MOST_COUNTED + 1`. */
export async function countRuns(db: Queryable, selection: RunSelection = {}): Promise<Record<RunState, number>> {
  const { where, values } = conditionsOf(selection);
  const { rows } = await db.query<{ state: RunState; count: number }>(countSql(where), values);
  const counts = Object.fromEntries(RUN_STATES.map((state) => [state, 0])) as Record<RunState, number>;
  for (const { state, count } of rows) counts[state] = count;
  return counts;
}

/** Steps from name to name through run_by_sync and run_by_provider. */
export async function readRunNames(db: Queryable): Promise<RunNames> {
  const [syncs, providers] = await Promise.all(
    (['sync', 'provider'] as const).map(async (column) => {
      const { rows } = await db.query<{ name: string }>(NAMES(column), [MOST_NAMES]);
      return rows.map(({ name }) => name);
    }),
  );
  return { syncs: syncs ?? [], providers: (providers ?? []).filter((name) => name !== '') };
}

/** Indexes: run_by_sync, run_by_provider, run_by_tenant and run_by_state, whose first columns are compared; run_by_account for an account. */
function conditionsOf({ state, sync, account, provider, tenant, after }: RunSelection): {
  where: string;
  values: unknown[];
} {
  const states = state === undefined ? RUN_STATES : typeof state === 'string' ? [state] : state;
  for (const each of states) oneOf('state', each, RUN_STATES);
  const values: unknown[] = [states];
  const conditions = ['r.state = wanted.state'];
  const and = (sql: (at: string) => string, value: unknown): void => {
    if (value === undefined) return;
    values.push(value);
    conditions.push(sql(`$${values.length}`));
  };
  and((at) => `r.sync = ${at}`, sync);
  and((at) => `r.account = ${at}`, account);
  and((at) => `r.provider = ${at}`, provider);
  and((at) => `r.tenant = ${at}`, tenant);
  if (after !== undefined) {
    const [, micros, id] = PLACE.exec(after) ?? [];
    if (micros === undefined || id === undefined)
      throw new TypeError(`\`after\` is ${JSON.stringify(after)}; pass the \`place\` of a run.`);
    values.push(micros, id);
    conditions.push(
      `(r.started_at, r.id) < (timestamptz 'epoch' + $${values.length - 1}::bigint * interval '1 microsecond', $${values.length}::uuid)`,
    );
  }
  return { where: conditions.join(' and '), values };
}

const pageSql = (where: string, limit: string): string => `
  select r.id, r.workflow_id, r.provider, r.sync, r.account, r.tenant, r.mode, r.state, r.paused_by, left(r.error, 500) as error,
    r.started_at, r.ended_at, (extract(epoch from r.started_at) * 1000000)::bigint as micros, sums.*
  from (
    select found.* from unnest($1::text[]) wanted (state) cross join lateral (
      select r.id, r.started_at from sluice.run r where ${where} order by r.started_at desc, r.id desc limit ${limit}) found
    order by found.started_at desc, found.id desc limit ${limit}) page
  join sluice.run r on r.id = page.id
  cross join lateral (
    select coalesce(sum(n.rows), 0)::bigint as rows, coalesce(sum(n.calls), 0)::bigint as calls, coalesce(sum(n.flawed), 0)::int as flawed
      from sluice.node n where n.run_id = r.id) sums
  order by r.started_at desc, r.id desc`;

const countSql = (where: string): string => `
  select wanted.state, counted.count from unnest($1::text[]) wanted (state) cross join lateral (
    select count(*)::int as count from (select from sluice.run r where ${where} order by r.started_at limit ${MOST_COUNTED + 1}) few) counted`;

const NAMES = (column: 'sync' | 'provider'): string => `
  with recursive known (name) as (
    (select r.${column} from sluice.run r order by r.${column} limit 1)
    union all
    select (select r.${column} from sluice.run r where r.${column} > known.name order by r.${column} limit 1)
      from known where known.name is not null
  ) select name from known where name is not null limit $1`;

export interface EndedRuns {
  readonly sync: string;
  /** Oldest first. */
  readonly runs: readonly { readonly runId: string; readonly state: RunState; readonly tookMs: number }[];
}

/** Index: run_ended, so many entries of each sync. */
const LAST_ENDED = `
  select wanted.sync, coalesce(jsonb_agg(jsonb_build_object('runId', r.id, 'state', r.state,
      'tookMs', round(extract(epoch from r.ended_at - r.started_at) * 1000)) order by r.ended_at) filter (where r.id is not null), '[]') as runs
    from unnest($1::text[]) wanted (sync)
    left join lateral (
      select id, state, started_at, ended_at from sluice.run where run.sync = wanted.sync and ended_at is not null
       order by ended_at desc limit $2) r on true
   group by wanted.sync`;

export async function lastEnded(db: Queryable, syncs: readonly string[], limit: number): Promise<EndedRuns[]> {
  return (await db.query<EndedRuns>(LAST_ENDED, [[...new Set(syncs)], limit])).rows;
}

interface RunRow {
  readonly id: string;
  readonly workflow_id: string;
  readonly provider: string;
  readonly sync: string;
  readonly account: string;
  readonly tenant: string | null;
  readonly mode: ListedRun['mode'];
  readonly state: RunState;
  readonly paused_by: ListedRun['pausedBy'];
  readonly error: string | null;
  readonly started_at: Date;
  readonly ended_at: Date | null;
  readonly micros: number;
  readonly rows: number;
  readonly calls: number;
  readonly flawed: number;
}

function toListed(row: RunRow): ListedRun {
  const { id, workflow_id, paused_by, started_at, ended_at, micros, ...rest } = row;
  return {
    place: `${micros}.${id}`,
    runId: id,
    workflowId: workflow_id,
    ...rest,
    pausedBy: paused_by,
    startedAt: started_at.toISOString(),
    endedAt: ended_at?.toISOString() ?? null,
  };
}
