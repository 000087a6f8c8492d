import { defineConfig } from 'vitest/config';
import { RetriesReporter } from './test/setup/retries-reporter.ts';

const shared = {
  pool: 'forks' as const,
  // A busy machine is no reason to fail: these are for what never comes.
  testTimeout: 120_000,
  hookTimeout: 240_000,
  expect: { poll: { timeout: 60_000 } },
  // In CI a failed test has one more try, which says whether it always fails. Needing it fails the run all the same.
  retry: process.env['CI'] ? 1 : 0,
};
const build = 'test/setup/build.ts';
const postgres = 'test/setup/postgres.ts';
const temporal = 'test/setup/temporal.ts';

/** They take most of a machine, or measure what others would disturb, so each of them runs when nothing else does. */
const alone = [
  'test/postgres/limiter/{clock,fairness,learned,race}.test.ts',
  'test/temporal/faults/chaos.test.ts',
  'test/temporal/lists/calls-ahead.test.ts',
];

/**
 * Most files wait most of the time. Each worker has a Postgres of its own and each file a task queue of its own; on a Postgres
 * that is given there is one file at a time.
 */
const sideBySide = { maxWorkers: process.env['DATABASE_URL'] ? 1 : 3, exclude: alone };

/** Results as JSON, for `.ci/run`. */
const resultsFile = process.env['SLUICE_TEST_RESULTS'];

export default defineConfig({
  test: {
    reporters: [
      'default',
      new RetriesReporter(),
      ...(resultsFile ? [['json', { outputFile: resultsFile }] as ['json', { outputFile: string }]] : []),
    ],
    projects: [
      // Pure functions only: seconds, no servers.
      {
        test: {
          ...shared,
          name: 'quick',
          include: ['test/quick/**/*.test.ts'],
          // They hold no state of their own, so files can share a process: importing takes longer than testing.
          isolate: false,
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
          sequence: { groupOrder: 1 },
        },
      },
      // Real Postgres and a real Temporal server.
      {
        test: {
          ...shared,
          ...sideBySide,
          name: 'temporal',
          include: ['test/temporal/**/*.test.ts'],
          globalSetup: [build, postgres, temporal],
          sequence: { groupOrder: 1 },
          testTimeout: 240_000,
        },
      },
      {
        test: {
          ...shared,
          name: 'alone',
          include: alone,
          globalSetup: [build, postgres, temporal],
          maxWorkers: 1,
          sequence: { groupOrder: 2 },
          testTimeout: 240_000,
        },
      },
    ],
  },
});
