/**
 * Makes the calls of one action in this process, attempt after attempt as Temporal's retry policy would, without Temporal. Real
 * Postgres, the real limiter and real HTTP are behind it.
 */
import { randomUUID } from 'node:crypto';
import { ApplicationFailure } from '@temporalio/common';
import { performAction } from '../../activities/action/perform-action.ts';
import {
  createHttpSender,
  createPageBatches,
  createRunEnds,
  type ActivityDeps,
  type CredentialSource,
} from '../../activities/index.ts';
import { insertActionStep, loadActionStep, type ActionStep, type Pool } from '../../db/index.ts';
import { createLimiter } from '../../limiter/index.ts';
import type { Action } from '../../providers/index.ts';

export interface ActionDrive {
  readonly deps: ActivityDeps;
  /** Accepts one. @returns its workflow id. */
  accept(action: Action, input: unknown, more?: { readonly undoes?: string }): Promise<string>;
  /** Attempts until it has ended, at most `most` (default 30). @returns where it stands then. */
  perform(action: Action, workflowId: string, options?: PerformOptions): Promise<ActionStep>;
  end(): Promise<void>;
}

export interface PerformOptions {
  readonly most?: number;
  readonly settleOnly?: boolean;
  /** As told by an earlier attempt. */
  readonly lastSending?: number;
  readonly tellSending?: (sending: number) => void;
}

const never = (what: string) => (): never => {
  throw new Error(`not expected in this test: ${what}`);
};

export function createActionDrive(
  pool: Pool,
  credentials: CredentialSource = { get: () => Promise.resolve(undefined) },
): ActionDrive {
  const limiter = createLimiter({ pool });
  const http = createHttpSender();
  const actions = new Map<string, Action>();
  const deps: ActivityDeps = {
    pool,
    pageBatches: createPageBatches(pool),
    runEnds: createRunEnds(pool),
    limiter,
    http,
    syncNamed: never('a sync'),
    actionNamed: (id) => (actions.get(id) as Action).definition,
    sagaNamed: never('a saga'),
    credentials,
    egress: 'default',
    tellLock: never('a lock'),
    findRunning: never('a run'),
    startRun: () => Promise.resolve(),
    isStopping: () => false,
    log: { info: () => {}, warn: () => {}, error: () => {} },
  };
  return {
    deps,
    accept: async ({ definition }, input, more = {}) => {
      const workflowId = `action/${definition.id}/a/${randomUUID()}`;
      await insertActionStep(pool, {
        workflowId,
        rootWorkflowId: workflowId,
        provider: definition.provider.id,
        action: definition.name,
        account: 'a',
        tenant: 'a',
        input,
        ...more,
      });
      return workflowId;
    },
    perform: async (action, workflowId, { most = 30, settleOnly = false, ...life } = {}) => {
      actions.set(action.definition.id, action);
      const request = { workflowId, priority: 'interactive', weight: 1, settleOnly } as const;
      for (let attempt = 0; attempt < most; attempt++) {
        try {
          if ((await performAction(deps, request, life)).state === 'done') break;
        } catch (error) {
          if (!(error instanceof ApplicationFailure)) throw error;
          if (error.nonRetryable) break;
          await aMoment(error);
        }
      }
      return (await loadActionStep(pool, workflowId)) as ActionStep;
    },
    end: async () => {
      await limiter.stop();
      await http.close();
    },
  };
}

/** Waits for turns and look-ups are kept; backoff after failures is cut short, for nothing else is waiting. */
async function aMoment({ type, nextRetryDelay }: ApplicationFailure): Promise<void> {
  const delayMs = type === 'Waiting' ? Math.min(1_000, Number(nextRetryDelay ?? 0)) : 5;
  await new Promise((resolve) => setTimeout(resolve, delayMs));
}
