/** The page as a server of its own: on loopback without a token, elsewhere with one. Next: `dashboard/create-dashboard.ts`. */
import { serve } from '@hono/node-server';
import type { Sluice } from '../../client/index.ts';
import { onLoopback } from './access.ts';
import { createDashboard } from '../create-dashboard.ts';
import type { DashboardOptions } from '../dashboard-options.ts';

export interface ServeOptions extends Omit<DashboardOptions, 'authorize' | 'basePath'> {
  /** Default `127.0.0.1`: this machine alone. */
  readonly host?: string;
  /** Default 8400; 0: any that is free. */
  readonly port?: number;
}

export interface ServedDashboard {
  readonly url: string;
  readonly close: () => Promise<void>;
}

const LOOPBACK: ReadonlySet<string> = new Set(['127.0.0.1', 'localhost', '::1']);

/** @throws Error when the port is taken, or when it is to be reached from elsewhere and has no token. */
export async function serveDashboard(sluice: Sluice, options: ServeOptions = {}): Promise<ServedDashboard> {
  const { host = '127.0.0.1', port = 8_400, ...ofPage } = options;
  const { tokens = {} } = ofPage;
  const hasTokens = tokens.read !== undefined || tokens.operate !== undefined;
  if (!LOOPBACK.has(host) && !hasTokens)
    throw new Error(
      `The dashboard would be reached from other machines at ${host}, and has no token. Set SLUICE_DASHBOARD_TOKEN (looks and acts), SLUICE_DASHBOARD_READ_TOKEN (looks), or both. \`openssl rand -base64 24\` makes one.`,
    );
  const dashboard = createDashboard(sluice, { ...ofPage, ...(hasTokens ? {} : { authorize: onLoopback }) });
  const server = await new Promise<ReturnType<typeof serve>>((resolve, reject) => {
    const starting = serve({ fetch: dashboard.fetch, hostname: host, port }, () => resolve(starting));
    starting.once('error', (error: NodeJS.ErrnoException) =>
      reject(
        error.code === 'EADDRINUSE'
          ? new Error(`Port ${port} of ${host} is taken: choose another one with --port.`, { cause: error })
          : error,
      ),
    );
  });
  const address = server.address();
  const at = typeof address === 'object' && address !== null ? address.port : port;
  return {
    url: `http://${host.includes(':') ? `[${host}]` : host}:${at}/`,
    close: async () => {
      dashboard.close();
      const closed = new Promise<void>((resolve) => server.close(() => resolve()));
      if ('closeAllConnections' in server) server.closeAllConnections();
      await closed;
    },
  };
}
