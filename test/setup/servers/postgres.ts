/**
 * vitest globalSetup: a real Postgres for each of the workers that run files side by side, in a temporary folder, with a
 * migrated template database. A transaction that one file holds open would else delay the change feed of all others.
 * With `DATABASE_URL` set it is that server, and files run one at a time.
 * Next: `database.ts` clones the template for each test file.
 */
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { Client } from 'pg';
import type { TestProject } from 'vitest/node';
import { migrate } from '../../../db/migrate.ts';
import { createPool } from '../../../db/pool.ts';
import { ensurePostgres } from '../../../dev-servers/postgres/postgres.ts';
import { onceARun, workersOf } from '../once-a-run.ts';

declare module 'vitest' {
  interface ProvidedContext {
    /** One for each worker; `servers.ts` says which. */
    postgresServers: readonly PostgresServer[];
  }
}

export interface PostgresServer {
  /** Connection string of a role that may create databases. */
  readonly adminUrl: string;
  /** Name of the migrated database that tests clone. */
  readonly template: string;
  /** Ours alone, not one that `DATABASE_URL` names. */
  readonly isOwned: boolean;
}

interface RunningPostgres extends PostgresServer {
  readonly stop: () => Promise<void>;
}

export async function setup(project: TestProject): Promise<() => Promise<void>> {
  const servers = await Promise.all(
    Array.from({ length: workersOf(project) }, (_, worker) => onceARun(`postgres-${worker}`, start)),
  );
  project.provide(
    'postgresServers',
    servers.map(({ running: { adminUrl, template, isOwned } }) => ({ adminUrl, template, isOwned })),
  );
  return async () => {
    await Promise.all(servers.map(({ leave }) => leave()));
  };
}

async function start(): Promise<RunningPostgres> {
  const dataDir = await mkdtemp(join(tmpdir(), 'sluice-test-postgres-'));
  const server = await ensurePostgres({ dataDir });
  // On somebody else's server the template carries our process id, so that runs side by side do not meet.
  const template = server.isOwned ? 'sluice_template' : `sluice_template_${process.pid}`;
  const stop = async () => {
    if (!server.isOwned) await adminQuery(server.url, `drop database if exists ${template} with (force)`);
    await server.stop();
    await rm(dataDir, { recursive: true, force: true });
  };
  try {
    await waitForDisk({ adminUrl: server.url, isOwned: server.isOwned }, 'off');
    await createTemplate(server.url, template);
  } catch (error) {
    await stop();
    throw error;
  }
  return { adminUrl: server.url, template, isOwned: server.isOwned, stop };
}

/**
 * Whether commits wait for the disk. They do not on a server of the suite: each takes a fifth of the time, and only a crash of the machine
 * could lose what the kernel was given. A test that reads these settings puts them back for itself.
 */
export async function waitForDisk({ adminUrl, isOwned }: Omit<PostgresServer, 'template'>, value: 'on' | 'off') {
  if (!isOwned) return;
  for (const setting of ['fsync', 'full_page_writes'])
    await adminQuery(adminUrl, `alter system set ${setting} = ${value}`);
  await adminQuery(adminUrl, 'select pg_reload_conf()');
}

async function createTemplate(adminUrl: string, name: string): Promise<void> {
  await adminQuery(adminUrl, `drop database if exists ${name} with (force)`);
  await adminQuery(adminUrl, `create database ${name}`);
  const url = new URL(adminUrl);
  url.pathname = `/${name}`;
  const pool = createPool(url.href, { max: 2, applicationName: 'sluice-test-template' });
  try {
    await migrate(pool);
  } finally {
    await pool.end();
  }
}

async function adminQuery(adminUrl: string, sql: string): Promise<void> {
  const client = new Client({ connectionString: adminUrl });
  await client.connect();
  try {
    await client.query(sql);
  } finally {
    await client.end();
  }
}
