/**
 * Passes through a task queue and says so: a workflow task and an activity, as every run has them. When no canary comes through, nobody
 * serves the queue. Next: `activities/canary.ts`; started by `workers/alerts/watch-alerts.ts`.
 */
import { sturdySteps } from './activity-proxies.ts';

export async function canary(input: { readonly taskQueue: string }): Promise<void> {
  await sturdySteps.passCanary(input);
}
