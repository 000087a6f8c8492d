/** Which servers a worker and a client use when they are not named. */
import { mkdtemp, readdir, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, expect, test, vi } from 'vitest';
import { connect } from '../../../client/index.ts';
import { findServers } from '../../../dev-servers/find-servers.ts';
import { createWorker } from '../../../workers/index.ts';

let folder: string;

beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), 'sluice-find-servers-'));
  // Nothing that whoever runs the tests has set or started may speak here.
  for (const name of Object.keys(process.env).filter((key) => key.startsWith('TEMPORAL_'))) vi.stubEnv(name, undefined);
  vi.stubEnv('DATABASE_URL', undefined);
  vi.stubEnv('SLUICE_ENCRYPTION_KEYS', undefined);
  vi.stubEnv('XDG_CONFIG_HOME', folder);
  vi.stubEnv('SLUICE_DEV_DIR', folder);
  vi.stubEnv('SLUICE_LOG_LEVEL', 'error');
});
afterEach(async () => {
  vi.unstubAllEnvs();
  await rm(folder, { recursive: true, force: true });
});

test('a worker and a client that are told nothing and find nothing say what to set or to run, and start nothing', async () => {
  for (const attempt of [() => createWorker({ syncs: [] }), () => connect()]) {
    const error = await attempt().then(() => undefined, String);
    expect(error).toMatch(/No database: set DATABASE_URL\n/);
    expect(error).toMatch(/No Temporal: set TEMPORAL_ADDRESS/);
    expect(error).toMatch(/Or run `npx sluice dev`/);
    expect(error).not.toMatch(/ECONNREFUSED/);
  }
  expect(await readdir(folder)).toEqual([]);
});

test('only what is missing is asked for', async () => {
  vi.stubEnv('TEMPORAL_ADDRESS', 'temporal.example:7233');
  await expect(createWorker({ syncs: [] })).rejects.toThrow(/No database/);
  await expect(createWorker({ syncs: [] })).rejects.not.toThrow(/No Temporal/);
});

test('the environment names servers, namespace and keys; options come first', async () => {
  vi.stubEnv('DATABASE_URL', 'postgresql://env/db');
  vi.stubEnv('TEMPORAL_ADDRESS', 'env.example:7233');
  vi.stubEnv('TEMPORAL_NAMESPACE', 'shop');
  vi.stubEnv('SLUICE_ENCRYPTION_KEYS', 'env:key');
  const found = await findServers();
  expect(found).toMatchObject({ databaseUrl: 'postgresql://env/db', namespace: 'shop', isDevTemporal: false });
  expect(found.temporal.address).toBe('env.example:7233');
  expect(await found.encryptionKeys()).toBe('env:key');
  const given = await findServers({
    databaseUrl: 'postgresql://own/db',
    temporal: { address: 'own.example:7233' },
    encryptionKeys: 'own:key',
  });
  expect(given).toMatchObject({ databaseUrl: 'postgresql://own/db', namespace: 'default' });
  expect(given.temporal.address).toBe('own.example:7233');
  expect(await given.encryptionKeys()).toBe('own:key');
});

test('running development servers are used, and their key for their own database only', async () => {
  // This process stands for both servers.
  const record = { pid: process.pid, marker: '', ownerPid: process.pid, isKept: false };
  await writeFile(join(folder, 'postgres.json'), JSON.stringify({ ...record, port: 5_001 }));
  await writeFile(join(folder, 'temporal.json'), JSON.stringify({ ...record, port: 5_002, uiPort: 5_003 }));
  await writeFile(join(folder, 'postgres-password'), 'pw\n');
  await writeFile(join(folder, 'encryption-key'), 'dev:key\n');
  const found = await findServers();
  expect(found.databaseUrl).toMatch(/127\.0\.0\.1:5001/);
  expect(found.temporal.address).toBe('127.0.0.1:5002');
  expect(await found.encryptionKeys()).toBe('dev:key');
  const other = await findServers({ databaseUrl: 'postgresql://own/db' });
  expect(other.temporal.address).toBe('127.0.0.1:5002');
  const own = await findServers({ temporal: { address: 'own.example:7233' } });
  expect([found, other, own].map(({ isDevTemporal }) => isDevTemporal)).toEqual([true, true, false]);
  expect(await other.encryptionKeys()).toBeUndefined();
});
