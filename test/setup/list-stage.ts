/**
 * What tests of lists share that need no Temporal: a database and a drive for each file; a third party and an account for each test. Used
 * by `test/postgres/pages`, `test/postgres/pagination` and `test/postgres/runs`.
 */
import { afterAll, afterEach, beforeAll, beforeEach } from 'vitest';
import { createDrive, type Drive } from '../../bench/common/drive.ts';
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
