/**
 * The command line as a whole: every command registers itself, and loads what it needs when it runs.
 */
import { Command } from 'commander';
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
import { registerPending } from './commands/run/pending.ts';
import { registerQuarantine } from './commands/operate/quarantine.ts';
import { registerQueries } from './commands/operate/queries.ts';
import { registerReports } from './commands/operate/reports.ts';
import { registerResolve } from './commands/run/resolve.ts';
import { registerRetry } from './commands/run/retry.ts';
import { registerSchedules } from './commands/operate/schedules.ts';
import { registerRuns } from './commands/run/runs.ts';
import { registerStart } from './commands/run/start.ts';
import { registerState } from './commands/operate/state.ts';
import { registerStatus } from './commands/run/status.ts';
import { registerWatch } from './commands/run/watch.ts';
import { registerWorker } from './commands/worker.ts';

export function createProgram(): Command {
  const program = new Command('sluice')
    .description('Durable syncs and actions against third-party APIs')
    .showHelpAfterError();
  registerDev(program);
  registerDashboard(program);
  registerWorker(program);
  registerStart(program);
  registerRuns(program);
  registerRetry(program);
  registerStatus(program);
  registerExplain(program);
  registerOverview(program);
  registerWatch(program);
  registerAlerts(program);
  registerFreshness(program);
  registerSchedules(program);
  registerDeployments(program);
  registerControl(program);
  registerPending(program);
  registerResolve(program);
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
