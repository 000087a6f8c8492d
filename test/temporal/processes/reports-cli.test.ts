import { randomUUID } from 'node:crypto';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { endReport, insertReport } from '../../../db/index.ts';
import { createTestDatabase, type TestDatabase } from '../../setup/servers/database.ts';
import { sluice } from '../../setup/programs/command-line.ts';
import { temporalAddress } from '../../setup/servers/servers.ts';

describe('sluice reports', () => {
  let db: TestDatabase;
  const write = async (account: string, error?: string): Promise<void> => {
    const id = randomUUID();
    await insertReport(db.pool, {
      id,
      kind: 'sync',
      name: 'network',
      account,
      tenant: account,
      startedBy: 'user:7',
      workflowId: `sync/network/${account}`,
      rootWorkflowId: `sync/network/${account}`,
      what: `network of ${account}`,
    });
    const end =
      error === undefined ? { status: 'ok' as const } : { status: 'failed' as const, error, errorType: 'auth' };
    await endReport(db.pool, id, end, null);
  };
  beforeAll(async () => {
    db = await createTestDatabase();
    await write('ann');
    await write('ann', 'the token was revoked');
    await write('bob');
  });
  afterAll(() => db?.drop());

  const reports = (...args: string[]) => {
    const env = { DATABASE_URL: db.url, TEMPORAL_ADDRESS: temporalAddress() };
    return sluice(['reports', ...args], env);
  };

  it('tells the newest first, why one failed, and what was asked for alone', async () => {
    const all = await reports();
    expect(all.code).toBe(0);
    expect(all.output.indexOf('bob')).toBeLessThan(all.output.indexOf('ann'));
    expect(all.output).toContain('auth: the token was revoked');
    const failed = await reports('--account', 'ann', '--status', 'failed', '--json');
    expect(JSON.parse(failed.output)).toMatchObject([{ account: 'ann', startedBy: 'user:7', status: 'failed' }]);
    const [newest] = JSON.parse((await reports('--limit', '1', '--json')).output) as [
      { account: string; sequence: string },
    ];
    expect(newest.account).toBe('bob');
    const next = await reports('--limit', '1', '--after', newest.sequence, '--json');
    expect(JSON.parse(next.output)).toMatchObject([{ account: 'ann', status: 'failed' }]);
    expect((await reports('--workflow', 'sync/network/eve')).output).toBe('No reports.\n');
  }, 120_000);

  it('says what is wrong with what was asked for', async () => {
    expect(await reports('--status', 'broken')).toMatchObject({
      code: 1,
      output: expect.stringContaining('Allowed choices are pending, ok, failed, cancelled') as string,
    });
    expect(await reports('--limit', '0')).toMatchObject({
      code: 1,
      output: expect.stringContaining('was given "0". It must be a whole number, from 1 to 1,000.') as string,
    });
  }, 120_000);
});
