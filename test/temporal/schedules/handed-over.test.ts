/** What is asked of a fleet's run in the moment in which a workflow of its own takes it over reaches that workflow, and is not lost. */
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { rootKeysOf } from '../../../activities/index.ts';
import { fleetWorkflowId } from '../../../contracts/names.ts';
import { endFleetRun, openFleet, type PoolClient } from '../../../db/index.ts';
import type { SyncHandle } from '../../../client/index.ts';
import { hourly } from '../../fixtures/scheduled.ts';
import { createWorld, type World } from '../../setup/world.ts';

describe('a run that a workflow takes over from a fleet', () => {
  let world: World;
  // No worker: every step is made by the test.
  beforeAll(async () => {
    world = await createWorld([], { workers: 0 });
  });
  afterAll(() => world?.end());

  const query = async <Row extends object>(sql: string, values: unknown[] = []): Promise<Row[]> =>
    (await world.db.pool.query<Row>(sql, values)).rows;
  const openInFleet = async (account: string): Promise<string> => {
    const id = crypto.randomUUID();
    const input = { id: account };
    const { definition } = hourly;
    const run = { id, account, tenant: null, input, key: rootKeysOf(definition, input)['friends'] ?? '', what: 'x' };
    const fleet = fleetWorkflowId('hourly', id);
    await openFleet(world.db.pool, { fleet, plan: definition.plan, mode: 'incremental', mostCalls: 4, runs: [run] });
    return id;
  };
  const takeOver = (tx: PoolClient | World['db']['pool'], own: string, account: string, report: string) =>
    tx.query('select sluice.take_from_fleet($1, $2, $3, $4, $5, $6)', [
      own,
      'hourly',
      account,
      JSON.stringify({ id: account }),
      'incremental',
      report,
    ]);

  /** Asks while the run is being taken over. @returns the run id of its own workflow, and what that has heard. */
  const askDuring = async (account: string, ask: (run: SyncHandle) => Promise<void>) => {
    const run = world.sluice.run({ sync: hourly, account });
    const [before] = await query<{ id: string }>('select id from sluice.run where account = $1', [account]);
    const tx = await world.db.pool.connect();
    let asking: Promise<void>;
    let own: string;
    try {
      await tx.query('begin');
      await tx.query('select 1 from sluice.run where id = $1 for no key update', [before?.id]);
      asking = ask(run);
      asking.catch(() => {}); // awaited below
      const isBlocked = async () =>
        (
          await query('select 1 from pg_stat_activity where datname = current_database() and wait_event_type = $1', [
            'Lock',
          ])
        ).length > 0;
      await expect.poll(isBlocked).toBe(true);
      const { workflowId } = await world.sluice.start(hourly, { account, input: { id: account } });
      own = (await world.temporal.workflow.getHandle(workflowId).describe()).runId;
      await takeOver(tx, own, account, crypto.randomUUID());
      await tx.query('commit');
    } finally {
      tx.release();
    }
    await asking;
    const { events = [] } = await world.temporal.workflow.getHandle(run.workflowId).fetchHistory();
    const heard = (events ?? []).flatMap((event) => [
      ...(event.workflowExecutionCancelRequestedEventAttributes ? ['cancel'] : []),
      ...[event.workflowExecutionSignaledEventAttributes?.signalName ?? []].flat(),
    ]);
    const [row] = await query<{ id: string; state: string; paused_by: string | null }>(
      'select id, state, paused_by from sluice.run where account = $1',
      [account],
    );
    return { own, heard, row };
  };

  it('is cancelled there, and makes no call meanwhile', async () => {
    await openInFleet('cancelled');
    const { own, heard, row } = await askDuring('cancelled', (run) => run.cancel());
    expect(heard).toContain('cancel');
    expect(row).toEqual({ id: own, state: 'paused', paused_by: 'cancel' });
  });

  it('is paused there', async () => {
    await openInFleet('paused');
    const { own, heard, row } = await askDuring('paused', (run) => run.pause());
    expect(heard).toContain('pause');
    expect(row).toEqual({ id: own, state: 'paused', paused_by: 'operator' });
    expect(await query('select 1 from sluice.run_wish')).toEqual([]);
  });

  it('is resumed there', async () => {
    await openInFleet('resumed');
    await world.sluice.run({ sync: hourly, account: 'resumed' }).pause();
    const { heard } = await askDuring('resumed', (run) => run.resume());
    expect(heard).toContain('resume');
  });

  it('keeps its report: the fleet, which has it no more, ends nothing of it', async () => {
    const before = await openInFleet('kept');
    const own = crypto.randomUUID();
    // By the start that the report is of.
    await takeOver(world.db.pool, own, 'kept', before);
    const end = { status: 'cancelled', error: 'the fleet that carried it out was cancelled' } as const;
    expect(await endFleetRun(world.db.pool, before, end)).toBe(false);
    expect(await query('select status from sluice.report where id = $1', [before])).toEqual([{ status: 'pending' }]);
    expect(await query('select state from sluice.run where id = $1', [own])).toEqual([{ state: 'running' }]);
  });
});
