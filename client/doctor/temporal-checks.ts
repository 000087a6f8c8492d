/**
 * What Sluice needs of a Temporal server and its namespace: each check asks the server itself. Used by `diagnose.ts`; who serves the
 * task queues is in `worker-checks.ts`.
 */
import type { Client } from '@temporalio/client';
import { duration } from '../../contracts/values/duration.ts';
import { finding, type Check, type Finding } from '../../contracts/operate/finding.ts';
import { searchAttributes } from '../../contracts/names.ts';
import { judgeClock, MOST_CLOCK_MS } from './database-checks.ts';
import { probeFairness } from './probe-fairness.ts';
import { probeTemporal, type ServerBehaviour } from './probe-temporal.ts';

const NAMESPACE: Check = {
  check: 'temporal-namespace',
  wanted: 'a registered namespace that this client may use',
  todo: 'Make it (`temporal operator namespace create --namespace <name>`), or name another one by TEMPORAL_NAMESPACE; on Temporal Cloud it is `name.account`, and the API key must be one of it.',
};
const RETENTION: Check = {
  check: 'temporal-retention',
  wanted: 'a day or more, so that a run which ended at night can be looked at',
  todo: '`temporal operator namespace update --namespace <name> --retention 72h`',
};
const DRAIN: Check = {
  check: 'drain-of-pollers',
  wanted: 'the server ends the questions of a worker that drains',
  todo: 'Set frontend.enableCancelWorkerPollsOnShutdown=true in the dynamic configuration of the server. Else a task may be given to a worker that has just ended, and waits for its time-out.',
};
const ATTRIBUTES: Check = {
  check: 'search-attributes',
  wanted: `${Object.values(searchAttributes).join(', ')}, each of type Keyword`,
  todo: `temporal operator search-attribute create ${Object.values(searchAttributes)
    .map((name) => `--name ${name} --type Keyword`)
    .join(' ')}; one of another type is removed first`,
};
const VISIBILITY: Check = {
  check: 'visibility-queries',
  wanted: 'an answer to a question by search attribute',
  todo: "Look at the server's visibility store and its log; register the search attributes when one is said to be invalid.",
};
const CLOCK: Check = {
  check: 'clock-of-temporal',
  wanted: `at most ${duration(MOST_CLOCK_MS)} from this machine's`,
  todo: 'Let a time service (chrony, systemd-timesyncd) set both clocks.',
};
/** Timers of less than a second fire after a whole one where the server reads that far ahead. */
const MOST_LATE_MS = 400;
const TIMERS: Check = {
  check: 'timers',
  wanted: `a timer of 0.2 s fires at most ${duration(MOST_LATE_MS)} late`,
  todo: 'Set history.timerProcessorMaxTimeShift="10ms" (where all hosts\' clocks agree that well) and history.timerProcessorMaxPollRPS=2000 in the dynamic configuration of the server. On Temporal Cloud nothing can be done, and waits of less than a second take one.',
};
const FAIRNESS: Check = {
  check: 'fairness',
  wanted: 'tenants take turns in the task queues (`matching.enableFairness=true`)',
  todo: 'Set matching.enableFairness=true in the dynamic configuration of the server. Else a tenant that comes last waits for all before. On Temporal Cloud it is switched on for the namespace.',
};
/** `INDEXED_VALUE_TYPE_KEYWORD` of Temporal's API. */
const KEYWORD = 2;
const DAY_S = 86_400;
const NOT_PROBED = 'it was not to be probed';

/**
 * @param isDev of `sluice dev`, whose settings are nobody's to change.
 * @returns the namespace's finding alone when it can't be used: nothing else could be asked then.
 */
export async function checkTemporal(client: Client, isProbed: boolean, isDev: boolean): Promise<Finding[]> {
  const { namespace } = client.options;
  const described = await client.workflowService.describeNamespace({ namespace }).catch(messageOf);
  if (typeof described === 'string') return [finding(NAMESPACE, 'wrong', `"${namespace}": ${described}`)];
  const retentionS = Number(described.config?.workflowExecutionRetentionTtl?.seconds ?? 0);
  const [attributes, visibility, behaviour, isFair] = await Promise.all([
    checkAttributes(client),
    checkVisibility(client),
    isProbed ? probeTemporal(client).catch(messageOf) : NOT_PROBED,
    isProbed ? probeFairness(client).catch(messageOf) : NOT_PROBED,
  ]);
  return [
    finding(NAMESPACE, 'ok', `"${namespace}"`),
    finding(RETENTION, retentionS >= DAY_S ? 'ok' : 'advice', duration(retentionS * 1_000)),
    judgeDrain(described.namespaceInfo?.capabilities?.workerPollCompleteOnShutdown === true, isDev),
    attributes,
    visibility,
    ...judgeBehaviour(behaviour),
    judgeFairness(isFair),
  ];
}

/** @param isClean whether the server says that it does so. */
export function judgeDrain(isClean: boolean, isDev: boolean): Finding {
  if (isClean) return finding(DRAIN, 'ok', 'it does');
  if (isDev) return finding(DRAIN, 'ok', 'it does not, and need not: this is the server of `sluice dev`');
  return finding(DRAIN, 'advice', 'it does not, or its version does not say');
}

/** @param isFair a sentence where it could not be found out. */
function judgeFairness(isFair: boolean | string): Finding {
  if (typeof isFair === 'string') return finding(FAIRNESS, 'unknown', isFair);
  if (isFair) return finding(FAIRNESS, 'ok', 'they do');
  return finding(FAIRNESS, 'advice', 'who has one task waits behind those of who has many');
}

/** @param behaviour a sentence where it could not be found out. */
export function judgeBehaviour(behaviour: ServerBehaviour | string): Finding[] {
  if (typeof behaviour === 'string') return [CLOCK, TIMERS].map((check) => finding(check, 'unknown', behaviour));
  const { clockAheadMs, clockErrorMs, timerLateMs } = behaviour;
  return [
    judgeClock(CLOCK, clockAheadMs, clockErrorMs),
    finding(TIMERS, timerLateMs > MOST_LATE_MS ? 'advice' : 'ok', `${duration(timerLateMs)} late`),
  ];
}

async function checkAttributes(client: Client): Promise<Finding> {
  const listed = await client.connection.operatorService
    .listSearchAttributes({ namespace: client.options.namespace })
    .catch(messageOf);
  if (typeof listed === 'string') return finding(ATTRIBUTES, 'unknown', `they can't be listed: ${listed}`);
  const wrong = Object.values(searchAttributes).flatMap((name) => {
    const type = listed.customAttributes[name];
    if (type === undefined) return [`${name} is missing`];
    return (type as number) === KEYWORD ? [] : [`${name} is not a Keyword`];
  });
  return finding(ATTRIBUTES, wrong.length === 0 ? 'ok' : 'wrong', wrong.join(', ') || 'all are registered');
}

async function checkVisibility(client: Client): Promise<Finding> {
  const query = `${searchAttributes.account} is not null and ExecutionStatus = "Running"`;
  const counted = await client.workflow.count(query).catch(messageOf);
  if (typeof counted === 'string') return finding(VISIBILITY, 'wrong', `\`${query}\`: ${counted}`);
  return finding(VISIBILITY, 'ok', `${counted.count} workflows of accounts are open`);
}

/** What the server says is in the details of an error of gRPC. */
export function messageOf(error: unknown): string {
  const { details, cause, message } = error as { details?: string; cause?: unknown; message?: string };
  if (details) return details;
  return cause === undefined ? (message ?? String(error)) : messageOf(cause);
}
