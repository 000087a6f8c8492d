/**
 * An action performed for real in a test: by real workers on a Postgres and a Temporal of its own, against the fake third party.
 * Next: `perform.ts`, loaded when the first one is wanted.
 */
import type { ActionStatus, RunWait } from '../../client/index.ts';
import type { Action } from '../../providers/index.ts';
import type { FakeReport, Violation } from '../fake-api/report.ts';
import { startSimulator, type SimulateAnyOptions } from './simulate-sync.ts';

export interface SimulateActionOptions<Input> extends SimulateAnyOptions {
  /** The action's own input. */
  readonly input: Input;
  /** The app's own key: the same key for the same account is the same action. Default: a new one each time. */
  readonly idempotencyKey?: string;
}

export interface SimulatedAction<Output> {
  /** How it ended: `done`, `failed` or `cancelled`; its calls, and why it failed. */
  readonly status: ActionStatus;
  /** Undefined unless it is done. */
  readonly output: Output | undefined;
  /** Real calls that Sluice made for it, look-ups included, refreshes not. */
  readonly calls: number;
  /** What `api` had refused to allow when it ended; empty without `api`. */
  readonly violations: readonly Violation[];
  /** All that `api` has seen since its start or its last `reset()`. */
  readonly report?: FakeReport;
}

/** It takes too long. It was cancelled. */
export class ActionStuck extends Error {
  override readonly name = 'ActionStuck';
  readonly status: ActionStatus | undefined;
  readonly waits: readonly RunWait[];

  constructor(action: string, what: string, status: ActionStatus | undefined, waits: readonly RunWait[]) {
    const state = status ? ` (${status.state}, ${status.calls} calls)` : '';
    const error = status?.error ? [`  ${status.error}`] : [];
    super([`The action "${action}" ${what}${state}`, ...error, ...waits.map(({ text }) => `  ${text}`)].join('\n'));
    this.status = status;
    this.waits = waits;
  }
}

/**
 * Performs one action to its end on servers of its own, and closes everything.
 * @throws ActionStuck when it has not ended after `timeoutMs`. An action that fails is a result, and does not throw.
 * @example
 * api.action('POST', '/posts', {});
 * const { status, output } = await simulateAction(createPost, { api, input: { text: 'hi' }, credentials: { accessToken: 'x' } });
 * @see docs/guides/testing.md
 */
export async function simulateAction<Input, Output>(
  action: Action<Input, Output>,
  options: SimulateActionOptions<Input>,
): Promise<SimulatedAction<Output>> {
  const simulator = await startSimulator();
  try {
    return await simulator.act(action, options);
  } finally {
    await simulator.stop();
  }
}
