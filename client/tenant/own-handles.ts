/** Handles on runs, actions and sagas that ask first whether they are the tenant's. Used by: `bind-tenant.ts`. */
import type { ActionHandle, SagaHandle } from '../action/action-handle.ts';
import type { SyncHandle } from '../sync/sync-handle.ts';
import type { Ownership } from './ownership.ts';

export function ownRun(by: Ownership, of: SyncHandle): SyncHandle {
  const { workflowId } = of;
  return {
    ...guarded(by, of),
    progress: async () => ((await by.ownsWorkflow(workflowId)) ? of.progress() : { state: 'unknown' as const }),
    startAgain: async (options) => {
      await by.requireWorkflow(workflowId);
      return ownRun(by, await of.startAgain(options));
    },
    retryFailed: async (options) => {
      await by.requireWorkflow(workflowId);
      return ownRun(by, await of.retryFailed(options));
    },
  };
}

export function ownAction<Output>(by: Ownership, of: ActionHandle<Output>): ActionHandle<Output> {
  const { workflowId } = of;
  return {
    ...guarded(by, of),
    status: async () => ((await by.ownsWorkflow(workflowId)) ? of.status() : undefined),
    request: async () => ((await by.ownsWorkflow(workflowId)) ? of.request() : undefined),
    sendAgain: async (options) => {
      await by.requireWorkflow(workflowId);
      return ownAction(by, await of.sendAgain(options));
    },
  };
}

export function ownSaga<Outputs>(by: Ownership, of: SagaHandle<Outputs>): SagaHandle<Outputs> {
  const { workflowId } = of;
  return {
    ...guarded(by, of),
    status: async () => ((await by.ownsWorkflow(workflowId)) ? of.status() : undefined),
    steps: async () => ((await by.ownsWorkflow(workflowId)) ? of.steps() : []),
  };
}

/** Every method of a handle asks first whether it may. */
function guarded<Handle extends { readonly workflowId: string }>(by: Ownership, handle: Handle): Handle {
  const entries = Object.entries(handle).map(([name, value]) => {
    if (typeof value !== 'function') return [name, value] as const;
    const method = value as (...given: unknown[]) => Promise<unknown>;
    const asking = async (...given: unknown[]) => {
      await by.requireWorkflow(handle.workflowId);
      return method(...given);
    };
    return [name, asking] as const;
  });
  return Object.fromEntries(entries) as Handle;
}
