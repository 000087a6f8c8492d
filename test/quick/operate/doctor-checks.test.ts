/** What `sluice doctor` makes of facts that no test can plant on a real server: clocks, versions, a crowd of connections. */
import { readFileSync } from 'node:fs';
import { describe, expect, it } from 'vitest';
import { checkModule, checkNode, checkSettings } from '../../../cli/machine-checks.ts';
import { findingsText } from '../../../cli/text/finding.ts';
import {
  judgeDatabase,
  judgeSchema,
  judgeTables,
  type DatabaseContext,
} from '../../../client/doctor/database-checks.ts';
import { judgeBehaviour, judgeDrain } from '../../../client/doctor/temporal-checks.ts';
import { judgeQueue, judgeServed, judgeVersions } from '../../../client/doctor/worker-checks.ts';
import type { Finding } from '../../../contracts/operate/finding.ts';
import { SLUICE_VERSION, workerIdentity } from '../../../contracts/version.ts';
import type { DatabaseFacts } from '../../../db/index.ts';

const facts: DatabaseFacts = {
  version: 160_004,
  encoding: 'UTF8',
  role: 'app',
  settings: {
    synchronous_commit: 'on',
    fsync: 'on',
    full_page_writes: 'on',
    autovacuum: 'on',
    track_counts: 'on',
    default_transaction_isolation: 'read committed',
    default_transaction_read_only: 'off',
  },
  isStandby: false,
  clockMs: 0,
  connections: 97,
  connectionsOfOthers: 10,
  oldestTransaction: { ageMs: 900, whose: 'sluice-worker (app, pid 7)' },
};
const context: DatabaseContext = {
  dbConnections: 10,
  workers: 4,
  longTransactionMs: 60_000,
  clockAheadMs: 3,
  clockErrorMs: 2,
};
const wrongIn = (findings: readonly Finding[]) =>
  findings.filter(({ status }) => status !== 'ok').map(({ check, status }) => `${check} ${status}`);

describe('what is made of facts', () => {
  it('is nothing wrong where all is well', () => {
    expect(wrongIn(judgeDatabase(facts, context))).toEqual([]);
    expect(wrongIn(judgeBehaviour({ clockAheadMs: -900, clockErrorMs: 5, timerLateMs: 20 }))).toEqual([]);
    expect(judgeVersions([workerIdentity('1@a'), workerIdentity('2@b')])).toMatchObject({
      status: 'ok',
      found: `2 × ${SLUICE_VERSION}`,
    });
    // Nobody can change a setting of the server that `sluice dev` runs.
    expect(wrongIn([judgeDrain(true, false), judgeDrain(false, true)])).toEqual([]);
    expect(wrongIn([judgeDrain(false, false)])).toEqual(['drain-of-pollers advice']);
    const shop = { taskQueue: 'sluice', syncs: ['orders'] };
    const queue = {
      taskQueue: 'q',
      asking: [],
      workers: [],
      lacks: ['workflow'],
      backlogMs: 0,
      ratePerSecond: undefined,
    };
    expect(judgeQueue({ ...queue, ended: ['a'] })[0]).toMatchObject({
      status: 'wrong',
      found:
        'nobody asks for workflow tasks of task queue "q"; 1 worker asked within the last 75 s, and has ended or has another database',
    });
    expect(judgeServed([shop, shop, { taskQueue: 'mail', syncs: [] }])).toMatchObject({ status: 'ok' });
    expect(judgeServed([shop, { taskQueue: 'sluice', syncs: ['mails', 'news'] }])).toMatchObject({
      status: 'advice',
      found: 'task queue "sluice": some workers have orders; others mails, news',
    });
  });

  it('is each fault by its own name, with what was found, what was wanted and what to do', () => {
    const off = { ...facts.settings, fsync: 'off', synchronous_commit: 'off', track_counts: 'off' };
    const bad: DatabaseFacts = {
      ...facts,
      version: 130_008,
      encoding: 'SQL_ASCII',
      settings: { ...off, default_transaction_isolation: 'serializable' },
      isStandby: true,
      connectionsOfOthers: 60,
      oldestTransaction: { ageMs: 61_000, whose: 'psql (ann, pid 8)' },
    };
    const findings = judgeDatabase(bad, { ...context, clockAheadMs: -2_400, clockErrorMs: 30 });
    expect(wrongIn(findings)).toEqual([
      'database-version wrong',
      'database-encoding wrong',
      'database-writable wrong',
      'transaction-isolation wrong',
      'synchronous-commit wrong',
      'fsync wrong',
      'max-connections wrong',
      'long-transactions wrong',
      'clock-of-database wrong',
      'autovacuum wrong',
    ]);
    for (const { found, wanted, todo } of findings) expect([found, wanted, todo]).not.toContain('');
    expect(findings.find(({ check }) => check === 'max-connections')).toMatchObject({
      found: '97 for role app in this database, of which others have 60 now',
      wanted: '45 or more: 4 × 10 for workers, 5 for a client',
    });
    expect(wrongIn(judgeBehaviour({ clockAheadMs: 3_000, clockErrorMs: 20, timerLateMs: 760 }))).toEqual([
      'clock-of-temporal wrong',
      'timers advice',
    ]);
    expect(judgeVersions([workerIdentity('1@a'), 'sluice-0.0.9/2@b', '77@c'])).toMatchObject({
      status: 'advice',
      found: `1 × 0.0.9, 1 × ${SLUICE_VERSION}, 1 × another program`,
    });
    const record = { table: 'record', rows: 9_000, dead: 12_000, isAutovacuumOff: true, lastVacuum: null };
    expect(wrongIn(judgeTables([record]))).toEqual(['autovacuum wrong', 'vacuum-lag wrong']);
  });

  it('takes no clock for wrong that the question itself was too slow to tell', () => {
    expect(wrongIn(judgeDatabase(facts, { ...context, clockAheadMs: 2_500, clockErrorMs: 2_000 }))).toEqual([]);
  });
});

describe('what this machine shows', () => {
  it('is an old Node, settings that are not understood, and a module that can not be served', async () => {
    expect(checkNode('20.18.1').status).toBe('wrong');
    expect(checkNode('20.19.0').status).toBe('ok');
    expect(checkNode('24.1.0').status).toBe('ok');
    const bad = checkSettings(() => {
      throw new TypeError('The worker\'s settings are wrong:\n  - SLUICE_CONCURRENCY is "x"');
    });
    expect(bad).toMatchObject({ check: 'worker-settings', status: 'wrong' });
    const failing = (message: string) => () => Promise.reject(new Error(message));
    expect(await checkModule(failing('No module was named and none of … exists here.'), false)).toMatchObject({
      status: 'unknown',
    });
    expect(await checkModule(failing('a.ts exports no sync, action or saga'), true)).toMatchObject({ check: 'module' });
    expect(
      await checkModule(failing('a.ts is TypeScript, which Node v20 does not read by itself.'), true),
    ).toMatchObject({ check: 'typescript', status: 'wrong' });
  });

  it('is printed with what is wrong at the end', () => {
    const text = findingsText([checkNode('18.0.0'), checkSettings(() => {})]);
    expect(text).toMatch(/^ok {7}worker-settings: understood\nwrong {4}node: Node 18\.0\.0\n/);
    expect(text).toMatch(/\n {11}wanted: Node 20\.19 or later\n {11}do: Install a newer Node.*\n1 thing wrong\.$/);
  });
});

it('the version that workers tell is the one of the package', () => {
  const { version, engines } = JSON.parse(readFileSync(new URL('../../../package.json', import.meta.url), 'utf8')) as {
    version: string;
    engines: { node: string };
  };
  expect(SLUICE_VERSION).toBe(version);
  expect(checkNode(engines.node.replace('>=', '')).status).toBe('ok');
});

it('a schema that this build can not use is mended as its own sentence says, and not by a migration', () => {
  expect(judgeSchema('a newer version has migrated it. Upgrade this worker.')).toMatchObject({
    status: 'wrong',
    todo: 'Do what it says.',
  });
  expect(judgeSchema({ missing: ['0001_baseline.sql'], warnings: [] })).toMatchObject({
    status: 'wrong',
    todo: expect.stringContaining('sluice migrate') as string,
  });
});
