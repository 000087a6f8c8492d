/**
 * Walks a run's tree in this process: the same activities in the same order as the workflows have them, without Temporal.
 * Real Postgres, the real limiter and real HTTP are behind it.
 * Used by: `bench/honesty/run-kind.ts`, and by tests of what is stored.
 */
import { randomUUID } from 'node:crypto';
import { ApplicationFailure } from '@temporalio/common';
import { fetchPage } from '../../activities/sync/fetch-page.ts';
import { createHttpSender, createPageBatches, createRunEnds, type ActivityDeps } from '../../activities/index.ts';
import { finishNodeActivity, finishRunActivity, openRunActivity } from '../../activities/run/run-activities.ts';
import type { FetchPageInput, OpenedRun, OpenRunInput, PageFact } from '../../contracts/messages.ts';
import type { RunResult } from '../../contracts/run.ts';
import { nextUnits, type Pool } from '../../db/index.ts';
import { createLimiter } from '../../limiter/index.ts';
import type { Sync } from '../../providers/index.ts';

export interface DriveOptions {
  readonly account?: string;
  readonly input?: unknown;
  readonly mode?: OpenRunInput['mode'];
  readonly retryOf?: OpenRunInput['retryOf'];
  /** Calls after which it gives up. Default 2,000. */
  readonly maxCalls?: number;
  /** A failed call is made again at once: for who asks what becomes of a list, and not when. Default false, as in production. */
  readonly skipsBackoffs?: boolean;
  /** Stops after so many calls, as if all workers had died there. */
  readonly dieAfterCalls?: number;
}

export interface Drive {
  /** @returns the result, or undefined when the calls were used up before the end. */
  run(sync: Sync, options?: DriveOptions): Promise<(RunResult & { readonly fetches: number }) | undefined>;
  /** Opens a run and makes no call. @returns what its workflow is told. */
  open(sync: Sync, runId: string, options?: DriveOptions): Promise<OpenedRun>;
  /** One call of one list, as a workflow asks for it. */
  call(sync: Sync, of: Pick<FetchPageInput, 'runId' | 'node' | 'unit' | 'pages'>, account?: string): Promise<PageFact>;
  /** Goes on with a run that was left in the middle. */
  goOn(
    sync: Sync,
    runId: string,
    options?: DriveOptions,
  ): Promise<(RunResult & { readonly fetches: number }) | undefined>;
  /** Run id of the newest run. */
  lastRunId(): string;
  end(): Promise<void>;
}

const never = (what: string) => (): never => {
  throw new Error(`not expected in this test: ${what}`);
};

export async function createDrive(pool: Pool): Promise<Drive> {
  const limiter = createLimiter({ pool });
  const http = createHttpSender();
  let lastRunId = '';
  const depsFor = (sync: Sync): ActivityDeps => ({
    pool,
    pageBatches: createPageBatches(pool),
    runEnds: createRunEnds(pool),
    limiter,
    http,
    syncNamed: () => sync.definition,
    actionNamed: never('an action'),
    sagaNamed: never('a saga'),
    credentials: { get: () => Promise.resolve(undefined) },
    egress: 'default',
    tellLock: () => Promise.resolve(),
    findRunning: never('another run'),
    startRun: () => Promise.resolve(),
    isStopping: () => false,
    log: { info: () => {}, warn: () => {}, error: () => {} },
  });

  const call: Drive['call'] = (sync, of, account = 'acct') => {
    const { name, provider } = sync.definition;
    const context = { sync: name, provider: provider.id, account, priority: 'bulk', weight: 1 } as const;
    return fetchPage(depsFor(sync), { ...of, context, mode: 'durable' });
  };
  const open: Drive['open'] = (sync, runId, options = {}) =>
    openRunActivity(depsFor(sync), {
      runId,
      workflowId: `drive/${sync.definition.name}`,
      sync: sync.definition.name,
      account: options.account ?? 'acct',
      input: options.input ?? {},
      ...(options.mode ? { mode: options.mode } : {}),
      ...(options.retryOf ? { retryOf: options.retryOf } : {}),
    });
  const goOn: Drive['goOn'] = async (sync, runId, options = {}) => {
    const deps = depsFor(sync);
    const { definition } = sync;
    let fetches = 0;
    // Parents come before their children in a plan, so each node has all its units when its turn comes.
    for (const node of definition.plan.nodes) {
      for (;;) {
        const units = await nextUnits(pool, runId, [{ node: node.name, inHand: [], room: 100 }]);
        if (units.length === 0) break;
        for (const unit of units) {
          if (fetches >= (options.dieAfterCalls ?? options.maxCalls ?? 2_000)) return undefined;
          fetches++;
          // One call each in turn, as lanes side by side would.
          await call(sync, { runId, node: node.name, unit: unit.id }, options.account).catch(async (error: unknown) => {
            const failure = passing(error);
            if (options.skipsBackoffs) await endBackoffs(runId);
            else await waitALittle(failure);
          });
        }
      }
      await finishNodeActivity(deps, { runId, node });
    }
    const result = await finishRunActivity(deps, { runId });
    return { ...result, fetches };
  };

  const endBackoffs = async (runId: string): Promise<void> => {
    await pool.query('update sluice.unit set retry_at = null where run_id = $1 and retry_at is not null', [runId]);
  };

  return {
    run: async (sync, options = {}) => {
      const runId = randomUUID();
      lastRunId = runId;
      await open(sync, runId, options);
      return goOn(sync, runId, options);
    },
    goOn,
    open,
    call,
    lastRunId: () => lastRunId,
    end: async () => {
      await limiter.stop();
      await http.close();
    },
  };
}

/** What Temporal's retry policy tries again. @throws what it does not. */
function passing(error: unknown): ApplicationFailure {
  if (error instanceof ApplicationFailure && !error.nonRetryable) return error;
  throw error;
}

/** As Temporal's retry policy does. The unit knows by itself when its turn comes; asking it more often brings nothing. */
async function waitALittle({ nextRetryDelay }: ApplicationFailure): Promise<void> {
  const told = typeof nextRetryDelay === 'number' ? nextRetryDelay : 5;
  await new Promise((resolve) => setTimeout(resolve, Math.min(Math.max(told, 5), 50)));
}
