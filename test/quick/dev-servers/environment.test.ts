/** What the environment says about servers, and where things are cached. */
import { expect, test } from 'vitest';
import { cacheFolder } from '../../../dev-servers/cache-folder.ts';
import { installerEnvironment, serverEnvironment } from '../../../dev-servers/program-environment.ts';
import { temporalSettings } from '../../../dev-servers/temporal/temporal-settings.ts';

// No profile file of whoever runs the tests may speak here.
const bare = { XDG_CONFIG_HOME: '/nonexistent', HOME: '/nonexistent' };

test('without an address, and with a namespace alone, a development server is wanted', () => {
  expect(temporalSettings(bare)).toBeUndefined();
  expect(temporalSettings({ ...bare, TEMPORAL_NAMESPACE: 'shop' })).toBeUndefined();
});

test('an address alone means the default namespace', () => {
  expect(temporalSettings({ ...bare, TEMPORAL_ADDRESS: 'localhost:7233' })).toMatchObject({
    namespace: 'default',
    connection: { address: 'localhost:7233' },
  });
});

test('an API key turns TLS on', () => {
  const env = { TEMPORAL_ADDRESS: 'eu.example:7233', TEMPORAL_NAMESPACE: 'prod.abc', TEMPORAL_API_KEY: 'k' };
  expect(temporalSettings({ ...bare, ...env })).toMatchObject({
    namespace: 'prod.abc',
    connection: { address: 'eu.example:7233', apiKey: 'k', tls: true },
  });
});

test('credentials without an address are a mistake, not a wish for a development server, and are not shown', () => {
  const env = { ...bare, TEMPORAL_API_KEY: 'hush-hush', TEMPORAL_TLS: 'true' };
  expect(() => temporalSettings(env)).toThrow(/TEMPORAL_API_KEY, TEMPORAL_TLS is set, but no address/);
  expect(() => temporalSettings(env)).not.toThrow(/hush-hush/);
});

test('an address with a scheme is refused with the form that is expected', () => {
  expect(() => temporalSettings({ ...bare, TEMPORAL_ADDRESS: 'https://eu.example:7233' })).toThrow(
    /"https:\/\/eu\.example:7233"; expected host:port/,
  );
});

test('the cache is where XDG_CACHE_HOME says, a relative one is ignored', () => {
  expect(cacheFolder({ XDG_CACHE_HOME: '/x/cache', HOME: '/home/u' })).toBe('/x/cache/sluice');
  const own = process.platform === 'darwin' ? '/home/u/Library/Caches/sluice' : '/home/u/.cache/sluice';
  expect(cacheFolder({ XDG_CACHE_HOME: 'cache', HOME: '/home/u' })).toBe(own);
});

test('programs that are run for development get what they need, and none of the keys and passwords beside it', () => {
  const needed = { PATH: '/bin', HOME: '/home/u', TZ: 'UTC', LC_ALL: 'C' };
  const secret = {
    SLUICE_ENCRYPTION_KEYS: 'k:…',
    DATABASE_URL: 'postgresql://u:p@h/d',
    AWS_SECRET_ACCESS_KEY: 's',
    GITHUB_TOKEN: 't',
  };
  const network = { HTTPS_PROXY: 'http://proxy:3128', PIP_INDEX_URL: 'https://pypi.example/simple' };
  expect(serverEnvironment({ ...needed, ...secret, ...network })).toEqual(needed);
  expect(installerEnvironment({ ...needed, ...secret, ...network })).toEqual({ ...needed, ...network });
});
