/**
 * Performs an action on the servers of a simulator. Next: `simulated-world.ts`, then `client/action/act.ts`.
 */
import { setTimeout as delay } from 'node:timers/promises';
import { ActionFailed, type ActionHandle, type ActionStatus } from '../../client/index.ts';
import { duration } from '../../contracts/values/duration.ts';
import type { Action } from '../../providers/index.ts';
import { actionAt } from './at-base-url.ts';
import { ActionStuck, type SimulateActionOptions, type SimulatedAction } from './simulate-action.ts';
import { inWorld, SIMULATED, TIMEOUT_MS, type Servers } from './simulated-world.ts';

const CANCEL_PATIENCE_MS = 10_000;

export async function perform<Input, Output>(
  servers: Servers,
  action: Action<Input, Output>,
  options: SimulateActionOptions<Input>,
): Promise<SimulatedAction<Output>> {
  const { account = SIMULATED, timeoutMs = TIMEOUT_MS, api, input, idempotencyKey } = options;
  const baseUrl = api?.url ?? options.baseUrl;
  const simulated = baseUrl === undefined ? action : actionAt(action, baseUrl);
  const world = { actions: [simulated], provider: action.definition.provider, priority: 'interactive' } as const;
  return inWorld(servers, world, options, async (sluice) => {
    const handle = await sluice.act(simulated, {
      account,
      input,
      priority: world.priority,
      ...(idempotencyKey === undefined ? {} : { idempotencyKey }),
    });
    const output = await endOf(handle, action.definition.id, timeoutMs);
    const status = (await handle.status()) as ActionStatus;
    const report = api?.report();
    return {
      status,
      output,
      calls: status.calls,
      violations: report?.violations ?? [],
      ...(report === undefined ? {} : { report }),
    };
  });
}

/** @returns undefined when it failed. @throws ActionStuck when it has not ended in time; it is cancelled then. */
async function endOf<Output>(handle: ActionHandle<Output>, id: string, timeoutMs: number): Promise<Output | undefined> {
  const ended = handle.result().catch((error: unknown) => {
    if (error instanceof ActionFailed) return undefined;
    throw error;
  });
  const late = new AbortController();
  const timeout = delay(timeoutMs, 'late' as const, { signal: late.signal }).catch(() => 'late' as const);
  const first = await Promise.race([ended.then((output) => ({ output })), timeout]);
  if (first !== 'late') {
    late.abort();
    return first.output;
  }
  const [status, waits] = await Promise.all([handle.status(), handle.waits()]);
  await handle.cancel();
  await Promise.race([ended, delay(CANCEL_PATIENCE_MS, undefined, { ref: false })]);
  throw new ActionStuck(id, `had not ended after ${duration(timeoutMs)}`, status, waits);
}
