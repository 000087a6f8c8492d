/**
 * Whether tenants take turns in a task queue, which no API of the server tells. Tasks of one tenant are put into a
 * queue that nobody serves, then some of tenants who have one each. Where there is fairness these are among the first
 * that are given out, and else among the last, or anywhere. They are activities of one workflow, which no one carries
 * out. Next: `temporal-checks.ts`.
 */
import { setTimeout as delay } from 'node:timers/promises';
import type { Client } from '@temporalio/client';
import { msToTs } from '@temporalio/common/lib/time.js';
import { IDENTITY, withProbe } from './probe-workflows.ts';

/** Tasks of one tenant, and tenants that have one each. */
const CROWD = 40;
const SINGLES = 6;
/** So many tasks are asked for: a task queue has four parts, each with an order of its own, and any of them answers. */
const ASKED = 10;
/** Singles among them that show fairness: so many by chance are one case in a thousand. */
const FAIR = 5;
/** Until all of them wait: they are handed to the queue one by one. */
const SETTLE_MS = 1_000;
/** `COMMAND_TYPE_SCHEDULE_ACTIVITY_TASK` of Temporal's API. */
const SCHEDULE_ACTIVITY = 1;

/** @throws Error when the server refuses a step of it, or gives out no task within 10 s. */
export function probeFairness(client: Client): Promise<boolean> {
  return withProbe(client, async ({ namespace, taskQueue, start, awaitTask, inTime }) => {
    const { workflowService } = client;
    await start('fairness');
    const taskToken = await awaitTask();
    const activity = (name: string, fairnessKey: string) => ({
      commandType: SCHEDULE_ACTIVITY,
      scheduleActivityTaskCommandAttributes: {
        activityId: name,
        activityType: { name: 'sluice-doctor' },
        taskQueue: { name: taskQueue },
        scheduleToCloseTimeout: msToTs('1 minute'),
        priority: { fairnessKey },
      },
    });
    const crowd = Array.from({ length: CROWD }, (_, n) => activity(`crowd-${n}`, 'crowd'));
    const singles = Array.from({ length: SINGLES }, (_, n) => activity(`single-${n}`, `single-${n}`));
    const answer = { namespace, taskToken, identity: IDENTITY, commands: [...crowd, ...singles] };
    await inTime(() => workflowService.respondWorkflowTaskCompleted(answer));
    await delay(SETTLE_MS);
    const question = { namespace, taskQueue: { name: taskQueue }, identity: IDENTITY };
    let met = 0;
    for (let asked = 0; asked < ASKED; asked++) {
      const { activityId } = await inTime(() => workflowService.pollActivityTaskQueue(question));
      if (activityId === '') throw new Error('a task that waited was not given out');
      if (activityId.startsWith('single')) met++;
    }
    return met >= FAIR;
  });
}
