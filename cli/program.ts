/**
 * The command line as a whole: every command registers itself, and loads what it needs when it runs.
 */
import type { Command } from 'commander';
import { registerAct } from './commands/run/act.ts';
import { registerActions } from './commands/run/actions.ts';
import { registerAccounts } from './commands/operate/accounts.ts';
import { registerAudit } from './commands/operate/audit.ts';
import { registerCompletion } from './commands/completion.ts';
import { registerAlerts } from './commands/operate/alerts.ts';
import { registerControl } from './commands/run/control.ts';
import { registerDashboard } from './commands/dashboard.ts';
import { registerDeployments } from './commands/operate/deployments.ts';
import { registerDev } from './commands/dev.ts';
import { registerDoctor } from './commands/doctor.ts';
import { registerExplain } from './commands/run/explain.ts';
import { registerFreshness } from './commands/operate/freshness.ts';
import { registerLimits } from './commands/operate/limits.ts';
import { registerMigrate } from './commands/migrate.ts';
import { registerOverview } from './commands/operate/overview.ts';
import { registerQuarantine } from './commands/operate/quarantine.ts';
import { registerQueries } from './commands/operate/queries.ts';
import { registerReports } from './commands/operate/reports.ts';
import { registerRetry } from './commands/run/retry.ts';
import { registerSchedules } from './commands/operate/schedules.ts';
import { registerRuns } from './commands/run/runs.ts';
import { registerStart } from './commands/run/start.ts';
import { registerState } from './commands/operate/state.ts';
import { registerStatus } from './commands/run/status.ts';
import { registerWatch } from './commands/run/watch.ts';
import { registerWorker } from './commands/worker.ts';
import { registerWorkers } from './commands/operate/workers.ts';
import { SLUICE_VERSION } from '../contracts/version.ts';
import { StrictCommand } from './strict-command.ts';

export function createProgram(): Command {
  const program: Command = new StrictCommand('sluice')
    .description('Durable syncs and actions against third-party APIs')
    .version(SLUICE_VERSION, '-V, --version', 'say which version this is')
    .hook('preAction', (_, command) => (command as StrictCommand).refuseMistakes())
    .addHelpText(
      'after',
      `
Exit codes: 0 done, and nothing is amiss; 1 it failed, or what was asked for is
unknown, wrong or not as it should be (the help of each command says which); 130
or 143 when a signal ends it (worker and dev end their work, and then with 0),
141 when what reads its output has ended, as in "| head".
Facts go to standard output, as one JSON value with --json; errors go to
standard error. No colours are used.`,
    );
  registerDev(program);
  registerDashboard(program);
  registerWorker(program);
  registerStart(program);
  registerAct(program);
  registerRuns(program);
  registerRetry(program);
  registerStatus(program);
  registerExplain(program);
  registerOverview(program);
  registerWorkers(program);
  registerWatch(program);
  registerAlerts(program);
  registerFreshness(program);
  registerSchedules(program);
  registerDeployments(program);
  registerControl(program);
  registerActions(program);
  registerAccounts(program);
  registerLimits(program);
  registerReports(program);
  registerQueries(program);
  registerAudit(program);
  registerQuarantine(program);
  registerState(program);
  registerDoctor(program);
  registerMigrate(program);
  registerCompletion(program);
  return program;
}
