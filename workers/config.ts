/**
 * The only file that reads a worker's environment. All bad settings are reported in one message.
 * Next stop: `create-worker.ts`.
 */
import { z } from 'zod';
import { DEFAULT_TASK_QUEUE } from '../contracts/names.ts';

const settings = z.object({
  /** Task queue to serve. Default `sluice`. */
  SLUICE_TASK_QUEUE: z.string().min(1).default(DEFAULT_TASK_QUEUE),
  /** Calls at once, 1 … 10,000. Default 200. */
  SLUICE_CONCURRENCY: z.coerce.number().int().min(1).max(10_000).default(200),
  /** Postgres connections, 2 … 500. Default 10. */
  SLUICE_DB_CONNECTIONS: z.coerce.number().int().min(2).max(500).default(10),
  /** Identity of the address that calls leave from. Default `default`: all workers share one address. */
  SLUICE_EGRESS: z.string().min(1).default('default'),
  /** How long calls in flight may take to end after SIGTERM, in seconds. Default 30. */
  SLUICE_DRAIN_SECONDS: z.coerce.number().int().min(0).max(3_600).default(30),
  SLUICE_LOG_LEVEL: z.enum(['debug', 'info', 'warn', 'error', 'silent']).default('info'),
});

export interface WorkerSettings {
  readonly taskQueue: string;
  readonly concurrency: number;
  readonly dbConnections: number;
  readonly egress: string;
  readonly drainSeconds: number;
  readonly logLevel: string;
}

/** The keys that encrypt credentials. @returns undefined when none are set. */
export function readEncryptionKeys(env: NodeJS.ProcessEnv = process.env): string | undefined {
  return env['SLUICE_ENCRYPTION_KEYS'] || undefined;
}

/** @throws TypeError that lists every setting that is wrong: what was found and what was wanted. */
export function readWorkerSettings(env: NodeJS.ProcessEnv = process.env): WorkerSettings {
  // A variable that is set to nothing is not set.
  const given = Object.fromEntries(Object.entries(env).filter(([, value]) => value !== ''));
  const parsed = settings.safeParse(given);
  if (!parsed.success) {
    const lines = parsed.error.issues.map(({ path, message }) => {
      const name = path.map(String).join('.');
      return `  - ${name} is ${JSON.stringify(env[name])}: ${message}`;
    });
    throw new TypeError(`The worker's settings are wrong:\n${lines.join('\n')}`);
  }
  const found = parsed.data;
  return {
    taskQueue: found.SLUICE_TASK_QUEUE,
    concurrency: found.SLUICE_CONCURRENCY,
    dbConnections: found.SLUICE_DB_CONNECTIONS,
    egress: found.SLUICE_EGRESS,
    drainSeconds: found.SLUICE_DRAIN_SECONDS,
    logLevel: found.SLUICE_LOG_LEVEL,
  };
}
