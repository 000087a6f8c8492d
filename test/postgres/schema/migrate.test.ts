/** Bringing the schema up to date: many at once, two versions side by side, a role without rights. */
import { cp, mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { pathToFileURL } from 'node:url';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { grantRuntime } from '../../../db/grant-runtime.ts';
import { migrate, readSchemaStanding } from '../../../db/migrate.ts';
import { createPool } from '../../../db/pool.ts';
import { sluice } from '../../setup/programs/command-line.ts';
import { createTestDatabase, type TestDatabase } from '../../setup/servers/database.ts';

describe('migrations', () => {
  let database: TestDatabase;
  let folder: string;
  let newer: URL;
  beforeEach(async () => {
    database = await createTestDatabase();
    folder = await mkdtemp(join(tmpdir(), 'sluice-migrations-'));
    await cp(new URL('../../../db/migrations/', import.meta.url), folder, { recursive: true });
    newer = pathToFileURL(`${folder}/`);
  });
  afterEach(async () => {
    await rm(folder, { recursive: true, force: true });
    await database.drop();
  });
  const add = (name: string, sql: string) => writeFile(join(folder, name), sql);

  it('are applied once by workers that start at the same moment, and then only read', async () => {
    await database.pool.query('drop schema sluice cascade');
    const applied = await Promise.all(Array.from({ length: 5 }, () => migrate(database.pool)));
    expect(applied.flat()).toEqual(['0001_baseline.sql']);
    expect(await migrate(database.pool)).toEqual([]);
  });

  it('can be looked at first, and be applied by psql: the command changes nothing then', async () => {
    const env = { DATABASE_URL: database.url, NODE_OPTIONS: '' };
    expect(await sluice(['migrate', '--dry-run'], env)).toEqual({ code: 0, output: 'The schema is up to date.\n' });
    expect((await sluice(['migrate', '--sql'], env)).output).toBe('-- The schema is up to date.\n');
    await database.pool.query('drop schema sluice cascade');
    const dry = await sluice(['migrate', '--dry-run', '--json'], env);
    expect([dry.code, JSON.parse(dry.output)]).toEqual([1, { missing: ['0001_baseline.sql'], warnings: [] }]);
    const script = await sluice(['migrate', '--sql'], env);
    expect(script.code).toBe(0);
    const there = await database.pool.query(`select to_regnamespace('sluice') is not null as is_there`);
    expect(there.rows).toEqual([{ is_there: false }]);
    await database.pool.query(script.output);
    expect(await migrate(database.pool)).toEqual([]);
    expect((await readSchemaStanding(database.pool)).missing).toEqual([]);
    // An act says what was done as JSON too, and by its exit code that it was nothing.
    const forgot = await sluice(['limits', 'forget', 'nobody/knows', '--json'], env);
    expect([forgot.code, JSON.parse(forgot.output)]).toEqual([1, { key: 'nobody/knows', done: null, keys: 0 }]);
  });

  it('of a newer version do not keep a worker of the older one from starting', async () => {
    await add('9001_more.sql', 'create table sluice.more (id int primary key);');
    expect(await migrate(database.pool, { directory: newer })).toEqual(['9001_more.sql']);
    const warnings: string[] = [];
    expect(await migrate(database.pool, { warn: (message) => warnings.push(message) })).toEqual([]);
    expect(warnings).toEqual([expect.stringContaining('9001_more.sql')]);
  });

  it('that are marked as breaking do', async () => {
    await add(
      '9001_other.sql',
      '-- breaking: renames what older workers write\ncreate table sluice.other (id int primary key);',
    );
    await migrate(database.pool, { directory: newer });
    await expect(migrate(database.pool)).rejects.toThrow(/9001_other\.sql.*marked as breaking.*Upgrade this worker/s);
  });

  it('that were edited after they were applied are refused, and change nothing', async () => {
    await add('0001_baseline.sql', '-- other contents');
    await expect(migrate(database.pool, { directory: newer })).rejects.toThrow(/0001_baseline\.sql.*other contents/s);
  });

  it('that fail leave nothing of themselves behind, and the next call applies them', async () => {
    await add('9001_two.sql', 'create table sluice.two (id int primary key); select no_such_function();');
    await expect(migrate(database.pool, { directory: newer })).rejects.toThrow('no_such_function');
    await add('9001_two.sql', 'create table sluice.two (id int primary key);');
    expect(await migrate(database.pool, { directory: newer })).toEqual(['9001_two.sql']);
  });

  it('are none for a role that may not change the schema: it starts when nothing is missing, else it is told what to do', async () => {
    const role = `sluice_runtime_${process.pid}_${Date.now()}`;
    await database.pool.query(`create role ${role} login password 'runtime'`);
    await grantRuntime(database.pool, role);
    const url = new URL(database.url);
    url.username = role;
    url.password = 'runtime';
    const pool = createPool(url.href, { max: 2 });
    try {
      expect(await migrate(pool)).toEqual([]);
      await add('9001_more.sql', 'create table sluice.more (id int primary key);');
      await expect(migrate(pool, { directory: newer })).rejects.toThrow(/lacks 9001_more\.sql.*sluice migrate/s);
    } finally {
      await pool.end();
      await database.pool.query(`drop owned by ${role}; drop role ${role}`);
    }
  });
});
