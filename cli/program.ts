/**
 * The command line as a whole: every command registers itself, and loads what it needs when it runs.
 */
import { Command } from 'commander';
import { registerAccounts } from './commands/accounts.ts';
import { registerAlerts } from './commands/alerts.ts';
import { registerControl } from './commands/control.ts';
import { registerDev } from './commands/dev.ts';
import { registerDoctor } from './commands/doctor.ts';
import { registerExplain } from './commands/explain.ts';
import { registerFreshness } from './commands/freshness.ts';
import { registerLimits } from './commands/limits.ts';
import { registerMigrate } from './commands/migrate.ts';
import { registerOverview } from './commands/overview.ts';
import { registerPending } from './commands/pending.ts';
import { registerQuarantine } from './commands/quarantine.ts';
import { registerReports } from './commands/reports.ts';
import { registerResolve } from './commands/resolve.ts';
import { registerRetry } from './commands/retry.ts';
import { registerSchedules } from './commands/schedules.ts';
import { registerStart } from './commands/start.ts';
import { registerState } from './commands/state.ts';
import { registerStatus } from './commands/status.ts';
import { registerWorker } from './commands/worker.ts';

export function createProgram(): Command {
  const program = new Command('sluice')
    .description('Durable syncs and actions against third-party APIs')
    .showHelpAfterError();
  registerDev(program);
  registerWorker(program);
  registerStart(program);
  registerRetry(program);
  registerStatus(program);
  registerExplain(program);
  registerOverview(program);
  registerAlerts(program);
  registerFreshness(program);
  registerSchedules(program);
  registerControl(program);
  registerPending(program);
  registerResolve(program);
  registerAccounts(program);
  registerLimits(program);
  registerReports(program);
  registerQuarantine(program);
  registerState(program);
  registerDoctor(program);
  registerMigrate(program);
  return program;
}
