/** The standard Temporal environment variables, and where things are cached. */
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { temporalEnvironment } from '../../workers/dev-servers/index.ts';
import { cacheFolder } from '../../workers/dev-servers/cache-folder.ts';

let folder: string;

beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'sluice-environment-'));
  await writeFile(join(folder, 'cert.pem'), 'CERT');
});

afterAll(() => rm(folder, { recursive: true, force: true }));

test('without TEMPORAL_ADDRESS there is no server to connect to', () => {
  expect(temporalEnvironment({})).toBeUndefined();
  expect(temporalEnvironment({ TEMPORAL_NAMESPACE: 'other' })).toBeUndefined();
});

test('an address alone means the default namespace without TLS', () => {
  expect(temporalEnvironment({ TEMPORAL_ADDRESS: 'localhost:7233' })).toEqual({
    namespace: 'default',
    connection: { address: 'localhost:7233' },
  });
});

test('an API key turns TLS on, unless TLS is switched off by name', () => {
  const env = { TEMPORAL_ADDRESS: 'eu.example:7233', TEMPORAL_NAMESPACE: 'prod.abc', TEMPORAL_API_KEY: 'k' };
  expect(temporalEnvironment(env)).toEqual({
    namespace: 'prod.abc',
    connection: { address: 'eu.example:7233', apiKey: 'k', tls: true },
  });
  expect(temporalEnvironment({ ...env, TEMPORAL_TLS: 'false' })?.connection).toEqual({
    address: 'eu.example:7233',
    apiKey: 'k',
    tls: false,
  });
});

test('client certificates come from files or from the variables themselves', () => {
  const connection = temporalEnvironment({
    TEMPORAL_ADDRESS: 'eu.example:7233',
    TEMPORAL_TLS_CLIENT_CERT_PATH: join(folder, 'cert.pem'),
    TEMPORAL_TLS_CLIENT_KEY_DATA: 'KEY',
    TEMPORAL_TLS_SERVER_CA_CERT_DATA: 'CA',
    TEMPORAL_TLS_SERVER_NAME: 'inner.example',
  })?.connection;
  expect(connection?.tls).toEqual({
    serverNameOverride: 'inner.example',
    serverRootCACertificate: Buffer.from('CA'),
    clientCertPair: { crt: Buffer.from('CERT'), key: Buffer.from('KEY') },
  });
});

test('gRPC headers are taken from TEMPORAL_GRPC_META_*, empty ones are left out', () => {
  const env = { TEMPORAL_ADDRESS: 'a:1', TEMPORAL_GRPC_META_MY_LONG_KEY: 'v', TEMPORAL_GRPC_META_EMPTY: '' };
  expect(temporalEnvironment(env)?.connection.metadata).toEqual({ 'my-long-key': 'v' });
});

test('all settings that do not fit together are named in one message', () => {
  const attempt = () =>
    temporalEnvironment({
      TEMPORAL_ADDRESS: 'https://localhost:7233',
      TEMPORAL_TLS: 'yes',
      TEMPORAL_TLS_CLIENT_CERT_PATH: join(folder, 'absent.pem'),
      TEMPORAL_TLS_SERVER_CA_CERT_PATH: join(folder, 'cert.pem'),
      TEMPORAL_TLS_SERVER_CA_CERT_DATA: 'CA',
    });
  expect(attempt).toThrow(/expected host:port without a scheme/);
  expect(attempt).toThrow(/TEMPORAL_TLS is "yes"; expected true or false/);
  expect(attempt).toThrow(/TEMPORAL_TLS_CLIENT_CERT_PATH: .*absent\.pem/);
  expect(attempt).toThrow(/TEMPORAL_TLS_SERVER_CA_CERT_PATH and TEMPORAL_TLS_SERVER_CA_CERT_DATA are both set/);
});

test('credentials without an address are a mistake, not a development server', () => {
  expect(() => temporalEnvironment({ TEMPORAL_API_KEY: 'secret-key' })).toThrow(
    /TEMPORAL_API_KEY is set without TEMPORAL_ADDRESS/,
  );
  expect(() => temporalEnvironment({ TEMPORAL_API_KEY: 'secret-key' })).not.toThrow(/secret-key/);
});

test('the cache is where XDG_CACHE_HOME says, a relative one is ignored', () => {
  expect(cacheFolder({ XDG_CACHE_HOME: '/x/cache', HOME: '/home/u' })).toBe('/x/cache/sluice');
  const own = process.platform === 'darwin' ? '/home/u/Library/Caches/sluice' : '/home/u/.cache/sluice';
  expect(cacheFolder({ XDG_CACHE_HOME: 'cache', HOME: '/home/u' })).toBe(own);
});
