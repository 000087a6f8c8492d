/**
 * What a worker has for credentials, without Temporal: its own connections, limiter and store, in this process or in one
 * of its own (`credential-process.ts`).
 */
import { createHttpSender, createStoredCredentials, type StoredCredentialSource } from '../../../activities/index.ts';
import { createKeyring } from '../../../db/encryption.ts';
import { createPool, type Pool } from '../../../db/pool.ts';
import { createLimiter } from '../../../limiter/index.ts';
import { defineProvider, oauth2, window, type Auth, type Provider } from '../../../providers/index.ts';

export const TEST_KEYS = `k1:${Buffer.alloc(32, 7).toString('base64')}`;

export interface CredentialWorker {
  readonly pool: Pool;
  readonly credentials: StoredCredentialSource;
  /** What was logged, as text. */
  readonly log: readonly string[];
  end(): Promise<void>;
}

/** A provider over a fake third party, with one limit that counts refreshes too. */
export function oauthProvider(apiUrl: string, auth?: Partial<Auth>): Provider {
  return defineProvider({
    id: 'social',
    baseUrl: apiUrl,
    auth: { ...oauth2({ tokenUrl: '/oauth/token', clientId: 'app', skewMs: 60_000, rotates: true }), ...auth },
    limits: [window('app', { by: ['app'], max: 1_000, perMs: 1_000 })],
  });
}

export function startCredentialWorker(
  databaseUrl: string,
  provider: Provider,
  options: { readonly keys?: string } = {},
): CredentialWorker {
  const pool = createPool(databaseUrl, { max: 3, applicationName: 'credential-worker' });
  const limiter = createLimiter({ pool });
  const http = createHttpSender();
  const log: string[] = [];
  const note = (fields: object, message: string) => void log.push(`${message} ${JSON.stringify(fields)}`);
  const credentials = createStoredCredentials({
    pool,
    keyring: createKeyring(options.keys ?? TEST_KEYS),
    limiter,
    http,
    egress: 'default',
    providerNamed: (id) => (id === provider.id ? provider : undefined),
    log: { info: note, warn: note, error: note },
  });
  return {
    pool,
    credentials,
    log,
    end: async () => {
      await credentials.settled();
      await limiter.stop();
      await http.close();
      await pool.end();
    },
  };
}
