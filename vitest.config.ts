import { defineConfig } from 'vitest/config';
import { RetriesReporter } from './test/setup/retries-reporter.ts';
import { ALONE, LongestFirst, QUIET } from './test/setup/schedule.ts';

const shared = {
  pool: 'forks' as const,
  // Files of one worker share a process: to import Temporal and the rest anew takes longer than most of them run. None may
  // leave anything behind; `world.end()`, `db.drop()` and `test/setup/servers/nothing-left-open.ts` see to it.
  isolate: false,
  // A busy machine is no reason to fail: these are for what never comes.
  testTimeout: 120_000,
  hookTimeout: 240_000,
  expect: { poll: { timeout: 60_000 } },
  // In CI a failed test has one more try, which says whether it always fails. Needing it fails the run all the same.
  retry: process.env['CI'] ? 1 : 0,
};
const build = 'test/setup/programs/build.ts';
const postgres = 'test/setup/servers/postgres.ts';
const temporal = 'test/setup/servers/temporal.ts';
const servers = 'test/setup/servers/servers.ts';
const nothingLeftOpen = 'test/setup/servers/nothing-left-open.ts';
const drawn = 'test/setup/drawn-cases.ts';

/**
 * Most files wait most of the time: four of them keep two cores busy. Each worker has a Postgres of its own and each
 * file a task queue of its own. On a Postgres that is given there is one file at a time.
 */
const workers = (most: number): number => (process.env['DATABASE_URL'] ? 1 : most);
const sideBySide = { maxWorkers: workers(4), exclude: [...QUIET, ...ALONE] };

/** Real Postgres and a real Temporal server. */
const withServers = {
  globalSetup: [build, postgres, temporal],
  setupFiles: [servers, nothingLeftOpen, drawn],
  testTimeout: 240_000,
};

/** Results as JSON, for `.ci/run`. */
const resultsFile = process.env['SLUICE_TEST_RESULTS'];

export default defineConfig({
  test: {
    reporters: [
      'default',
      new RetriesReporter(),
      ...(resultsFile ? [['json', { outputFile: resultsFile }] as ['json', { outputFile: string }]] : []),
    ],
    sequence: { sequencer: LongestFirst },
    projects: [
      // Pure functions only: seconds, no servers.
      {
        test: {
          ...shared,
          name: 'quick',
          include: ['test/quick/**/*.test.ts'],
          setupFiles: [drawn],
          maxWorkers: 2,
          sequence: { groupOrder: 0 },
        },
      },
      // Real Postgres only.
      {
        test: {
          ...shared,
          ...sideBySide,
          name: 'postgres',
          include: ['test/postgres/**/*.test.ts'],
          globalSetup: [build, postgres],
          setupFiles: [servers, drawn],
          sequence: { groupOrder: 1 },
        },
      },
      {
        test: {
          ...shared,
          ...sideBySide,
          ...withServers,
          name: 'temporal',
          include: ['test/temporal/**/*.test.ts'],
          sequence: { groupOrder: 1 },
        },
      },
      {
        test: {
          ...shared,
          ...withServers,
          name: 'quiet',
          include: QUIET,
          maxWorkers: workers(2),
          sequence: { groupOrder: 2 },
        },
      },
      {
        test: {
          ...shared,
          ...withServers,
          name: 'alone',
          include: ALONE,
          maxWorkers: 1,
          sequence: { groupOrder: 3 },
        },
      },
    ],
  },
});
