/**
 * `sluice alerts`: what somebody must know. Next: `client/alerts/alerts.ts`.
 */
import { Option, type Command } from 'commander';
import type { Alert, AlertFilter, AlertKind } from '../../../client/index.ts';
import { ALERT_KINDS } from '../../../contracts/alerts/alert.ts';
import { acting, type ActingOptions } from '../../acting.ts';
import { tellUnknownNames } from '../../known-names.ts';
import { jsonOption, kindOption, limitOption, tenantOption } from '../../options.ts';
import { alertsText } from '../../text/alert.ts';
import { tell } from '../../tell.ts';
import { sayMore } from '../../text/more.ts';
import { withClient } from '../../with-client.ts';

const NEVER_SERVED = 'unknown: no task queue of this name is watched';

interface ListOptions {
  readonly kind?: AlertKind;
  readonly tenant?: string;
  readonly all?: boolean;
  readonly limit: number;
  readonly json?: boolean;
}

export function registerAlerts(program: Command): void {
  const alerts = program.command('alerts').description('what somebody must know, and what to do about it');
  alerts
    .command('list', { isDefault: true })
    .description('alerts that are open, the newest first; exit code 1 when there are any')
    .addOption(kindOption(ALERT_KINDS))
    .addOption(tenantOption())
    .addOption(new Option('--all', 'also those that are cleared'))
    .addOption(limitOption(100))
    .addOption(jsonOption())
    .addHelpText('after', '\nExample:\n  npx sluice alerts --kind stale --json')
    .action(list);
  alerts
    .command('check')
    .description(
      'look now, tell SLUICE_ALERT_WEBHOOK_URL what it has not taken yet, and list. For a timer beside the workers: it sees when no worker is left. Exit code 1 when an alert is open',
    )
    .addOption(jsonOption())
    .addHelpText('after', '\nExample, every minute by cron:\n  npx sluice alerts check')
    .action(check);
  acting(alerts.command('forget-queue <task-queue>'))
    .description('end the alerts of a task queue that is left without workers on purpose')
    .addHelpText('after', '\nExample:\n  npx sluice alerts forget-queue sluice-old')
    .action((taskQueue: string, options: ActingOptions) =>
      withClient(async (sluice) => {
        const wasKnown = await sluice.alerts.forgetQueue(taskQueue);
        tell(options, { taskQueue, wasKnown }, `${taskQueue}  ${wasKnown ? 'forgotten' : NEVER_SERVED}`);
        if (wasKnown) return;
        process.exitCode = 1;
        await tellUnknownNames(sluice, { queue: taskQueue });
      }, options),
    );
}

const list = ({ json, ...filter }: ListOptions) =>
  withClient(async (sluice) => {
    const found = await show(sluice, filter, json);
    if (found.length === 0) await tellUnknownNames(sluice, { tenant: filter.tenant });
    else if (!json) sayMore(found, filter.limit);
  });

async function check({ json }: { readonly json?: boolean }): Promise<void> {
  const [{ pino }, { readWorkerSettings }, { deliverPending }, { databaseUrl }] = await Promise.all([
    import('pino'),
    import('../../../workers/config.ts'),
    import('../../../workers/alerts/deliver-alerts.ts'),
    import('../../database-url.ts'),
  ]);
  const { alertWebhook: webhook, proxy } = readWorkerSettings();
  await withClient(async (sluice) => {
    const { errors } = await sluice.alerts.look();
    if (webhook)
      await deliverPending(await databaseUrl(), { webhook, proxy }, pino({ name: 'sluice' }, pino.destination(2)));
    for (const error of errors) console.error(`not looked at: ${error}`);
    await show(sluice, {}, json);
    if (errors.length > 0) process.exitCode = 1;
  });
}

async function show(
  { alerts }: Parameters<Parameters<typeof withClient>[0]>[0],
  filter: AlertFilter,
  json: boolean | undefined,
): Promise<readonly Alert[]> {
  const found = await alerts.list(filter);
  console.log(json ? JSON.stringify(found) : alertsText(found));
  if (found.some(({ clearedAt }) => clearedAt === null)) process.exitCode = 1;
  return found;
}
