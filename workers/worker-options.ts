/** What a worker may be told. Used by: `create-worker.ts`; `known-options.ts` refuses what is not here. */
import type { PayloadCodec } from '@temporalio/common';
import type { WorkerPlugin, WorkflowBundleOption } from '@temporalio/worker';
import type { CredentialSource, Log } from '../activities/index.ts';
import type { Priority } from '../contracts/limits/limit.ts';
import type { Retention } from '../contracts/operate/retention.ts';
import type { ServerOptions } from '../dev-servers/find-servers.ts';
import type { OnAlert } from './alerts/deliver-alerts.ts';
import type { WatchOptions } from './alerts/watch-alerts.ts';
import type { CatalogOptions } from './catalog.ts';
import type { WorkerSettings } from './config.ts';
import type { OnFailure } from './loops/notify-failures.ts';
import type { SchedulerOptions } from './schedules/run-schedules.ts';
import type { TracingOptions } from './tracing.ts';

/** The servers are found as `connect()` finds them when they are not given. */
export interface WorkerOptions extends CatalogOptions, ServerOptions {
  /** Where secrets of accounts come from. Default: the encrypted store; without keys no account has any. */
  readonly credentials?: CredentialSource;
  /**
   * Told of every run that ended failed, of whatever kind. Told too of every sync that can't continue by itself; then
   * `status` is `pending`. Its account must be connected again (`needs-reconnect`), or nothing has moved for
   * `stalledAfterMs` (`no-progress`). At least once each, those of one run in order. Called again, later and later,
   * until it does not throw.
   */
  readonly onFailure?: OnFailure;
  /**
   * Told of every alert that is fired or cleared: something is stale, blocked, failing, must be connected again, or nobody serves a task
   * queue (docs/operate/alerts.md). At least once each, those of one alert in order. Called again, later and later, until it does not throw.
   */
  readonly onAlert?: OnAlert;
  /** When something is an alert. False: this worker does not look, and sends no canaries. Default: see `AlertRules`. */
  readonly alerts?: WatchOptions | false;
  /** A sync stands still when neither a page nor the end of a list has come for so long, in milliseconds, ≥ 1,000. Default an hour. */
  readonly stalledAfterMs?: number;
  /** How many days rows are kept that nothing needs any more, by what they are. Default: see `Retention`. */
  readonly retention?: Retention;
  /**
   * What it serves: runs, actions and sagas of these priorities, each from a task queue of its own and with slots of its own. Default
   * `SLUICE_ROLES`, else all.
   */
  readonly roles?: readonly Priority[];
  /**
   * Brings the schedules and `freshFor` of its syncs into force when it starts: what is new or differs; nothing is removed. Default false:
   * `npx sluice schedules apply` does it, once for each deployment. A worker of the version before that is started again in the middle of
   * a roll-out would take back what the new one has brought. What is in force is carried out in both cases.
   */
  readonly schedules?: boolean;
  /** How what is due is claimed; for tests. */
  readonly scheduler?: SchedulerOptions;
  /** Each one comes before the environment, which says the others: see `WorkerSettings`. */
  readonly settings?: Partial<WorkerSettings>;
  /**
   * The workflows of Sluice, bundled. Default: the bundle of the package's build; from TypeScript sources they are bundled
   * now, which takes 1.5 s of one core. For programs that start many workers from sources: make it once with
   * `bundleWorkflowCode` of `@temporalio/worker`. With `payloadCodecs` it is made with `failureConverterPath` too.
   */
  readonly workflowBundle?: WorkflowBundleOption;
  /** Those of `connect()`: encode all that goes into Temporal's histories, and decode it. Default: none. */
  readonly payloadCodecs?: readonly PayloadCodec[];
  /**
   * Each call is a span of OpenTelemetry, below what started its run or action with a client that traces. Needs `@opentelemetry/api`.
   * `{ sendTo: ['github'] }` sends the header `traceparent` to those providers. Default: no spans.
   */
  readonly tracing?: boolean | TracingOptions;
  /** Plugins of Temporal, handed on to its worker of each role. Default: none. */
  readonly plugins?: readonly WorkerPlugin[];
  readonly log?: Log;
}
