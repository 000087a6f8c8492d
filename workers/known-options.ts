/** Options of `createWorker` that it does not know: a misspelt `onFailure` would tell nobody. Used by: `create-worker.ts`. */
import { ROLES } from '../contracts/names.ts';
import {
  missingFunctions,
  outOfRange,
  unknownOptions,
  wrongFunctions,
  type NamesOf,
} from '../contracts/values/option-mistakes.ts';
import { LOG_LEVELS, type WorkerSettings } from './config.ts';
import type { WatchOptions } from './alerts/watch-alerts.ts';
import type { WorkerOptions } from './worker-options.ts';

const OPTIONS: NamesOf<WorkerOptions> = {
  syncs: true,
  actions: true,
  sagas: true,
  databaseUrl: true,
  temporal: true,
  namespace: true,
  encryptionKeys: true,
  credentials: true,
  onFailure: true,
  onAlert: true,
  alerts: true,
  stalledAfterMs: true,
  retention: true,
  roles: true,
  schedules: true,
  scheduler: true,
  settings: true,
  workflowBundle: true,
  payloadCodecs: true,
  tracing: true,
  plugins: true,
  log: true,
};

const SETTINGS: NamesOf<WorkerSettings> = {
  taskQueue: true,
  build: true,
  roles: true,
  concurrency: true,
  tuning: true,
  deployMinutes: true,
  maxHeap: true,
  dbConnections: true,
  egress: true,
  drainSeconds: true,
  logLevel: true,
  dashboardUrl: true,
  metricsAddress: true,
  alertWebhook: true,
  proxy: true,
};

const ALERTS: NamesOf<WatchOptions> = {
  blockedAfterMs: true,
  failingAfterMs: true,
  flawShare: true,
  unservedAfterMs: true,
  driftAfterMs: true,
  lookEveryMs: true,
};

/** @throws TypeError with all that is wrong. */
export function checkWorkerOptions(options: object): void {
  const { settings = {}, roles = settings.roles }: WorkerOptions = options;
  const ofSettings = [
    ...unknownOptions(settings, SETTINGS),
    ...outOfRange(settings, ['concurrency'], 1),
    ...outOfRange(settings, ['dbConnections'], 2),
    ...outOfRange(settings, ['drainSeconds', 'deployMinutes'], 0),
    ...wordMistakes('logLevel', settings.logLevel, LOG_LEVELS),
  ];
  const { credentials, alerts = {} }: WorkerOptions = options;
  const wrong = [
    ...unknownOptions(options, OPTIONS),
    ...[...SERVED, 'roles'].flatMap((name) => listMistakes(name, options)),
    ...(SERVED.some((name) => name in options)
      ? []
      : ['it is given nothing to serve: name `syncs`, `actions` or `sagas`, `syncs: []` where it is to serve none']),
    ...wrongFunctions(options, ['onFailure', 'onAlert']),
    ...outOfRange(options, ['stalledAfterMs'], 1_000),
    ...(credentials === undefined ? [] : missingFunctions(credentials, ['get']).map((text) => `credentials: ${text}`)),
    ...(alerts === false ? [] : unknownOptions(alerts, ALERTS).map((text) => `alerts: ${text}`)),
    ...ofSettings.map((text) => `settings: ${text}`),
    ...(roles?.length === 0 ? [`\`roles\` is empty; it must name some of ${ROLES.join(', ')}`] : []),
    ...(Array.isArray(roles) ? roles : []).flatMap((role) => wordMistakes('roles', role, ROLES)),
  ];
  if (wrong.length > 0) throw new TypeError(wrong.map((text) => `createWorker: ${text}`).join('\n'));
}

const SERVED = ['syncs', 'actions', 'sagas'];

function listMistakes(name: string, options: object): string[] {
  const value = (options as Readonly<Record<string, unknown>>)[name];
  return value === undefined || Array.isArray(value) ? [] : [`\`${name}\` must be a list, e.g. [${name.slice(0, -1)}]`];
}

function wordMistakes(name: string, word: unknown, known: readonly string[]): string[] {
  if (word === undefined || known.includes(word as string)) return [];
  return [`\`${name}\` has ${JSON.stringify(word)}; there are ${known.join(', ')}`];
}
