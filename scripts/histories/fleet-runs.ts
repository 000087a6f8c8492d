/** Fleets: accounts that are due together. Next: `scripts/histories/stage.ts`. */
import { limited, type RecordedRun, type Stage } from './stage.ts';

const ACCOUNTS = 12;

/** Makes so many accounts due at once, and waits until all have a run that has ended. @returns the fleet's workflow id. */
async function runFleet(stage: Stage, name: string): Promise<string> {
  const accounts = Array.from({ length: ACCOUNTS }, (_, n) => `${name}-${n}`);
  for (const account of accounts) await stage.sluice.accounts.connect({ provider: 'forest', account, settings: {} });
  const count = async (sql: string): Promise<number> => (await stage.query<{ id: string }>(sql, [accounts])).length;
  const placed = `select account as id from sluice.due where schedule = 'hourly' and account = any ($1)`;
  await stage.until('all have their times', async () => (await count(placed)) === ACCOUNTS);
  await stage.query(
    `update sluice.due set due_at = clock_timestamp() where schedule = 'hourly' and account = any ($1)`,
    [accounts],
  );
  const ended = `select id from sluice.run where account = any ($1) and ended_at is not null`;
  await stage.until('all have run', async () => (await count(ended)) === ACCOUNTS);
  const [fleet] = await stage.query<{ fleet: string }>(
    'select fleet from sluice.run where account = any ($1) and fleet is not null',
    [accounts],
  );
  if (!fleet) throw new Error(`${name}: no run was in a fleet.`);
  // It ends with the last of them.
  await new Promise((resolve) => setTimeout(resolve, 2_000));
  return fleet.fleet;
}

function friends({ api }: Stage, count: number): void {
  api.list('/users/:id/friends', { count, itemAt: ({ id }, i) => ({ id: `${id}-f${i}` }) });
}

export const fleetRuns: readonly RecordedRun[] = [
  {
    files: ['fleet'],
    run: async (stage) => {
      friends(stage, 12);
      await stage.record('fleet', await runFleet(stage, 'small'));
    },
  },
  {
    // Some wait for their turn, one is too long for it.
    files: ['fleet-limited'],
    run: async (stage) => {
      friends(stage, 12);
      stage.api.list('/users/limited-3/friends', { count: 95, itemAt: (_, i) => ({ id: `limited-3-f${i}` }) });
      stage.api.script('/users/limited-5/friends', ['ok', limited(2)]);
      await stage.record('fleet-limited', await runFleet(stage, 'limited'));
    },
  },
];
