import { defineConfig } from 'vitest/config';

const shared = {
  pool: 'forks' as const,
  testTimeout: 60_000,
  hookTimeout: 120_000,
  // A busy machine is no reason to fail.
  expect: { poll: { timeout: 20_000 } },
  // Real servers, processes and clocks: in CI a test may have one more try, and the report shows that it needed it.
  retry: process.env['CI'] ? 1 : 0,
};

export default defineConfig({
  test: {
    projects: [
      // Pure functions only: seconds, no servers.
      { test: { ...shared, name: 'quick', include: ['test/quick/**/*.test.ts'], sequence: { groupOrder: 0 } } },
      // Real Postgres only.
      {
        test: {
          ...shared,
          name: 'postgres',
          include: ['test/postgres/**/*.test.ts'],
          globalSetup: ['test/setup/postgres.ts'],
          // One file at a time: they start processes of their own and race them against the database.
          maxWorkers: 1,
          sequence: { groupOrder: 1 },
        },
      },
      // Real Postgres and a real Temporal server.
      {
        test: {
          ...shared,
          name: 'temporal',
          include: ['test/temporal/**/*.test.ts'],
          globalSetup: ['test/setup/postgres.ts', 'test/setup/temporal.ts'],
          maxWorkers: 1,
          sequence: { groupOrder: 2 },
          testTimeout: 120_000,
        },
      },
    ],
  },
});
