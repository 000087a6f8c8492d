/** `sluice dashboard`: the page, until Ctrl-C. Next: `dashboard/http/serve.ts`. */
import { Option, type Command } from 'commander';
import type { DashboardCommand } from '../dashboard/run-dashboard.ts';
import { wholeNumber } from '../values.ts';

export function registerDashboard(program: Command): void {
  program
    .command('dashboard')
    .description('open the page that shows runs, accounts and limits, and acts on them')
    .option('--host <address>', 'where it listens; elsewhere than on loopback it needs a token', '127.0.0.1')
    .addOption(new Option('--port <number>', '0: any that is free').argParser(wholeNumber(0, 65_535)).default(8_400))
    .option(
      '--web-ui <url>',
      "Temporal's Web UI, for links to it (default: SLUICE_TEMPORAL_UI_URL, else that of `sluice dev`)",
    )
    .option(
      '-m, --module <file>',
      'your syncs and actions: to start a sync, to resolve an action, to send one again (default: these are not offered)',
    )
    .option(
      '--connect-url <address>',
      'where your app connects an account again, e.g. https://app.example/connect/{provider}?account={account} (default: SLUICE_CONNECT_URL)',
    )
    .addHelpText(
      'after',
      '\nSLUICE_DASHBOARD_TOKEN lets in to look and act, SLUICE_DASHBOARD_READ_TOKEN to look.\n\nExample:\n  npx sluice dashboard --port 9000',
    )
    .action(async (options: DashboardCommand) => (await import('../dashboard/run-dashboard.ts')).runDashboard(options));
}
