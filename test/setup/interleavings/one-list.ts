/**
 * One list of three pages in Postgres, as a value that can be read, compared, and put down again as a run of its own. Used by
 * `actors.ts`, `every-order.ts` and `random-orders.ts`.
 */
import { randomUUID } from 'node:crypto';
import { openRun, type Pool, type Queryable } from '../../../db/index.ts';

export const NODE = 'items';
export const RESOURCE = 's.items';

/** Where the list is. */
export interface Place {
  readonly run: string;
  readonly unit: number;
  readonly account: string;
}

/** All rows of it, as Postgres has them. */
export interface Rows {
  readonly run: Readonly<Record<string, unknown>> & { readonly state: string };
  readonly node: NodeRow;
  readonly unit: UnitRow;
  readonly records: readonly (Readonly<Record<string, unknown>> & { readonly key: string })[];
  /** Its delay has not passed. */
  readonly isDelayed: boolean;
}

interface NodeRow extends Readonly<Record<string, unknown>> {
  readonly pages: number;
  readonly rows: number;
  readonly calls: number;
  readonly waiting: number;
  readonly running: number;
  readonly done: number;
  readonly failed: number;
  readonly flawed: number;
  readonly state: string;
}

interface UnitRow extends Readonly<Record<string, unknown>> {
  readonly state: string;
  readonly pages: number;
  readonly items: number;
  readonly rows: number;
  readonly attempts: number;
  readonly end_kind: string | null;
  readonly position: { readonly cursor: string } | null;
}

const plan = {
  sync: 's',
  provider: 'p',
  nodes: [
    {
      name: NODE,
      endpoint: 'items',
      parent: null,
      resource: RESOURCE,
      pagination: 'cursor' as const,
      window: 40,
      onChildError: { notFound: 'fail' as const, forbidden: 'fail' as const, maxSkippedShare: 0 },
      callTimeoutMs: 1_000,
    },
  ],
  maxHistoryEvents: 4_000,
};

/** A list that nobody has begun to read. */
export async function openList(pool: Pool, { run = randomUUID() }: { run?: string } = {}): Promise<Place> {
  await openRun(pool, { runId: run, workflowId: run, account: run, tenant: undefined, input: {}, plan, mode: 'full' });
  const { rows } = await pool.query<{ id: number }>('select id from sluice.unit where run_id = $1', [run]);
  return { run, unit: rows[0]?.id ?? 0, account: run };
}

const READ = {
  name: 'read_list',
  text: `
    select to_jsonb(r) as run, to_jsonb(n) as node, to_jsonb(u) as unit,
      coalesce((select jsonb_agg(to_jsonb(x) order by x.key) from sluice.record x where x.account = $2), '[]') as records,
      coalesce(u.retry_at > clock_timestamp(), false) as "isDelayed"
    from sluice.run r join sluice.node n on n.run_id = r.id join sluice.unit u on u.run_id = r.id where r.id = $1`,
};

export async function readList(db: Queryable, { run, account }: Place): Promise<Rows> {
  const { rows } = await db.query<Rows>({ ...READ, values: [run, account] });
  return rows[0] as Rows;
}

const COPY = {
  name: 'copy_list',
  text: `
    with r as (insert into sluice.run select (jsonb_populate_record(null::sluice.run, $1::jsonb->'run')).*),
      n as (insert into sluice.node select (jsonb_populate_record(null::sluice.node, $1::jsonb->'node')).*),
      u as (insert into sluice.unit overriding system value select (jsonb_populate_record(null::sluice.unit, $1::jsonb->'unit')).*)
    insert into sluice.record select (jsonb_populate_record(null::sluice.record, e)).* from jsonb_array_elements($1::jsonb->'records') e`,
};

/** Beyond all that the database hands out itself. */
let lastUnit = 1_000_000_000;

/** The same list once more, at a place of its own. */
export async function copyList(db: Queryable, rows: Rows): Promise<Place> {
  const run = randomUUID();
  const unit = ++lastUnit;
  const copy = {
    run: { ...rows.run, id: run, account: run },
    node: { ...rows.node, run_id: run },
    unit: { ...rows.unit, run_id: run, id: unit },
    records: rows.records.map((record) => ({ ...record, account: run, run_id: run, unit_id: unit })),
  };
  await db.query({ ...COPY, values: [JSON.stringify(copy)] });
  return { run, unit, account: run };
}

/** The delay of a failed call passes. */
export async function passDelay(db: Queryable, { unit }: Place): Promise<void> {
  await db.query(`update sluice.unit set retry_at = clock_timestamp() - interval '1 second' where id = $1`, [unit]);
}

/** What two places have in common when nothing tells them apart but their names and times. */
export function nameOf({ run, node, unit, records, isDelayed }: Rows): string {
  return JSON.stringify([
    run.state,
    [node.state, node.pages, node.rows, node.calls, node.waiting, node.running, node.done, node.failed, node.flawed],
    [unit.state, unit.pages, unit.items, unit.rows, unit['calls'], unit.attempts, unit.end_kind, unit.position],
    [unit['refusals'], unit['stalled'], unit['error']],
    records.map(({ key }) => key),
    isDelayed,
  ]);
}
