/**
 * `sluice freshness`: how old what was synced is, account by account. Next: `db/stores/alert/condition-store.ts`.
 */
import type { Command } from 'commander';
import { jsonOption, limitOption, tenantOption } from '../../options.ts';
import { freshnessText } from '../../text/alert.ts';
import { tellUnknownNames } from '../../known-names.ts';
import { withClient } from '../../with-client.ts';

interface FreshnessOptions {
  readonly tenant?: string;
  readonly limit: number;
  readonly json?: boolean;
}

export function registerFreshness(program: Command): void {
  program
    .command('freshness [sync]')
    .description(
      'age since the last good run of each account, for syncs with freshFor; exit code 1 when one is too old, or the sync has none',
    )
    .addOption(tenantOption())
    .addOption(limitOption(20))
    .addOption(jsonOption())
    .addHelpText('after', '\nExample:\n  npx sluice freshness network --json')
    .action((sync: string | undefined, { json, ...filter }: FreshnessOptions) =>
      withClient(async (sluice) => {
        const found = await sluice.freshness({ ...filter, ...(sync === undefined ? {} : { sync }) });
        console.log(json ? JSON.stringify(found) : freshnessText(found, sync));
        if (found.length === 0) await tellUnknownNames(sluice, { sync, tenant: filter.tenant });
        if (found.some(({ stale }) => stale > 0) || (sync !== undefined && found.length === 0)) process.exitCode = 1;
      }),
    );
}
