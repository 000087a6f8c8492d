/**
 * What tests of lists share that need no Temporal: a database and a drive for each file; a third party and an account for each test. Used
 * by `test/postgres/pages`, `test/postgres/pagination` and `test/postgres/runs`.
 */
import { afterAll, afterEach, beforeAll, beforeEach } from 'vitest';
import { createDrive, type Drive } from '../../bench/common/drive.ts';
import { z } from 'zod';
import { defineProvider, defineSync, get, noAuth, type PageRequest, type Sync } from '../../providers/index.ts';
import { startFakeApi, type FakeApi } from '../../testing/index.ts';
import { createTestDatabase, type TestDatabase } from './servers/database.ts';

export interface ListStage {
  readonly api: FakeApi;
  readonly db: TestDatabase;
  readonly drive: Drive;
  /** One that no other test of the file has. */
  readonly account: string;
}

/** To be called in a `describe`, before its own hooks. @param set is given the stage before each test. */
export function onListStage(set: (stage: ListStage) => void): void {
  let db: TestDatabase;
  let drive: Drive;
  let api: FakeApi;
  let counter = 0;
  beforeAll(async () => {
    db = await createTestDatabase();
    drive = await createDrive(db.pool);
  });
  afterAll(async () => {
    await drive?.end();
    await db?.drop();
  });
  beforeEach(async () => {
    api = await startFakeApi();
    set({ api, db, drive, account: `acct-${counter++}` });
  });
  afterEach(() => api.stop());
}

/** A third party that asks for no token, and for which no limit is declared. */
export const openProvider = (api: Pick<FakeApi, 'url'>, id: string, maxAttempts?: number) =>
  defineProvider({
    id,
    baseUrl: () => api.url,
    auth: noAuth(),
    limits: [],
    ...(maxAttempts === undefined ? {} : { maxAttempts }),
  });

const NumberedRows = z.object({ rows: z.array(z.object({ id: z.number() })) });

/** What a list by number needs to say, beside where it is. */
export interface NumberedList {
  readonly kind: 'page' | 'offset';
  /** Query of a page. */
  readonly ask: (page: PageRequest) => Readonly<Record<string, number>>;
  readonly lanes?: number;
  readonly lastPage?: 'short';
  readonly advanceBy?: 'size';
  readonly hasMore?: (page: z.output<typeof NumberedRows>) => boolean;
}

/** A sync of the rows of `GET /rows`, `{ rows: [{ id }] }`. @param provider its id: what is known of a list is known of its provider's. */
export function numberedSync(
  { api, provider: id }: { readonly api: FakeApi; readonly provider: string },
  list: NumberedList,
): Sync {
  const { ask, ...options } = list;
  const provider = openProvider(api, id, 2);
  const rows = provider.endpoint('rows', {
    input: z.object({}),
    response: NumberedRows,
    request: (_, page) => get('/rows', ask(page)),
    paginate: { ...options, items: (page) => page.rows },
  });
  return defineSync('shop', { provider, input: z.object({}) }, (s) => ({
    rows: s.one(rows, { input: () => ({}), key: (row) => row.id }),
  }));
}

/** Rows of one page, by their number. */
export const rowsFrom = (from: number, count: number): { readonly id: number }[] =>
  Array.from({ length: Math.max(0, count) }, (_, n) => ({ id: from + n }));
