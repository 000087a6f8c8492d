/**
 * `sluice audit`: what operators did, the newest first. Next: `client/connect.ts`; `client/audit/acts.ts` says which acts there are.
 */
import type { Command } from 'commander';
import type { AuditFilter } from '../../../client/index.ts';
import { afterOption, jsonOption, limitOption, tenantOption } from '../../options.ts';
import { auditText } from '../../text/audit.ts';
import { withClient } from '../../with-client.ts';

interface AuditOptions extends Omit<AuditFilter, 'after'> {
  readonly after?: string;
  readonly json?: boolean;
}

export function registerAudit(program: Command): void {
  program
    .command('audit')
    .description('what operators did: who, what, before, after and why, the newest first')
    .option('--subject <id>', 'of this account, workflow id or key: acct_42, social/acct_42, sync/network/acct_42')
    .option('--actor <who>', 'by this one: user:<id> or system')
    .option('--act <name>', 'this act, or all of a group: accounts, run.pause')
    .addOption(tenantOption())
    .option('--since <time>', 'nothing that began before this time (ISO)')
    .addOption(afterOption())
    .addOption(limitOption(20))
    .addOption(jsonOption())
    .addHelpText('after', '\nExample:\n  npx sluice audit --subject social/acct_42 --since 2026-11-01')
    .action(audit);
}

const audit = ({ json, after, actor, ...filter }: AuditOptions & { readonly actor?: string }) =>
  withClient(async (sluice) => {
    const found = await sluice.audit.list({
      ...filter,
      ...(actor === undefined ? {} : { by: actor }),
      ...(after === undefined ? {} : { after: Number(after) }),
    });
    if (json) console.log(JSON.stringify(found));
    else console.log(found.length === 0 ? 'Nobody did anything of this.' : found.map(auditText).join('\n'));
  });
