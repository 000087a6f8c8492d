/**
 * Looks at everything that Sluice depends on, and says of each thing what was found, what was wanted and what to do. Works also where
 * `connect()` can't: a server that is away is a finding. Next: `database-checks.ts`, `temporal-checks.ts`, `worker-checks.ts`.
 */
import { Client, Connection } from '@temporalio/client';
import { finding, type Check, type Finding } from '../../contracts/operate/finding.ts';
import { counted } from '../../contracts/limits/limit-words.ts';
import { DEFAULT_TASK_QUEUE } from '../../contracts/names.ts';
import type { KeyService } from '../../contracts/secrets/key-service.ts';
import {
  createKeyring,
  createPool,
  missingPrivileges,
  NO_ENCRYPTION_KEYS,
  readControlled,
  readDatabaseFacts,
  readSchemaStanding,
  readTableHealth,
  secretsByKey,
  type Pool,
  readServed,
} from '../../db/index.ts';
import { findServers, type ServerOptions } from '../../dev-servers/find-servers.ts';
import type { Sync } from '../../providers/define/define-sync.ts';
import { checkSchedules } from './schedule-checks.ts';
import { judgeDatabase, judgePrivileges, judgeSchema, judgeTables } from './database-checks.ts';
import { checkTemporal, messageOf } from './temporal-checks.ts';
import { checkWorkers, judgeServed } from './worker-checks.ts';

export interface DiagnoseOptions extends ServerOptions {
  /** Task queue that runs go to. Default `SLUICE_TASK_QUEUE`, else `sluice`. */
  readonly taskQueue?: string;
  /** Postgres connections of one worker (`SLUICE_DB_CONNECTIONS`). Default 10. */
  readonly dbConnections?: number;
  /** Starts three workflows that are terminated at once, to see the server's clock, its timers and whether tenants take turns. Default true. */
  readonly probe?: boolean;
  /** A transaction that is open for longer is a finding, in milliseconds. Default 60,000. */
  readonly longTransactionMs?: number;
  /** Of the module that the workers serve: whether their schedules are in force. Default: that is not looked at. */
  readonly syncs?: readonly Sync[];
}

const defaults = { dbConnections: 10, probe: true, longTransactionMs: 60_000 } satisfies DiagnoseOptions;

const SERVERS: Check = {
  check: 'servers',
  wanted: 'DATABASE_URL and the address of a Temporal server, or the servers of `npx sluice dev`',
  todo: 'Set what is missing or wrong; or unset all of them and run `npx sluice dev`.',
};
const DATABASE: Check = {
  check: 'database-reachable',
  wanted: 'an answer from Postgres',
  todo: 'Check DATABASE_URL (host, port, user, password, name, sslmode), that Postgres runs, and that its pg_hba.conf lets this machine in.',
};
const TEMPORAL: Check = {
  check: 'temporal-reachable',
  wanted: 'an answer from Temporal',
  todo: 'Check TEMPORAL_ADDRESS (host:port), TEMPORAL_TLS and TEMPORAL_API_KEY, and that the server runs; `npx sluice dev` starts one.',
};
const KEYS: Check = {
  check: 'encryption-keys',
  wanted: 'the keys that opened the stored credentials',
  todo: 'Put the same SLUICE_ENCRYPTION_KEYS into the environment of the app, of every worker and of this command. An old key stays behind the first one until `npx sluice accounts rotate-keys` was run.',
};
const FACTS: Check = { check: 'database-settings', wanted: 'to read them', todo: 'See what Postgres says.' };

/** @returns what was looked at, in a fixed order; nothing is `wrong` when all is well. */
export async function diagnose(options: DiagnoseOptions = {}): Promise<readonly Finding[]> {
  const { dbConnections, probe, longTransactionMs } = { ...defaults, ...options };
  const taskQueue = options.taskQueue ?? (process.env['SLUICE_TASK_QUEUE'] || DEFAULT_TASK_QUEUE);
  let servers, pool: Pool;
  try {
    servers = await findServers(options);
    pool = createPool(servers.databaseUrl, { max: 2, applicationName: 'sluice-doctor' });
  } catch (error) {
    return [finding(SERVERS, 'wrong', (error as Error).message)];
  }
  const { temporal, namespace, isDevTemporal, encryptionKeys } = servers;
  const named = finding(SERVERS, 'ok', `Temporal at ${temporal.address}, namespace "${namespace}"`);
  try {
    const ofTemporal = await withTemporal(temporal, namespace, async (client) => {
      const found = await checkTemporal(client, probe, isDevTemporal);
      if (found.some(({ check, status }) => check === 'temporal-namespace' && status === 'wrong'))
        return { findings: found, workers: 0 };
      // Where it can't be read, another finding says so.
      const told = await readControlled(pool).catch(() => undefined);
      const { findings, workers } = await checkWorkers(
        client,
        taskQueue,
        told && new Set(told.map(({ identity }) => identity)),
      );
      return { findings: [...found, ...findings], workers };
    });
    const context = { dbConnections, workers: ofTemporal.workers, longTransactionMs };
    const ofDatabase = await checkDatabase(pool, context, encryptionKeys);
    // Where its tables can't be read, another finding says so.
    const ofSchedules = await checkSchedules(pool, taskQueue, options.syncs).catch(() => []);
    const ofCode = await readServed(pool)
      .then((served) => [judgeServed(served)])
      .catch(() => []);
    return [named, ...ofDatabase, ...ofSchedules, ...ofTemporal.findings, ...ofCode];
  } finally {
    await pool.end();
  }
}

async function withTemporal(
  temporal: Parameters<typeof Connection.connect>[0],
  namespace: string,
  work: (client: Client) => Promise<{ readonly findings: readonly Finding[]; readonly workers: number }>,
): Promise<{ readonly findings: readonly Finding[]; readonly workers: number }> {
  let connection: Connection;
  try {
    connection = await Connection.connect(temporal);
  } catch (error) {
    return { workers: 0, findings: [finding(TEMPORAL, 'wrong', `${temporal?.address}: ${messageOf(error)}`)] };
  }
  try {
    const { findings, workers } = await work(new Client({ connection, namespace }));
    return { workers, findings: [finding(TEMPORAL, 'ok', `${temporal?.address}`), ...findings] };
  } finally {
    await connection.close();
  }
}

async function checkDatabase(
  pool: Pool,
  context: { readonly dbConnections: number; readonly workers: number; readonly longTransactionMs: number },
  encryptionKeys: () => Promise<string | KeyService | undefined>,
): Promise<Finding[]> {
  try {
    await pool.query('select 1');
  } catch (error) {
    return [finding(DATABASE, 'wrong', sentence(error))];
  }
  const findings = [finding(DATABASE, 'ok', 'it answers')];
  const askedAt = Date.now();
  const facts = await readDatabaseFacts(pool).catch(sentence);
  const answeredAt = Date.now();
  if (typeof facts === 'string') findings.push(finding(FACTS, 'unknown', facts));
  else {
    const clock = {
      clockAheadMs: facts.clockMs - (askedAt + answeredAt) / 2,
      clockErrorMs: (answeredAt - askedAt) / 2,
    };
    findings.push(...judgeDatabase(facts, { ...context, ...clock }));
  }
  const schema = judgeSchema(await readSchemaStanding(pool).catch(sentence));
  findings.push(schema);
  const role = typeof facts === 'string' ? '<role>' : facts.role;
  const lacks = await missingPrivileges(pool).catch(sentence);
  findings.push(typeof lacks === 'string' ? finding(FACTS, 'unknown', lacks) : judgePrivileges(lacks, role));
  // Without its tables, or the right to read them, there is nothing more to be looked at.
  if (schema.status === 'wrong' || lacks.length > 0) return findings;
  const health = await readTableHealth(pool).catch(sentence);
  findings.push(...(typeof health === 'string' ? [finding(FACTS, 'unknown', health)] : judgeTables(health)));
  return [...findings, await checkKeys(pool, encryptionKeys)];
}

async function checkKeys(pool: Pool, encryptionKeys: () => Promise<string | KeyService | undefined>): Promise<Finding> {
  try {
    const held = await secretsByKey(pool);
    const keys = await encryptionKeys();
    if (!keys && held.length === 0) return finding(KEYS, 'ok', 'no credentials are stored, and there are no keys');
    if (!keys) return finding(KEYS, 'wrong', NO_ENCRYPTION_KEYS);
    const keyring = createKeyring(keys);
    const wrong: string[] = [];
    for (const { keyId, secrets, blob } of held)
      await keyring.unwrap({ keyId, blob }).catch((error: unknown) => {
        wrong.push(`${counted(secrets, 'secret')} of key "${keyId}" can't be opened: ${sentence(error)}`);
      });
    if (wrong.length > 0) return finding(KEYS, 'wrong', wrong.join('; '));
    return finding(KEYS, 'ok', held.length === 0 ? 'no credentials are stored' : 'all credentials can be opened');
  } catch (error) {
    return finding(KEYS, 'wrong', sentence(error));
  }
}

/** A connection that is refused by all addresses of a host has no message of its own. */
function sentence(error: unknown): string {
  const { message, errors, code } = error as { message?: string; errors?: readonly Error[]; code?: string };
  return message || errors?.map((each) => each.message).join(', ') || code || String(error);
}
