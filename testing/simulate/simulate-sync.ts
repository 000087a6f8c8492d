/**
 * A sync run for real in a test: by real workers on a Postgres and a Temporal of its own, against the fake third party.
 * Next: `simulator.ts`, loaded when the first one is wanted.
 */
import type { NewCredentials, RunMode, RunResult, RunWait, SyncHandle } from '../../client/index.ts';
import type { Action, Node, Sync } from '../../providers/index.ts';
import type { FakeApi } from '../fake-api/fake-api.ts';
import type { FakeReport, Violation } from '../fake-api/report.ts';
import type { SimulateActionOptions, SimulatedAction } from './simulate-action.ts';

/** What a simulated sync and a simulated action have in common. */
export interface SimulateAnyOptions {
  /** The fake third party: all calls go there, refreshes too, whatever base URL the provider has. */
  readonly api?: FakeApi;
  /** Another third party than `api`, e.g. a server in a container. Default: the provider's own base URL. */
  readonly baseUrl?: string;
  /** Default `simulated`. A simulator keeps accounts apart, and the rows and watermarks of one from run to run. */
  readonly account?: string;
  /** What a login would have brought. Without it the account has none, which is fine for `noAuth()`. */
  readonly credentials?: NewCredentials;
  /** Settings of the account, where its provider has a schema of them. */
  readonly settings?: unknown;
  /** Workers in this process, ≥ 1. Default 1. */
  readonly workers?: number;
  /** Given up and cancelled after so long, in milliseconds. Default 60,000. */
  readonly timeoutMs?: number;
  /** Of the workers. Default `error`. */
  readonly logLevel?: 'debug' | 'info' | 'warn' | 'error' | 'silent';
}

export interface SimulateOptions<Input> extends SimulateAnyOptions {
  /** The sync's own input. */
  readonly input: Input;
  /** Default `incremental`. */
  readonly mode?: RunMode;
  /**
   * False: pages keep the size that they start with. For a cassette, recorded and played: sizes that grow as pages come depend on which
   * list is quicker, and ask for other pages each time. Default true, as in production.
   */
  readonly growsPages?: boolean;
}

export interface SimulatedSync {
  /** How it ended, as `handle.result()` has it: `state`, `complete`, `flaws`, `rows`, `calls`. */
  readonly result: RunResult;
  /** What a node has stored and not marked as deleted, oldest change first. */
  readonly rows: <Row>(node: Node<Row>) => Row[];
  /** Real calls that Sluice made for this run, refused and failed ones included, refreshes not. */
  readonly calls: number;
  /** What `api` had refused to allow when the run ended; empty without `api`. */
  readonly violations: readonly Violation[];
  /** All that `api` has seen since its start or its last `reset()`. */
  readonly report?: FakeReport;
}

/** Servers that several simulations share. */
export interface Simulator {
  /** Runs a sync to its end. One at a time for each account and sync. @throws SimulationStuck */
  run<Input>(sync: Sync<Input>, options: SimulateOptions<Input>): Promise<SimulatedSync>;
  /** Performs an action to its end, whether it succeeds or fails. @throws ActionStuck */
  act<Input, Output>(
    action: Action<Input, Output>,
    options: SimulateActionOptions<Input>,
  ): Promise<SimulatedAction<Output>>;
  /** Ends both servers and removes what they stored. */
  stop(): Promise<void>;
}

/** The run pauses for somebody who does not exist in a test, or takes too long. It was cancelled. */
export class SimulationStuck extends Error {
  override readonly name = 'SimulationStuck';
  readonly progress: Awaited<ReturnType<SyncHandle['progress']>>;
  /** What it waits for; none where it pauses, since the pause has its own reason. */
  readonly waits: readonly RunWait[];

  constructor(sync: string, what: string, progress: SimulationStuck['progress'], waits: readonly RunWait[]) {
    const nodes = 'nodes' in progress ? progress.nodes : [];
    const lines = nodes.map(({ name, state, pages, rows, calls }) => {
      return `  ${name}: ${state}, ${pages} pages, ${rows} rows, ${calls} calls`;
    });
    const because = 'pausedReason' in progress ? `: ${progress.pausedReason}` : ` (${progress.state})`;
    super([`The sync "${sync}" ${what}${because}`, ...lines, ...waits.map(({ text }) => `  ${text}`)].join('\n'));
    this.progress = progress;
    this.waits = waits;
  }
}

/**
 * Starts servers for several simulations: about two seconds, where no Temporal CLI must be downloaded first. They end
 * with this process, however it ends. `DATABASE_URL` and `TEMPORAL_*` are not looked at.
 * @throws Error when one of the servers can't be had, with what was tried.
 */
export async function startSimulator(): Promise<Simulator> {
  // Loaded now: tests that only want the fake third party do not wait for the engine.
  return (await import('./simulator.ts')).startServersAndSimulator();
}

/**
 * Runs one sync to its end on servers of its own, and closes everything.
 * @throws SimulationStuck when it pauses (no credentials, a refused refresh) or has not ended after `timeoutMs`.
 * @example
 * const { result, rows, violations } = await simulateSync(billing, { api, input: {}, credentials: { accessToken: 'x' } });
 * @see docs/guides/testing.md
 */
export async function simulateSync<Input>(sync: Sync<Input>, options: SimulateOptions<Input>): Promise<SimulatedSync> {
  const simulator = await startSimulator();
  try {
    return await simulator.run(sync, options);
  } finally {
    await simulator.stop();
  }
}
