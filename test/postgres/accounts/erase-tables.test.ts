/** Which tables an erasure deletes from: none that has an account may be forgotten. */
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { ERASED, KEPT, WITH_ACCOUNT } from '../../../db/stores/account/erase-store.ts';
import { createTestDatabase, type TestDatabase } from '../../setup/servers/database.ts';

describe('the tables of an erasure', () => {
  let database: TestDatabase;
  beforeAll(async () => void (database = await createTestDatabase()));
  afterAll(() => database.drop());

  it('are all that have an account, each erased, kept for a reason, or gone with the account', async () => {
    const { rows } = await database.pool.query<{ table: string }>(
      `select table_name as table from information_schema.columns where table_schema = 'sluice' and column_name = 'account'`,
    );
    const known = new Set([...Object.keys(ERASED), ...Object.keys(KEPT), ...WITH_ACCOUNT]);
    expect(rows.length).toBeGreaterThan(10);
    expect(rows.map(({ table }) => table).filter((table) => !known.has(table))).toEqual([]);
  });
});
