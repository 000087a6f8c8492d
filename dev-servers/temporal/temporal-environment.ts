/**
 * Which Temporal server: the standard environment configuration (variables and the TOML profile file), as Temporal's own
 * tools read it. Scale-out is configuration alone: a cluster or Temporal Cloud is reached by these settings.
 * @see https://docs.temporal.io/develop/environment-configuration
 */
import { loadClientConnectConfig } from '@temporalio/envconfig';
import type { ConnectionOptions } from '@temporalio/client';

export interface TemporalTarget {
  readonly connection: ConnectionOptions;
  readonly namespace: string;
}

/** @returns undefined when nothing names a server: then the development server is wanted. */
export function temporalFromEnvironment(env: NodeJS.ProcessEnv = process.env): TemporalTarget | undefined {
  const config = loadClientConnectConfig({ overrideEnvVars: definedOnly(env) });
  if (!config.connectionOptions.address) return undefined;
  return { connection: config.connectionOptions, namespace: config.namespace ?? 'default' };
}

function definedOnly(env: NodeJS.ProcessEnv): Record<string, string> {
  return Object.fromEntries(Object.entries(env).filter((pair): pair is [string, string] => pair[1] !== undefined));
}
