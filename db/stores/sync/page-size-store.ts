/**
 * The page size that works, for each endpoint and account, shared by all workers and kept from run to run. It shrinks
 * at once and grows by half after full pages in a row. A size that it grew to and that fails at once is taken back, and
 * it becomes twice as careful. Written by `activities/page/store-page.ts` and `activities/sync/fetch-page.ts`; read
 * with each unit by `unit-store.ts`.
 */
import type { Queryable } from '../../pool.ts';

export interface PageSizeKey {
  readonly provider: string;
  readonly endpoint: string;
  readonly account: string;
}

// Several calls of one size fail together: only the first of them shrinks it. One row by its key.
const SHRINK = `
  insert into sluice.page_size as s (provider, endpoint, account, size) values ($1, $2, $3, $5)
  on conflict (provider, endpoint, account) do update set
    size = case when s.clean = 0 then coalesce(s.grown_from, excluded.size) else excluded.size end,
    need = case when s.grown_from is null then s.need else least(s.need * 2, 160) end,
    clean = 0, grown_from = null, changed_at = clock_timestamp()
    where s.size >= $4`;

/** Asks for `to` items from now on, unless somebody else has gone below `from` meanwhile. */
export async function shrinkPageSize(db: Queryable, key: PageSizeKey, from: number, to: number): Promise<void> {
  await db.query(SHRINK, [key.provider, key.endpoint, key.account, from, to]);
}

// Unless somebody has changed it meanwhile. One row by its key.
const TAKE_BACK = `
  update sluice.page_size set size = $5, clean = 0, grown_from = null, changed_at = clock_timestamp()
  where provider = $1 and endpoint = $2 and account = $3 and size = $4`;

/** A page failed in each size down to `from`: its size was not why, and others are asked for in `to` items again. */
export async function takeBackPageSize(db: Queryable, key: PageSizeKey, from: number, to: number): Promise<void> {
  await db.query(TAKE_BACK, [key.provider, key.endpoint, key.account, from, to]);
}

// A full page of the size that holds now. One row by its key.
const GROW = `
  insert into sluice.page_size as s (provider, endpoint, account, size, clean) values ($1, $2, $3, $4, 1)
  on conflict (provider, endpoint, account) do update set
    size = case when s.clean + 1 >= s.need then least($5, ceil(s.size * 1.5)::int) else s.size end,
    clean = case when s.clean + 1 >= s.need then 0 else s.clean + 1 end,
    grown_from = case when s.clean + 1 >= s.need then s.size else s.grown_from end,
    changed_at = clock_timestamp()
    where s.size = $4`;

/** Counts a full page of `size` items and grows the size, up to `max`, when there were enough of them. */
export async function growPageSize(db: Queryable, key: PageSizeKey, size: number, max: number): Promise<void> {
  await db.query({ name: 'grow_page_size', text: GROW, values: [key.provider, key.endpoint, key.account, size, max] });
}
