import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { serveDashboard, type ServedDashboard } from '../../../dashboard/index.ts';
import { createWorld, type World } from '../../setup/world.ts';

describe('a value that a filter does not have', () => {
  let world: World;
  let served: ServedDashboard;

  beforeAll(async () => {
    world = await createWorld([], { workers: 0 });
    served = await serveDashboard(world.sluice, { port: 0 });
  });
  afterAll(async () => {
    await served?.close();
    await world?.end();
  });

  const answer = async (address: string): Promise<readonly [number, string]> => {
    const response = await fetch(new URL(address, served.url));
    return [response.status, await response.text()];
  };

  it.each([
    ['/runs?state=pausd', 'paused'],
    ['/accounts?status=gone', 'needs_reconnect'],
    ['/limits?state=open', 'blocked'],
    ['/reports?status=good', 'pending'],
    ['/reports?kind=run', 'saga'],
    ['/actions?kind=sync', 'action'],
    ['/alerts?kind=old', 'stale'],
    ['/schedules?state=asleep', 'late'],
  ])('is refused with those that it has: %s', async (address, known) => {
    const [status, text] = await answer(address);
    expect(status).toBe(400);
    expect(text).toContain('it must be one of');
    expect(text).toContain(known);
    expect((await answer(address.replace(/=.*/, `=${known}`)))[0]).toBe(200);
  });

  it('is nothing that all runs match, to whoever would act on all that match', async () => {
    const [status, text] = await answer('/do/cancel-all?state=pausd');
    expect(status).toBe(409);
    expect(text).toContain('it must be one of');
  });
});
