/** What `sluice dashboard` does until it is ended, and what `sluice dev` starts beside its servers. Next: `dashboard/http/serve.ts`. */
import { connect, diagnose } from '../../client/index.ts';
import { connectAddressOf, serveDashboard, type GivenDefinitions, type Tokens } from '../../dashboard/index.ts';
import { findDevServers } from '../../dev-servers/index.ts';
import { loadModule } from '../module/load-module.ts';

export interface DashboardCommand {
  readonly host: string;
  readonly port: number;
  readonly webUi?: string;
  readonly module?: string;
  readonly connectUrl?: string;
}

export async function runDashboard({ host, port, webUi, module, connectUrl }: DashboardCommand): Promise<void> {
  const asked = new Promise<void>((resolve) => {
    process.once('SIGINT', () => resolve());
    process.once('SIGTERM', () => resolve());
  });
  const webUiUrl = webUi ?? (process.env['SLUICE_TEMPORAL_UI_URL'] || (await devWebUi()));
  const namespace = process.env['TEMPORAL_NAMESPACE'];
  const definitions = module === undefined ? undefined : await definitionsOf(module);
  const template = connectUrl ?? process.env['SLUICE_CONNECT_URL'];
  const sluice = await connect();
  try {
    const served = await serveDashboard(sluice, {
      host,
      port,
      tokens: dashboardTokens(),
      ...(webUiUrl ? { webUiUrl } : {}),
      ...(namespace ? { namespace } : {}),
      ...(definitions ? { definitions } : {}),
      ...(template ? { connectUrl: connectAddressOf(template) } : {}),
      diagnose: () => diagnose({ probe: false }),
    });
    console.log(`Dashboard  ${served.url}`);
    await asked;
    await served.close();
  } finally {
    await sluice.close();
  }
}

/** Actions of sagas too: their steps may be left to a person. */
async function definitionsOf(module: string): Promise<GivenDefinitions> {
  const { syncs, actions, sagas } = await loadModule(module);
  const steps = sagas.flatMap(({ definition }) => definition.steps.map(({ action }) => ({ definition: action })));
  return { syncs, actions: [...steps, ...actions] };
}

/** From the environment. */
function dashboardTokens(env: NodeJS.ProcessEnv = process.env): Tokens {
  const operate = env['SLUICE_DASHBOARD_TOKEN'];
  const read = env['SLUICE_DASHBOARD_READ_TOKEN'];
  return { ...(operate ? { operate } : {}), ...(read ? { read } : {}) };
}

/** Only where the environment names no Temporal is it the one of `sluice dev`. */
async function devWebUi(): Promise<string | undefined> {
  return process.env['TEMPORAL_ADDRESS'] ? undefined : (await findDevServers()).webUiUrl;
}
