/**
 * `sluice doctor`: looks at the servers, the workers, the keys, this machine and the module, and names the mend of what is wrong.
 * Next: `client/doctor/diagnose.ts`, `cli/machine-checks.ts`.
 */
import { Option, type Command } from 'commander';
import type { DiagnoseOptions } from '../../client/index.ts';
import type { LoadedModule } from '../module/load-module.ts';
import { jsonOption, moduleOption } from '../options.ts';

interface DoctorOptions {
  readonly module?: string;
  readonly probe: boolean;
  readonly json?: boolean;
}

export function registerDoctor(program: Command): void {
  program
    .command('doctor')
    .description('look at servers, workers, keys and this machine; exit code 1 when something is wrong')
    .addOption(moduleOption())
    .addOption(
      new Option('--no-probe', "start no workflow to see Temporal's clock, its timers and whether tenants take turns"),
    )
    .addOption(jsonOption())
    .addHelpText('after', '\nExample:\n  npx sluice doctor --module dist/sluice.js')
    .action(examine);
}

async function examine({ module, probe, json }: DoctorOptions): Promise<void> {
  const [{ diagnose }, { readWorkerSettings }, { loadModule }, machine, { findingsText }] = await Promise.all([
    import('../../client/index.ts'),
    import('../../workers/index.ts'),
    import('../module/load-module.ts'),
    import('../machine-checks.ts'),
    import('../text/finding.ts'),
  ]);
  const settings = machine.checkSettings(readWorkerSettings);
  const dbConnections = settings.status === 'ok' ? { dbConnections: readWorkerSettings().dbConnections } : {};
  const findings = [
    machine.checkNode(process.versions.node),
    settings,
    await machine.checkModule(() => loadModule(module), module !== undefined),
    ...(await diagnose({ probe, ...dbConnections, ...(await syncsOf(() => loadModule(module))) })),
  ];
  console.log(json ? JSON.stringify(findings) : findingsText(findings));
  if (findings.some(({ status }) => status === 'wrong')) process.exitCode = 1;
}

/** A module that can't be loaded is a finding of its own. */
async function syncsOf(load: () => Promise<LoadedModule>): Promise<Pick<DiagnoseOptions, 'syncs'>> {
  return load().then(
    ({ syncs }) => ({ syncs }),
    () => ({}),
  );
}
