/** Which part of a list is asked for is checked before the database is asked: its own words would name nothing that a caller knows. */
import { expect, it } from 'vitest';
import { createQuarantine } from '../../../client/quarantine.ts';
import {
  listAccounts,
  listAlerts,
  listAudit,
  listQuarantine,
  listReports,
  listRuns,
  listState,
  readFreshness,
  type Pool,
} from '../../../db/index.ts';
import { createOperations } from '../../../limiter/admin/operations.ts';

const asked: unknown[] = [];
const pool = { query: async (sql: unknown) => void asked.push(sql) } as unknown as Pool;

const LISTS: Readonly<Record<string, (limit: number) => Promise<unknown>>> = {
  accounts: (limit) => listAccounts(pool, { limit }),
  alerts: (limit) => listAlerts(pool, { limit }),
  audit: (limit) => listAudit(pool, { limit }),
  freshness: (limit) => readFreshness(pool, {}, limit),
  limits: (limit) => createOperations(pool).list({ limit }),
  quarantine: (limit) => listQuarantine(pool, { limit }),
  reports: (limit) => listReports(pool, { limit }),
  runs: (limit) => listRuns(pool, { limit }),
  state: (limit) => listState(pool, { account: 'a' }, { limit }),
};

it.each(Object.keys(LISTS))('a list of %s takes a whole number from 1 to 1,000 and nothing else', async (name) => {
  for (const limit of [NaN, 0, -5, 1.5, 1_001, Infinity])
    await expect(LISTS[name]?.(limit)).rejects.toThrow(
      new TypeError(`\`limit\` is ${limit}; it must be a whole number from 1 to 1,000.`),
    );
  expect(asked).toEqual([]);
});

it.each([
  ['acts', () => listAudit(pool, { after: NaN }), /`after` is NaN; pass the `id` of an act/],
  ['acts since a time', () => listAudit(pool, { since: 'soon' }), /`since` is "soon"; it must be a time/],
  ['rows in quarantine', () => listQuarantine(pool, { after: 1.5 }), /`after` is 1.5; pass the `id` of a row/],
  ['reports', () => listReports(pool, { after: '9'.repeat(20) }), /pass the `sequence` of a report/],
  ['dropped rows', () => createQuarantine(pool).drop([1, NaN]), /An id is NaN; pass the `id` of rows/],
] as const)('a place that none can have is refused: %s', async (_, ask, why) => {
  await expect(ask()).rejects.toThrow(why);
  expect(asked).toEqual([]);
});
