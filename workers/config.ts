/**
 * The only file that reads a worker's environment. All bad settings are reported in one message.
 * Next: `create-worker.ts`.
 */
import { z } from 'zod';
import { webhookKey } from '../client/alerts/sign-webhook.ts';
import type { AlertWebhook } from '../client/alerts/send-webhook.ts';
import type { ProxySettings } from '../activities/index.ts';
import type { Priority } from '../contracts/limits/limit.ts';
import { buildOf, type Build } from '../contracts/operate/deployment.ts';
import type { SlotTuning } from './capacity/slots.ts';
import { DEFAULT_TASK_QUEUE, ROLES } from '../contracts/names.ts';

/** Temporal writes a version as `deployment:build`, and once wrote `deployment.build`. */
const VERSION_PART = /^[^.:\s]{1,100}$/;
const VERSION_WANTED = 'expected 1 to 100 characters without dots, colons and spaces';

export const LOG_LEVELS = ['debug', 'info', 'warn', 'error', 'silent'] as const;

const settings = z.object({
  /** Task queue to serve. Default `sluice`. */
  SLUICE_TASK_QUEUE: z.string().min(1).default(DEFAULT_TASK_QUEUE),
  /** Roles to serve, separated by commas: `interactive`, `bulk`, `background`. Default all. */
  SLUICE_ROLES: z
    .string()
    .transform((text) => [...new Set(text.split(',').map((role) => role.trim()))])
    .pipe(z.array(z.enum(ROLES)))
    .default([...ROLES]),
  /** Name of this build, by which workers are versioned. Default: they are not. */
  SLUICE_BUILD_ID: z.string().regex(VERSION_PART, VERSION_WANTED).optional(),
  /** The deployment that the build is one of. Default: the name of the task queue. */
  SLUICE_DEPLOYMENT: z.string().regex(VERSION_PART, VERSION_WANTED).optional(),
  /** Calls at once of each role, 1 … 10,000. Default 200. */
  SLUICE_CONCURRENCY: z.coerce.number().int().min(1).max(10_000).default(200),
  /** `fixed`: as many as `SLUICE_CONCURRENCY`. `auto`: at most as many, fewer when CPU or memory are short. Default `fixed`. */
  SLUICE_SLOTS: z.enum(['fixed', 'auto']).default('fixed'),
  /** With `auto`: calls at once of each role that there are in any case, 1 … 10,000. Default 10. */
  SLUICE_MIN_CONCURRENCY: z.coerce.number().int().min(1).max(10_000).default(10),
  /** With `auto`: share of the memory (of the machine, or of the container) and of the CPU that it aims at, 0.01 … 1. Default 0.8, 0.9. */
  SLUICE_TARGET_MEMORY: z.coerce.number().min(0.01).max(1).default(0.8),
  SLUICE_TARGET_CPU: z.coerce.number().min(0.01).max(1).default(0.9),
  /**
   * How long a deploy may take, in minutes, 0 … 1,440. For so long a new worker leaves runs that it can't go on with
   * to old ones. Default 10.
   */
  SLUICE_DEPLOY_MINUTES: z.coerce.number().min(0).max(1_440).default(10),
  /** Share of the heap's limit above which a worker makes no more calls, 0.1 … 1; 1: never. Default 0.85. */
  SLUICE_MAX_HEAP: z.coerce.number().min(0.1).max(1).default(0.85),
  /** Postgres connections, 2 … 500. Default 10. */
  SLUICE_DB_CONNECTIONS: z.coerce.number().int().min(2).max(500).default(10),
  /** Identity of the address that calls leave from. Default `default`: all workers share one address. */
  SLUICE_EGRESS: z.string().min(1).default('default'),
  /** How long calls in flight may take to end after SIGTERM, in seconds. Default 30. */
  SLUICE_DRAIN_SECONDS: z.coerce.number().int().min(0).max(3_600).default(30),
  /** Public address of the dashboard: Temporal's Web UI leads there from what schedules start. Default: no links. */
  SLUICE_DASHBOARD_URL: z.url({ protocol: /^https?$/ }).optional(),
  SLUICE_LOG_LEVEL: z.enum(LOG_LEVELS).default('info'),
  /** `host:port` where Prometheus reads the metrics of this worker, e.g. `0.0.0.0:9464`. Default: nowhere. */
  SLUICE_METRICS_ADDRESS: z
    .string()
    .regex(/^(?:[^\s:[\]]+|\[[^\s\]]+\]):\d{1,5}$/, 'expected host:port, e.g. 0.0.0.0:9464')
    .optional(),
  /** Where alerts are sent, signed as Standard Webhooks say; needs the secret. Default: nowhere. */
  SLUICE_ALERT_WEBHOOK_URL: z.url({ protocol: /^https?$/ }).optional(),
  /** `whsec_` and 24 to 64 bytes in base64. */
  SLUICE_ALERT_WEBHOOK_SECRET: z.string().optional(),
  /** Proxies that calls to third parties go by, as other programs read them. Default none. */
  HTTP_PROXY: z.url({ protocol: /^https?$/ }).optional(),
  HTTPS_PROXY: z.url({ protocol: /^https?$/ }).optional(),
  NO_PROXY: z.string().optional(),
});

/** In code each one comes before the environment: `createWorker({ settings: { concurrency: 50 } })`. */
export interface WorkerSettings {
  readonly taskQueue: string;
  /** Which build this is, where workers are versioned. Default: they are not. */
  readonly build?: Build;
  /** What it serves: runs, actions and sagas of these priorities. Default all. */
  readonly roles?: readonly Priority[];
  readonly concurrency: number;
  /** Slots that tune themselves, at most `concurrency` of them. Default: they are fixed. */
  readonly tuning?: SlotTuning;
  /** For so long after its start a worker leaves runs whose tree its build does not have to others, in minutes. Default 10. */
  readonly deployMinutes?: number;
  /** Share of the heap's limit above which no more calls are made; 1: never. Default 0.85. */
  readonly maxHeap?: number;
  readonly dbConnections: number;
  readonly egress: string;
  readonly drainSeconds: number;
  readonly logLevel: string;
  /** Public address of the dashboard. */
  readonly dashboardUrl?: string;
  /** `host:port` of the metrics. Default: they are not served. */
  readonly metricsAddress?: string;
  /** Where alerts are sent. Default: nowhere. */
  readonly alertWebhook?: AlertWebhook;
  /** By which proxies calls to third parties go. Default: by none. Temporal and Postgres are never reached by them. */
  readonly proxy?: ProxySettings;
}

/** The keys that encrypt credentials. @returns undefined when none are set. */
export function readEncryptionKeys(env: NodeJS.ProcessEnv = process.env): string | undefined {
  return env['SLUICE_ENCRYPTION_KEYS'] || undefined;
}

/** @throws TypeError that lists every setting that is wrong: what was found and what was wanted. */
export function readWorkerSettings(env: NodeJS.ProcessEnv = process.env): WorkerSettings {
  // A variable that is set to nothing is not set.
  const set = Object.entries(env).filter(([, value]) => value !== '');
  // The small letters are the older custom, and win where both are set.
  const proxies = set
    .filter(([name]) => /^(?:https?|no)_proxy$/.test(name))
    .map(([name, value]) => [name.toUpperCase(), value]);
  const given = { ...Object.fromEntries(set), ...Object.fromEntries(proxies) } as Record<string, string | undefined>;
  const parsed = settings.safeParse(given);
  const mistakes = (parsed.error?.issues ?? []).map(({ path, message }) => {
    const name = String(path[0]);
    // A proxy's address may hold a password, a webhook's a token.
    const value = /_PROXY$|_WEBHOOK_/.test(name) ? 'not understood' : JSON.stringify(given[name]);
    return `${name} is ${value}: ${message}`;
  });
  mistakes.push(...webhookMistakes(given));
  if (!parsed.success || mistakes.length > 0)
    throw new TypeError(`The worker's settings are wrong:${mistakes.map((each) => `\n  - ${each}`).join('')}`);
  const found = parsed.data;
  return {
    taskQueue: found.SLUICE_TASK_QUEUE,
    ...(found.SLUICE_BUILD_ID === undefined
      ? {}
      : { build: buildOf(found.SLUICE_TASK_QUEUE, found.SLUICE_BUILD_ID, found.SLUICE_DEPLOYMENT) }),
    roles: found.SLUICE_ROLES,
    concurrency: found.SLUICE_CONCURRENCY,
    maxHeap: found.SLUICE_MAX_HEAP,
    deployMinutes: found.SLUICE_DEPLOY_MINUTES,
    ...tuningOf(found),
    dbConnections: found.SLUICE_DB_CONNECTIONS,
    egress: found.SLUICE_EGRESS,
    drainSeconds: found.SLUICE_DRAIN_SECONDS,
    logLevel: found.SLUICE_LOG_LEVEL,
    ...(found.SLUICE_DASHBOARD_URL === undefined ? {} : { dashboardUrl: found.SLUICE_DASHBOARD_URL }),
    ...(found.SLUICE_METRICS_ADDRESS === undefined ? {} : { metricsAddress: found.SLUICE_METRICS_ADDRESS }),
    ...webhookOf(found),
    ...proxyOf(found),
  };
}

function tuningOf(found: z.output<typeof settings>): Pick<WorkerSettings, 'tuning'> {
  if (found.SLUICE_SLOTS === 'fixed') return {};
  const { SLUICE_CONCURRENCY: most, SLUICE_MIN_CONCURRENCY: least } = found;
  const targets = { targetMemory: found.SLUICE_TARGET_MEMORY, targetCpu: found.SLUICE_TARGET_CPU };
  return { tuning: { min: Math.min(least, most), ...targets } };
}

function webhookOf(found: z.output<typeof settings>): Pick<WorkerSettings, 'alertWebhook'> {
  const { SLUICE_ALERT_WEBHOOK_URL: url, SLUICE_ALERT_WEBHOOK_SECRET: secret } = found;
  return url === undefined || secret === undefined ? {} : { alertWebhook: { url, secret } };
}

function webhookMistakes(given: Readonly<Record<string, string | undefined>>): string[] {
  const { SLUICE_ALERT_WEBHOOK_URL: url, SLUICE_ALERT_WEBHOOK_SECRET: secret } = given;
  if ((url === undefined) !== (secret === undefined)) {
    const missing = url === undefined ? 'URL' : 'SECRET';
    return [`SLUICE_ALERT_WEBHOOK_${missing} is not set: alerts are sent with both or not at all`];
  }
  if (secret === undefined) return [];
  try {
    webhookKey(secret);
    return [];
  } catch (error) {
    return [(error as Error).message];
  }
}

function proxyOf(found: z.output<typeof settings>): Pick<WorkerSettings, 'proxy'> {
  const { HTTP_PROXY: httpProxy, HTTPS_PROXY: httpsProxy, NO_PROXY: noProxy } = found;
  if (httpProxy === undefined && httpsProxy === undefined) return {};
  return {
    proxy: {
      ...(httpProxy === undefined ? {} : { httpProxy }),
      ...(httpsProxy === undefined ? {} : { httpsProxy }),
      ...(noProxy === undefined ? {} : { noProxy }),
    },
  };
}
