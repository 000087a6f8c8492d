/**
 * The way in from app code: connects to Temporal and Postgres. Next: `sync/start-sync.ts` starts a run.
 */
import { setMaxListeners } from 'node:events';
import { Client, type ClientPlugin } from '@temporalio/client';
import type { PayloadCodec } from '@temporalio/common';
import type { Actor, AuditEntry, AuditFilter, Via } from '../contracts/operate/audit.ts';
import { DEFAULT_TASK_QUEUE } from '../contracts/names.ts';
import type { Pace, PaceSpan } from '../contracts/operate/pace.ts';
import type { Overview } from '../contracts/operate/overview.ts';
import type { FlawedList, RunProgress } from '../contracts/run.ts';
import {
  createKeyring,
  createPool,
  createSecretUseCounter,
  EncryptionKeyError,
  listReports,
  NO_ENCRYPTION_KEYS,
  pendingOperations,
  readFeedLag,
  readFreshness,
  readOverview,
  readPace,
  readProgress,
  type FeedLag,
  type FlawFilter,
  type Keyring,
  type FreshnessFilter,
  type ReportFilter,
  type SecretUseCounter,
} from '../db/index.ts';
import type { Node, Sync } from '../providers/define/define-sync.ts';
import type { PendingOperation } from '../contracts/action.ts';
import { checkStartedBy, type Report, type StartedBy } from '../contracts/report.ts';
import type { Action } from '../providers/define/define-action.ts';
import type { Saga } from '../providers/define/define-saga.ts';
import { createAccounts, type Accounts } from './account/accounts.ts';
import { clientActs } from './audit/acts.ts';
import { audited } from './audit/audited-client.ts';
import { listActs } from './audit/list-acts.ts';
import type { Auditor } from './audit/record-act.ts';
import { act, startSaga, type ActOptions } from './action/act.ts';
import { createActionHandle, createSagaHandle, type ActionHandle, type SagaHandle } from './action/action-handle.ts';
import { withCodecs } from '../dev-servers/data-converter.ts';
import { findServers, type ServerOptions } from '../dev-servers/find-servers.ts';
import { readFlaws } from './sync/read-flaws.ts';
import { mapAgain, type MapAgainOptions, type MappedAgain } from './map-again.ts';
import { createQuarantine, type Quarantine } from './quarantine.ts';
import { readRecords, type ChangeRecord, type RecordsOptions } from './records.ts';
import { checkConnectOptions, knowingOptions } from './options/known-options.ts';
import { createLimits, type Limits } from './limits.ts';
import { pageAddress } from './page-link.ts';
import { reachTemporal } from './reach-temporal.ts';
import { createRuns, type Runs } from './runs.ts';
import { createListStates, type ListStates } from './state.ts';
import { keepParts } from './parts-of.ts';
import type { ClientParts } from './start-workflow.ts';
import { createAlerts, type Alerts } from './alerts/alerts.ts';
import { createDeployments, type Deployments } from './deployments/deployments.ts';
import type { Freshness } from '../contracts/alerts/alert.ts';
import { createSchedules, type Schedules } from './schedules/schedules.ts';
import { startSync, type StartedRun, type StartOptions } from './sync/start-sync.ts';
import { createHandle, type SyncHandle } from './sync/sync-handle.ts';
import { createStartTracer, WITHOUT_TRACING } from './tracing/trace-starts.ts';
import { tellingWhenClosed } from './until-closed.ts';
import { bindTenant } from './tenant/bind-tenant.ts';
import { createWorkers, type Workers } from './workers/workers.ts';
import { checkName, checkRunOf } from './options/check-options.ts';

export interface ConnectOptions extends ServerOptions {
  /**
   * Task queue that new runs go to; those with another priority than `bulk` to `<task queue>-interactive` and `…-background`. Default
   * `SLUICE_TASK_QUEUE`, else `sluice`.
   */
  readonly taskQueue?: string;
  /**
   * Binds the client to one tenant. It sees and touches nothing of any other. What it starts and connects belongs to
   * that tenant, and entities that it locks are that tenant's own. Default: all tenants.
   */
  readonly tenant?: string;
  /**
   * Encode all that goes into Temporal's histories (inputs, results, texts of failures), and decode it. Workers must be given the same
   * ones. Ids of workflows and search attributes (provider, account, tenant, sync, status) stay as they are. Default: none.
   */
  readonly payloadCodecs?: readonly PayloadCodec[];
  /**
   * Starts are spans of OpenTelemetry, and the calls of what is started are their children in the workers that trace as well. Needs
   * `@opentelemetry/api`. Default false.
   */
  readonly tracing?: boolean;
  /** Plugins of Temporal, handed on to its client. Default: none. */
  readonly plugins?: readonly ClientPlugin[];
  /**
   * Who acts through this client, `user:<id>` or `system`: for the audit, and the default of `startedBy`. Where it is a person, runs,
   * actions and sagas that they start are in the audit too. `as()` says so for single acts. Default `system`.
   */
  readonly by?: StartedBy;
  /**
   * Public address of the dashboard, e.g. `https://admin.example/sluice`: Temporal's Web UI then leads from each run, action and saga to
   * its page. Default: `SLUICE_DASHBOARD_URL`, else no links.
   */
  readonly dashboardUrl?: string;
  /** Where acts come from. Default `client`. */
  readonly via?: Via;
}

export interface Sluice {
  readonly accounts: Accounts;
  /** Every key of a limit: looked at, paused, resumed, overridden, forgotten. Not for a client that is bound to a tenant. */
  readonly limits: Limits;
  /** What operators did: one entry for each act of a client, of the command line and of the page that changes something. */
  readonly audit: {
    /**
     * The newest first; `after` goes on behind the last one seen. A client that is bound to a tenant sees what concerns that tenant.
     * @throws TypeError when `limit` is not 1 to 1,000.
     */
    list(filter?: AuditFilter): Promise<readonly AuditEntry[]>;
  };
  /**
   * A client on the same connections whose acts carry who, why and where from. `close` of either closes both.
   * @throws TypeError when `by` is neither `user:<id>` nor `system`.
   */
  as(actor: Actor): Sluice;
  readonly reports: {
    /**
     * Reports of actions, sagas and sync runs, oldest first; `after` goes on behind the last one seen.
     * @throws TypeError when `after` or `limit` is not what it should be.
     */
    list(filter?: ReportFilter): Promise<Report[]>;
  };
  /** When runs start by themselves, as it is declared beside each sync. */
  readonly schedules: Schedules;
  /** Builds of the workers side by side, where they are versioned. Not for a client that is bound to a tenant. */
  readonly deployments: Deployments;
  /** What somebody must know: stale rows, accounts to connect again, limits that block, task queues without workers. */
  readonly alerts: Alerts;
  /** Rows that did not fit, of endpoints with `onMismatch: 'quarantine'`. */
  readonly quarantine: Quarantine;
  /** Lists of runs. */
  readonly runs: Runs;
  /** What is known of lists from run to run: watermarks, and how many rows they had. */
  readonly state: ListStates;
  /** Accepts a write to a third party; awaiting `result()` is up to the caller. */
  act<Input, Output>(action: Action<Input, Output>, options: ActOptions<Input>): Promise<ActionHandle<Output>>;
  /** Accepts several writes that are taken back when one of them fails. */
  saga<Input, Parsed, Outputs>(
    saga: Saga<Input, Parsed, Outputs>,
    options: ActOptions<Input>,
  ): Promise<SagaHandle<Outputs>>;
  /** An action by its workflow id, with its type when the action itself is named too; nothing is asked of a server yet. */
  action<Input, Output>(of: {
    readonly workflowId: string;
    readonly action: Action<Input, Output>;
  }): ActionHandle<Output>;
  action(of: { readonly workflowId: string }): ActionHandle<unknown>;
  /** A saga by its workflow id, with its type when the saga itself is named too; nothing is asked of a server yet. */
  sagaOf<Input, Parsed, Outputs>(of: {
    readonly workflowId: string;
    readonly saga: Saga<Input, Parsed, Outputs>;
  }): SagaHandle<Outputs>;
  sagaOf(of: { readonly workflowId: string }): SagaHandle<Readonly<Record<string, unknown>>>;
  /** Operations on an entity that are not done: the one at work, then those that wait. */
  pending(entity: string): Promise<PendingOperation[]>;
  /**
   * Starts a run. Returns when it is accepted. Where one is going on for this account and sync, it attaches to it when
   * it was asked for the same, which `attached` says. Otherwise it is refused. `ifRunning` chooses something else.
   * @throws SyncBusy when it is refused.
   */
  start<Input>(sync: Sync<Input>, options: StartOptions<Input>): Promise<StartedRun>;
  /** A run by account and sync, or by its workflow id; nothing is asked of a server yet. @throws TypeError when it names none. */
  run(of: { readonly sync: Sync | string; readonly account: string } | { readonly workflowId: string }): SyncHandle;
  /** The state of a run by its id. @returns undefined when no such run is known. */
  progress(runId: string): Promise<RunProgress | undefined>;
  /**
   * Every list of a run that did not end `complete`, as far as it has come, node by node. `after` continues behind the
   * last one seen. `RunResult.flaws` and `RunProgress` count them.
   */
  flawedLists(runId: string, filter?: FlawFilter): AsyncIterable<FlawedList>;
  /**
   * What a node stored, as a change feed, oldest change first; ends when the reader has caught up.
   * @throws CursorLost when the database never handed `after` out: read from the beginning then.
   */
  records<Row>(node: Node<Row>, options: RecordsOptions): AsyncIterable<ChangeRecord<Row>>;
  /**
   * Maps the stored rows of a node anew, where its `map` has changed; nothing is asked of the third party. Rows that a run stores
   * meanwhile are left as they are.
   */
  mapAgain<Row>(node: Node<Row>, options: MapAgainOptions<Row>): Promise<MappedAgain>;
  /** How far the change feed is behind what is stored, and which open transaction holds it back. */
  feedLag(): Promise<FeedLag>;
  /**
   * How everything stands, in numbers: accounts and runs by state, ages of the last good runs in classes, limits. Some 100 ms with
   * 10,000 accounts: ask it every some seconds at most.
   */
  overview(): Promise<Overview>;
  /** Who serves the task queues, and how much each does at once. Not for a client that is bound to a tenant. */
  readonly workers: Workers;
  /**
   * How old the rows of each sync with `freshFor` are. That is the age since the last run that read every list to its
   * end, whatever newer runs did.
   * @param filter `limit`: stale accounts of each sync that are named, 1 … 1,000. Default 20.
   */
  freshness(filter?: FreshnessFilter & { readonly limit?: number }): Promise<readonly Freshness[]>;
  /** How much all workers do: now, and over the last hour, day or quarter. */
  pace(span?: PaceSpan): Promise<Pace>;
  /** Who still awaits something gets `ClientClosed`, and so does who asks for more; what was started goes on. Once is enough. */
  close(): Promise<void>;
}

/**
 * @param onAway is told that Temporal can't be reached: the client then knows what Postgres does, and refuses the rest. Default: it is thrown.
 * @throws Error when a server is not named and none is running, or can't be reached; it says what to do. TypeError for unknown options.
 */
export async function connect(options: ConnectOptions = {}, onAway?: (away: Error) => void): Promise<Sluice> {
  const { tenant } = options;
  checkConnectOptions(options);
  if (tenant !== undefined) checkName('tenant', tenant);
  const pageUrl = pageAddress(options.dashboardUrl ?? process.env['SLUICE_DASHBOARD_URL']);
  const { databaseUrl, temporal, namespace, encryptionKeys } = await findServers(options);
  const tracer = options.tracing ? await createStartTracer() : WITHOUT_TRACING;
  // A burst of calls waits for its turn at the few connections.
  const pool = createPool(databaseUrl, { max: 5, applicationName: 'sluice-client', waitMs: 60_000 });
  const connection = await reachTemporal(temporal, onAway).catch(async (error: unknown) => {
    await pool.end();
    throw error;
  });
  const client = new Client({
    connection,
    namespace,
    ...withCodecs(options.payloadCodecs),
    plugins: [...(options.plugins ?? [])],
  });
  const taskQueue = options.taskQueue ?? (process.env['SLUICE_TASK_QUEUE'] || DEFAULT_TASK_QUEUE);
  const secretUses = createSecretUseCounter();
  const keyring = async () => {
    const keys = await encryptionKeys();
    if (!keys) throw new EncryptionKeyError(NO_ENCRYPTION_KEYS);
    return createKeyring(keys, secretUses);
  };
  const closing = new AbortController();
  setMaxListeners(0, closing.signal);
  const chosen = { ...(tenant !== undefined && { boundTo: tenant }), ...(pageUrl && { pageUrl }) };
  const parts = { client, pool, taskQueue, tracer, closing: closing.signal, ...chosen };
  let closed: Promise<void> | undefined;
  const close = (): Promise<void> => {
    closing.abort();
    return (closed ??= connection.close().then(() => pool.end()));
  };
  const { by = 'system', via = 'client' } = options;
  return createSluice({ ...parts, keyring, secretUses, close }, { by, via });
}

interface SluiceParts extends Omit<ClientParts, 'startedBy'> {
  readonly keyring: () => Promise<Keyring>;
  readonly secretUses: SecretUseCounter;
  readonly close: () => Promise<void>;
}

function createSluice(shared: SluiceParts, actor: Actor): Sluice {
  checkStartedBy(actor.by, 'by');
  const parts = { ...shared, startedBy: actor.by };
  const { pool, keyring, secretUses, close, boundTo: tenant } = parts;
  const sluice: Sluice = {
    accounts: createAccounts(parts, keyring, secretUses),
    audit: { list: async (filter) => listActs(pool, filter) },
    as: (other) => createSluice(shared, { via: 'client', ...other }),
    reports: { list: (filter) => listReports(pool, filter) },
    schedules: createSchedules(pool, parts.taskQueue),
    deployments: createDeployments(parts.client, parts.taskQueue),
    alerts: createAlerts(pool),
    quarantine: createQuarantine(pool, tenant),
    runs: createRuns(pool),
    limits: createLimits(pool),
    state: createListStates(pool),
    act: (action, actOptions) => act(parts, action, actOptions),
    saga: (saga, actOptions) => startSaga(parts, saga, actOptions),
    action: ({ workflowId, action }: { readonly workflowId: string; readonly action?: Action }) =>
      createActionHandle<never>(parts, workflowId, action?.definition),
    sagaOf: ({ workflowId, saga }: { readonly workflowId: string; readonly saga?: Saga }) =>
      createSagaHandle<never>(parts, workflowId, saga?.definition),
    pending: (entity) => pendingOperations(pool, entity),
    start: (sync, startOptions) => startSync(parts, sync, startOptions),
    run: (of) => createHandle(parts, checkRunOf(of)),
    progress: (runId) => readProgress(pool, { runId }),
    flawedLists: (runId, filter) => readFlaws(pool, runId, filter),
    overview: () => readOverview(pool),
    workers: createWorkers(parts.client, parts.pool, parts.taskQueue),
    freshness: ({ limit = 20, ...filter } = {}) => readFreshness(pool, filter, limit),
    pace: (span) => readPace(pool, span),
    records: (node, recordsOptions) => readRecords(pool, node, recordsOptions),
    mapAgain: (node, mapOptions) => mapAgain(pool, node, mapOptions),
    feedLag: () => readFeedLag(pool),
    close,
  };
  const auditor: Auditor = { pool, actor, ...(tenant === undefined ? {} : { boundTo: tenant }) };
  const whole = audited(tenant === undefined ? sluice : bindTenant(sluice, pool, tenant), clientActs, auditor);
  return keepParts(tellingWhenClosed(knowingOptions(whole), parts.closing), parts);
}
