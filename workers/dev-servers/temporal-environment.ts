/**
 * The standard Temporal environment variables: which server, which namespace, with what credentials. The connection
 * options fit `Connection.connect` of the client and `NativeConnection.connect` of the worker.
 */
import { readFileSync } from 'node:fs';

export interface TemporalConnectionOptions {
  /** `host:port` */
  readonly address: string;
  readonly apiKey?: string;
  readonly tls?: boolean | TemporalTls;
  /** gRPC headers sent with each request. */
  readonly metadata?: Record<string, string>;
}

export interface TemporalTls {
  readonly serverNameOverride?: string;
  readonly serverRootCACertificate?: Buffer;
  readonly clientCertPair?: { readonly crt: Buffer; readonly key: Buffer };
}

export interface TemporalEnvironment {
  readonly connection: TemporalConnectionOptions;
  /** Default `default`. */
  readonly namespace: string;
}

const META_PREFIX = 'TEMPORAL_GRPC_META_';

/**
 * Reads TEMPORAL_ADDRESS, TEMPORAL_NAMESPACE, TEMPORAL_API_KEY, TEMPORAL_TLS, TEMPORAL_TLS_CLIENT_CERT_PATH or _DATA,
 * TEMPORAL_TLS_CLIENT_KEY_PATH or _DATA, TEMPORAL_TLS_SERVER_CA_CERT_PATH or _DATA, TEMPORAL_TLS_SERVER_NAME and
 * TEMPORAL_GRPC_META_*.
 * @returns undefined when TEMPORAL_ADDRESS is not set: then a development server is wanted.
 * @throws Error listing all settings that do not fit together, in one message.
 * @see https://docs.temporal.io/develop/environment-configuration
 */
export function temporalEnvironment(env: NodeJS.ProcessEnv = process.env): TemporalEnvironment | undefined {
  const address = env['TEMPORAL_ADDRESS'];
  const problems: string[] = [];
  const tls = tlsFrom(env, problems);
  const apiKey = env['TEMPORAL_API_KEY'];
  if (!address) {
    const orphaned = [
      'TEMPORAL_API_KEY',
      'TEMPORAL_TLS',
      'TEMPORAL_TLS_CLIENT_CERT_PATH',
      'TEMPORAL_TLS_CLIENT_CERT_DATA',
    ];
    const set = orphaned.filter((name) => env[name]);
    if (set.length > 0)
      problems.push(`${set.join(', ')} is set without TEMPORAL_ADDRESS (host:port of the server it is for)`);
  } else if (!/^[^\s/]+:\d+$/.test(address)) {
    problems.push(`TEMPORAL_ADDRESS is "${address}"; expected host:port without a scheme, such as localhost:7233`);
  }
  if (problems.length > 0) throw new Error(`The Temporal settings do not fit together:\n  ${problems.join('\n  ')}`);
  if (!address) return undefined;
  const metadata = metadataFrom(env);
  return {
    namespace: env['TEMPORAL_NAMESPACE'] || 'default',
    connection: {
      address,
      ...(apiKey ? { apiKey } : {}),
      // With an API key TLS is on unless it is switched off by name.
      ...(tls === undefined ? (apiKey ? { tls: true } : {}) : { tls }),
      ...(Object.keys(metadata).length > 0 ? { metadata } : {}),
    },
  };
}

function tlsFrom(env: NodeJS.ProcessEnv, problems: string[]): boolean | TemporalTls | undefined {
  const wanted = env['TEMPORAL_TLS'];
  if (wanted && !['true', '1', 'false', '0'].includes(wanted)) {
    problems.push(`TEMPORAL_TLS is "${wanted}"; expected true or false`);
  }
  if (wanted === 'false' || wanted === '0') return false;
  const crt = dataOf(env, 'TEMPORAL_TLS_CLIENT_CERT', problems);
  const key = dataOf(env, 'TEMPORAL_TLS_CLIENT_KEY', problems);
  const serverRootCACertificate = dataOf(env, 'TEMPORAL_TLS_SERVER_CA_CERT', problems);
  const serverNameOverride = env['TEMPORAL_TLS_SERVER_NAME'];
  if ((crt === undefined) !== (key === undefined)) {
    problems.push('TEMPORAL_TLS_CLIENT_CERT_* and TEMPORAL_TLS_CLIENT_KEY_* belong together; only one of them is set');
  }
  const tls: TemporalTls = {
    ...(serverNameOverride ? { serverNameOverride } : {}),
    ...(serverRootCACertificate ? { serverRootCACertificate } : {}),
    ...(crt && key ? { clientCertPair: { crt, key } } : {}),
  };
  if (Object.keys(tls).length > 0) return tls;
  return wanted === 'true' || wanted === '1' ? true : undefined;
}

/** A certificate or key, given as a file (`_PATH`) or as itself (`_DATA`). */
function dataOf(env: NodeJS.ProcessEnv, name: string, problems: string[]): Buffer | undefined {
  const [path, data] = [env[`${name}_PATH`], env[`${name}_DATA`]];
  if (path && data) problems.push(`${name}_PATH and ${name}_DATA are both set; expected one of them`);
  if (data) return Buffer.from(data);
  if (!path) return undefined;
  try {
    return readFileSync(path);
  } catch (error) {
    problems.push(`${name}_PATH: ${(error as Error).message}`);
    return undefined;
  }
}

/** TEMPORAL_GRPC_META_MY_KEY=value → my-key: value. */
function metadataFrom(env: NodeJS.ProcessEnv): Record<string, string> {
  return Object.fromEntries(
    Object.entries(env).flatMap(([name, value]) =>
      name.startsWith(META_PREFIX) && value
        ? [[name.slice(META_PREFIX.length).toLowerCase().replaceAll('_', '-'), value]]
        : [],
    ),
  );
}
