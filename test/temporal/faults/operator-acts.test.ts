/** Runs that people start, pause, resume, cancel and retry at random moments, two of them at the same time. */
import { setTimeout as sleep } from 'node:timers/promises';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { connect, type Sluice } from '../../../client/index.ts';
import { finishRun } from '../../../db/index.ts';
import type { FakeApi } from '../../../testing/index.ts';
import { forest, single } from '../../fixtures/forest.ts';
import { newAccount, startForestApi } from '../../setup/forest-api.ts';
import { isLongForm } from '../../setup/long-form.ts';
import { carryOut, drawActs, type Drawn } from '../../setup/operator-acts.ts';
import { temporalAddress } from '../../setup/servers/servers.ts';
import { createWorld, type World } from '../../setup/world.ts';

const SEED = Number(process.env['SLUICE_SEED'] ?? 1);
const [ROUNDS, SIDE_BY_SIDE] = [isLongForm ? 20 : 1, 12];
/** Lists of a tree that are in hand side by side: `window` of the fixture. */
const LISTS_IN_HAND = 8;
const [FRIENDS, POSTS, NOTES] = [6, 30, 150];

describe('runs that two people act on at the same time', () => {
  let api: FakeApi;
  let world: World;
  let other: Sluice;

  beforeAll(async () => {
    api = await startForestApi({ latencyMs: 35, friends: FRIENDS, posts: POSTS, notes: NOTES });
    world = await createWorld([forest, single], { workers: 2 });
    other = await connect({
      databaseUrl: world.db.url,
      temporal: { address: temporalAddress() },
      taskQueue: world.taskQueue,
    });
  });
  afterAll(async () => {
    await other?.close();
    await world?.end();
    await api?.stop();
  });

  const count = async (table: string, where: string, account: string): Promise<number> => {
    const { rows } = await world.db.pool.query<{ count: number }>(
      `select count(*)::int as count from sluice.${table} where account = $1 and ${where}`,
      [account],
    );
    return rows[0]?.count ?? 0;
  };
  const callsOf = (account: string): number =>
    Object.entries(api.report().byPath)
      .filter(([path]) => path.startsWith(`/users/${account}`))
      .reduce((total, [, calls]) => total + calls, 0);
  const isAtRest = async (account: string): Promise<boolean> => {
    const open = await Promise.all([
      count('run', `state in ('running', 'paused')`, account),
      count('report', `status = 'pending'`, account),
      count('entity_lock', 'true', account),
    ]);
    return open.every((rows) => rows === 0);
  };

  const play = async ({ isTree, acts }: Drawn): Promise<void> => {
    const account = newAccount();
    const sync = isTree ? forest : single;
    const isAlone = acts[1].length === 0;
    const onStopped = async (how: string): Promise<void> => {
      if (!isAlone) return;
      const before = callsOf(account);
      await sleep(300);
      expect(callsOf(account) - before, `calls after a ${how}`).toBeLessThanOrEqual(LISTS_IN_HAND);
    };
    await Promise.all([
      carryOut(world.sluice, sync, account, acts[0], onStopped),
      carryOut(other, sync, account, acts[1], onStopped),
    ]);
    // Whatever an operator has paused goes on; then all of it ends.
    await expect
      .poll(
        async () => {
          const handle = world.sluice.run({ sync, account });
          const now = await handle.progress();
          if ('pausedBy' in now && now.pausedBy === 'operator') await handle.resume().catch(() => {});
          return isAtRest(account);
        },
        { interval: 200, timeout: 90_000 },
      )
      .toBe(true);
    const { rows: unlike } = await world.db.pool.query(
      `select r.state, p.status from sluice.run r join sluice.report p on p.run_id = r.id
       where r.account = $1 and p.status is distinct from case r.state when 'done' then 'ok' when 'cancelled' then 'cancelled' else 'failed' end`,
      [account],
    );
    expect(unlike).toEqual([]);
    const last = await world.sluice.start(sync, { account, input: { id: account } });
    expect(await last.result()).toMatchObject({ state: 'done' });
    expect(await count('record', 'true', account)).toBe(isTree ? FRIENDS + FRIENDS * POSTS : NOTES);
  };

  it('make no call after a pause or a cancellation, end as their reports say, and stand in no later run’s way', async () => {
    for (let round = 0; round < ROUNDS; round++) {
      const seed = SEED + round;
      const drawn = drawActs(seed, SIDE_BY_SIDE);
      const ends = await Promise.allSettled(drawn.map(play));
      const faults = ends.flatMap((end, nth) =>
        end.status === 'rejected' ? [`${String(end.reason)}\n${JSON.stringify(drawn[nth])}`] : [],
      );
      expect(faults, `again: SLUICE_SEED=${seed}\n${faults.join('\n')}`).toEqual([]);
    }
  }, 1_800_000);

  it('end when the workflow task that ended them was given back, and a resume is heard first then', async () => {
    const account = newAccount();
    const run = await world.sluice.start(single, { account, input: { id: account } });
    await expect.poll(() => callsOf(account), { interval: 10 }).toBeGreaterThan(2);
    await run.pause();
    await expect.poll(async () => (await run.waits()).map(({ kind }) => kind)).toEqual(['operator']);
    const now = await run.progress();
    // What the lost task had done.
    await finishRun(world.db.pool, 'runId' in now ? now.runId : '', { error: 'ended meanwhile' });
    await world.temporal.workflow.getHandle(run.workflowId).signal('resume');
    expect(await run.result()).toMatchObject({ state: 'failed' });
  });
});
