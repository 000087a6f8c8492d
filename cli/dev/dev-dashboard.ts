/** The page beside the development servers, on loopback. Next: `dashboard/http/serve.ts`. */
import { connect, diagnose } from '../../client/index.ts';
import { serveDashboard, type ServedDashboard } from '../../dashboard/index.ts';
import type { DevServers } from '../../dev-servers/index.ts';

export interface DevDashboard {
  readonly url: string;
  readonly stop: () => Promise<void>;
}

export async function startDevDashboard({
  databaseUrl,
  temporalConnection,
  namespace,
  webUiUrl,
  encryptionKeys,
}: Pick<DevServers, 'databaseUrl' | 'temporalConnection' | 'namespace' | 'webUiUrl'> & {
  readonly encryptionKeys: string;
}): Promise<DevDashboard> {
  const servers = { databaseUrl, temporal: temporalConnection, namespace, encryptionKeys };
  const sluice = await connect(servers);
  const settings = {
    namespace,
    diagnose: () => diagnose({ ...servers, probe: false }),
    ...(webUiUrl === undefined ? {} : { webUiUrl }),
  };
  const served: ServedDashboard = await serveDashboard(sluice, settings)
    // Its usual port is taken.
    .catch(() => serveDashboard(sluice, { ...settings, port: 0 }))
    .catch(async (error: unknown) => {
      await sluice.close();
      throw error;
    });
  return {
    url: served.url,
    stop: async () => {
      await served.close();
      await sluice.close();
    },
  };
}
