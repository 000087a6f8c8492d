/**
 * Every function of the client, and whether it is an act: what changes something has a row in the audit. A function without an entry
 * does not compile, and is refused when the client is made. Next: `audited-client.ts` wraps the functions by this table.
 */
import type { Subject } from '../../contracts/operate/audit.ts';
import { accountOf, syncWorkflowId } from '../../contracts/names.ts';
import type { Operations } from '../../limiter/index.ts';
import type { Limits } from '../limits.ts';
import type { AccountName } from '../account/accounts.ts';
import type { ActionHandle, SagaHandle } from '../action/action-handle.ts';
import type { Sluice } from '../connect.ts';
import { versionText } from '../../contracts/operate/deployment.ts';
import type { ChosenBuild, Deployments } from '../deployments/deployments.ts';
import type { Schedules } from '../schedules/schedules.ts';
import type { SyncHandle } from '../sync/sync-handle.ts';
import type { Workers } from '../workers/workers.ts';

export interface Act<Of, Given extends readonly unknown[], Result> {
  readonly subject: (of: Of, given: Given) => Subject;
  /** How the subject stands, read before the act and after it by the client itself: it shows no more than its caller may see. */
  readonly state?: (of: Of, given: Given) => Promise<unknown>;
  /** What came of it, where there is no state to read. */
  readonly result?: (result: Result) => unknown;
  /** Why, where the caller says so with the act itself. */
  readonly why?: (given: Given) => string | undefined;
  /** The kind of handle that comes back: its functions are acts too. */
  readonly gives?: HandleKind;
  /** It has a report of its own, so it is written for persons alone: not where the app acts as `system`. */
  readonly isStart?: true;
}

export type HandleKind = 'run' | 'action' | 'saga';

/** `look`: it changes nothing. `{ gives }`: it makes a handle and asks no server. */
type Entry<Of, Method> = Method extends (...given: infer Given) => infer Result
  ? 'look' | { readonly gives: HandleKind } | Act<Of, Given, Awaited<Result>>
  : ActsOf<Method>;

/** An entry for each function of an object, and of the groups in it. */
export type ActsOf<Of> = {
  readonly [Name in keyof Of as Of[Name] extends string ? never : Name]-?: Entry<Of, Of[Name]>;
};

const accountAct = {
  subject: (_: unknown, [of]: readonly [AccountName, ...unknown[]]) => accountSubject(of),
  state: (accounts: Sluice['accounts'], [of]: readonly [AccountName, ...unknown[]]) => accounts.status(of),
};

const keyAct = {
  subject: (_: unknown, [key]: readonly [string, ...unknown[]]) => ({ kind: 'limit', id: key }),
  state: (limits: Operations, [key]: readonly [string, ...unknown[]]) => standingOf(limits, key),
};

const scheduleAct = {
  subject: (_: unknown, [id]: readonly [string, ...unknown[]]) => ({ kind: 'schedule', id }),
  state: async (schedules: Schedules, [id]: readonly [string, ...unknown[]]) =>
    (await schedules.list()).find((each) => each.id === id),
};

const workerAct = {
  subject: (_: unknown, [worker]: readonly [string, ...unknown[]]) => ({ kind: 'worker', id: worker }),
  state: (workers: Workers, [worker]: readonly [string, ...unknown[]]) => workers.control(worker),
};

const deploymentAct = {
  subject: (_: unknown, [{ buildId, deployment }]: readonly [ChosenBuild]) => ({
    kind: 'build',
    id: deployment === undefined ? buildId : versionText({ deployment, buildId }),
  }),
  state: async (deployments: Deployments, [{ deployment }]: readonly [ChosenBuild]) =>
    (await deployments.list(deployment)).map(({ buildId, state, runs }) => ({ buildId, state, runs })),
};

export const limitActs = {
  users: 'look',
  history: 'look',
  count: 'look',
  list: 'look',
  show: 'look',
  pause: { ...keyAct, why: ([, reason]) => reason },
  resume: keyAct,
  override: keyAct,
  forget: keyAct,
} satisfies ActsOf<Limits>;

const runAct = {
  subject: ({ workflowId }: SyncHandle) => workflowSubject(workflowId),
  state: async (run: SyncHandle) => brief(await run.progress()),
};

export const handleActs = {
  run: {
    progress: 'look',
    waits: 'look',
    explain: 'look',
    result: 'look',
    pause: runAct,
    resume: runAct,
    cancel: runAct,
    retryFailed: { ...runAct, gives: 'run' },
    startAgain: { ...runAct, gives: 'run' },
  } satisfies ActsOf<SyncHandle>,
  action: {
    status: 'look',
    waits: 'look',
    result: 'look',
    cancel: { subject: ({ workflowId }) => workflowSubject(workflowId), state: (action) => action.status() },
    resolve: { subject: ({ workflowId }) => workflowSubject(workflowId), state: (action) => action.status() },
    request: 'look',
    sendAgain: {
      subject: ({ workflowId }) => workflowSubject(workflowId),
      result: ({ workflowId }) => ({ sentAs: workflowId }),
      gives: 'action',
    },
  } satisfies ActsOf<ActionHandle<unknown>>,
  saga: {
    status: 'look',
    steps: 'look',
    waits: 'look',
    result: 'look',
    cancel: {
      subject: ({ workflowId }) => workflowSubject(workflowId),
      state: async (saga) => (await saga.steps()).map(({ name, state }) => ({ name, state })),
    },
  } satisfies ActsOf<SagaHandle<unknown>>,
};

export const clientActs = {
  accounts: {
    connect: accountAct,
    update: accountAct,
    reconnected: accountAct,
    disconnect: accountAct,
    // Its row says numbers only: nothing of the account itself.
    erase: { subject: accountAct.subject, result: (proof) => proof },
    stored: 'look',
    rotateKeys: { subject: () => ({ kind: 'accounts', id: '*' }), result: (reencrypted) => ({ reencrypted }) },
    status: 'look',
    show: 'look',
    list: 'look',
    count: 'look',
    secretUses: 'look',
  },
  limits: limitActs,
  reports: { list: 'look' },
  runs: { list: 'look', count: 'look', names: 'look', lastEnded: 'look' },
  pace: 'look',
  schedules: {
    plan: 'look',
    list: 'look',
    apply: { subject: () => ({ kind: 'schedules', id: '*' }), result: (plan) => plan },
    pause: { ...scheduleAct, why: ([, reason]) => reason },
    resume: scheduleAct,
  },
  deployments: {
    list: 'look',
    promote: deploymentAct,
    release: deploymentAct,
  },
  alerts: {
    list: 'look',
    // What workers do by themselves.
    look: 'look',
    queues: 'look',
    freshness: 'look',
    forgetQueue: { subject: (_, [taskQueue]) => ({ kind: 'task queue', id: taskQueue }) },
  },
  freshness: 'look',
  audit: { list: 'look' },
  quarantine: {
    list: 'look',
    readAgain: {
      subject: (_, [sync, { account, node = '*' } = {}]) => ({
        kind: 'quarantine',
        id: [account ?? '*', `${sync.definition.name}.${node}`].join('/'),
        ...(account === undefined ? {} : { account }),
      }),
      result: (read) => read,
    },
    drop: {
      subject: (_, [ids]) => ({ kind: 'quarantine', id: ids.join(',') }),
      result: (dropped) => ({ dropped }),
    },
  },
  state: {
    show: 'look',
    reset: {
      subject: (_, [{ account, sync = '*', node = '*', parentKey }]) => ({
        kind: 'lists',
        id: [account, `${sync}.${node}`, ...(parentKey === undefined ? [] : [parentKey])].join('/'),
        account,
      }),
      state: async (state, [of]) => state.show(of, { limit: 100 }),
      result: (lists) => ({ lists }),
    },
  },
  act: {
    subject: (_, [{ definition }, start]) =>
      startSubject('action', `action/${definition.id}/${start.account}`, start, [definition.provider]),
    result: ({ workflowId }) => ({ workflowId }),
    gives: 'action',
    isStart: true,
  },
  saga: {
    subject: (_, [{ definition }, start]) => {
      const providers = definition.steps.map(({ action }) => action.provider);
      return startSubject('saga', `saga/${definition.name}/${start.account}`, start, providers);
    },
    result: ({ workflowId }) => ({ workflowId }),
    gives: 'saga',
    isStart: true,
  },
  start: {
    subject: (_, [{ definition }, start]) =>
      startSubject('run', syncWorkflowId(definition.name, start.account), start, [definition.provider]),
    result: ({ workflowId, attached }) => ({ workflowId, isAttached: attached !== undefined }),
    gives: 'run',
    isStart: true,
  },
  mapAgain: {
    subject: (_, [{ resource }, { account }]) => ({ kind: 'rows', id: `${account}/${resource}`, account }),
    result: (mapped) => mapped,
  },
  action: { gives: 'action' },
  sagaOf: { gives: 'saga' },
  run: { gives: 'run' },
  as: 'look',
  pending: 'look',
  progress: 'look',
  flawedLists: 'look',
  records: 'look',
  feedLag: 'look',
  overview: 'look',
  workers: { list: 'look', control: 'look', drain: workerAct, setConcurrency: workerAct },
  close: 'look',
} satisfies ActsOf<Sluice>;

function accountSubject({ provider, account }: AccountName): Subject {
  return { kind: 'account', id: `${typeof provider === 'string' ? provider : provider.id}/${account}`, account };
}

function startSubject(
  kind: string,
  id: string,
  { account, tenant }: { readonly account: string; readonly tenant?: string },
  providers: readonly { readonly id: string }[],
): Subject {
  return {
    kind,
    id,
    account,
    ...(tenant === undefined ? {} : { tenant }),
    providers: providers.map((each) => each.id),
  };
}

/** @see contracts/names.ts for the ids: the name of an action has two parts. */
function workflowSubject(workflowId: string): Subject {
  const [kind = ''] = workflowId.split('/');
  const account = accountOf(workflowId);
  return { kind: kind === 'sync' ? 'run' : kind, id: workflowId, ...(account === undefined ? {} : { account }) };
}

async function standingOf(limits: Operations, key: string): Promise<unknown> {
  const prefix = key.replace(/\*$/, '');
  const found = await limits.list({ prefix, limit: 20 });
  return found
    .filter((each) => each.key === key || prefix !== key)
    .map(({ key: limit, state, max, ratePerSecond, isOverridden, pausedReason, blockedUntil }) => ({
      // Not `key`: texts are shown without what stands behind that name.
      limit,
      state,
      max,
      ratePerSecond,
      isOverridden,
      pausedReason,
      blockedUntil,
    }));
}

function brief(progress: Awaited<ReturnType<SyncHandle['progress']>>): unknown {
  return { state: progress.state, ...('runId' in progress ? { runId: progress.runId } : {}) };
}
