/**
 * Every list of a run that did not end `complete`, one by one. A run's result only counts them (`db/stores/run/run-store.ts`).
 */
import type { Flaw, FlawedList } from '../../../contracts/run.ts';
import { oneOf } from '../../../contracts/values/one-of.ts';
import type { Queryable } from '../../pool.ts';

export interface FlawFilter {
  readonly node?: string;
  readonly kind?: Flaw['kind'];
  /** `place` of the last list seen; undefined from the beginning. */
  readonly after?: string;
}

// Index: unit_flawed, which is in this order.
const READ = `
  select id, node, part, lane, end_kind, coalesce(reason, '') as reason, pages, rows, calls,
    case when parent_record is null then '' else parent_key end as parent_key
  from sluice.unit
  where run_id = $1 and end_kind <> 'complete' and ($2::text is null or node = $2) and ($3::text is null or end_kind = $3)
    and ($4::text is null or (node, id) > ($4, $5::bigint))
  order by node, id limit $6`;

const KINDS: readonly Flaw['kind'][] = ['flawed', 'capped', 'looped', 'truncated', 'skipped', 'failed'];

/** @throws TypeError when `after` was not given by this function, or there is no such `kind`. */
export async function readFlawedLists(
  db: Queryable,
  runId: string,
  filter: FlawFilter,
  limit: number,
): Promise<FlawedList[]> {
  const [, node, id] = filter.after === undefined ? [] : (/^(.+):(\d+)$/s.exec(filter.after) ?? []);
  if (filter.after !== undefined && id === undefined)
    throw new TypeError(`\`after\` is ${JSON.stringify(filter.after)}; pass the \`place\` of a list.`);
  oneOf('kind', filter.kind, KINDS);
  const values = [runId, filter.node ?? null, filter.kind ?? null, node ?? null, id ?? null, limit];
  const { rows } = await db.query<FlawRow>(READ, values);
  return rows.map((row) => ({
    place: `${row.node}:${row.id}`,
    node: row.node,
    key: row.parent_key,
    ...(row.part === '' ? {} : { part: row.part }),
    ...(row.lane === 0 ? {} : { lane: row.lane }),
    kind: row.end_kind,
    reason: row.reason,
    pages: row.pages,
    rows: row.rows,
    calls: row.calls,
  }));
}

interface FlawRow {
  id: number;
  node: string;
  parent_key: string;
  part: string;
  lane: number;
  end_kind: FlawedList['kind'];
  reason: string;
  pages: number;
  rows: number;
  calls: number;
}
