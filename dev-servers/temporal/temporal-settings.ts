/**
 * Whether the environment names a Temporal server, and whether what it says can be meant. The reading itself is
 * `dev-servers/temporal/temporal-environment.ts`; here are the mistakes that would otherwise start a development server in silence.
 */
import { temporalFromEnvironment, type TemporalTarget } from './temporal-environment.ts';

const CREDENTIALS = [
  'TEMPORAL_API_KEY',
  'TEMPORAL_TLS',
  'TEMPORAL_TLS_CLIENT_CERT_PATH',
  'TEMPORAL_TLS_CLIENT_CERT_DATA',
];

/**
 * @returns undefined when nothing names a server: then a development server is wanted.
 * @throws Error when credentials are set without an address, or the address has not the form `host:port`.
 */
export function temporalSettings(env: NodeJS.ProcessEnv): TemporalTarget | undefined {
  const target = temporalFromEnvironment(env);
  const address = target?.connection.address;
  if (address === undefined) {
    const set = CREDENTIALS.filter((name) => env[name]);
    if (set.length === 0) return undefined;
    throw new Error(
      `${set.join(', ')} is set, but no address of a Temporal server. Set TEMPORAL_ADDRESS=host:port, or unset it to ` +
        'get a development server.',
    );
  }
  if (!/^[^\s/]+:\d+$/.test(address)) {
    throw new Error(`The address of the Temporal server is "${address}"; expected host:port, such as localhost:7233`);
  }
  return target;
}
