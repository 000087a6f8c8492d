/**
 * What a Temporal server does where no API tells how it is set: its clock, and how late its timers fire. Next: `temporal-checks.ts`.
 */
import type { Client } from '@temporalio/client';
import { withProbe } from './probe-workflows.ts';

export interface ServerBehaviour {
  /** The server's clock minus this machine's, in milliseconds, and how far off that may be. */
  readonly clockAheadMs: number;
  readonly clockErrorMs: number;
  /** How much later than asked for a timer of 200 ms fired. */
  readonly timerLateMs: number;
}

const DELAY_MS = 200;

/** @throws Error when the server refuses a step of it, or gives out no task within 10 s. */
export function probeTemporal(client: Client): Promise<ServerBehaviour> {
  return withProbe(client, async ({ start, awaitTask }) => {
    const askedAt = Date.now();
    const workflowId = await start('clock');
    const answeredAt = Date.now();
    const { startTime } = await client.workflow.getHandle(workflowId).describe();
    await awaitTask();

    const delayedAt = performance.now();
    await start('timer', DELAY_MS);
    await awaitTask();
    const timerLateMs = performance.now() - delayedAt - DELAY_MS;
    return {
      clockAheadMs: startTime.getTime() - (askedAt + answeredAt) / 2,
      clockErrorMs: (answeredAt - askedAt) / 2,
      timerLateMs,
    };
  });
}
