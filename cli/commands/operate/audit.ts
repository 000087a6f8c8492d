/**
 * `sluice audit`: what operators did, the newest first. Next: `client/connect.ts`; `client/audit/acts.ts` says which acts there are.
 */
import type { Command } from 'commander';
import type { AuditFilter } from '../../../client/index.ts';
import { namesInSubject, tellFound } from '../../known-names.ts';
import { afterNumberOption, jsonOption, limitOption, listWord, tenantOption } from '../../options.ts';
import { auditText } from '../../text/audit.ts';
import { isoTime } from '../../values.ts';
import { withClient } from '../../with-client.ts';

interface AuditOptions extends AuditFilter {
  readonly limit: number;
  readonly json?: boolean;
}

export function registerAudit(program: Command): void {
  program
    .command('audit')
    .description('what operators did: who, what, before, after and why, the newest first')
    .addArgument(listWord())
    .option('--subject <id>', 'of this account, workflow id or key: acct_42, social/acct_42, sync/network/acct_42')
    .option('--actor <who>', 'by this one: user:<id> or system')
    .option('--act <name>', 'this act, or all of a group: accounts, run.pause')
    .addOption(tenantOption())
    .option('--since <time>', 'nothing that began before this time (ISO)', isoTime)
    .addOption(afterNumberOption())
    .addOption(limitOption(20))
    .addOption(jsonOption())
    .addHelpText('after', '\nExample:\n  npx sluice audit --subject social/acct_42 --since 2026-11-01')
    .action((_list: string | undefined, options: AuditOptions) => audit(options));
}

const audit = ({ json, actor, ...filter }: AuditOptions & { readonly actor?: string }) =>
  withClient(async (sluice) => {
    const found = await sluice.audit.list({
      ...filter,
      ...(actor === undefined ? {} : { by: actor }),
    });
    const names = { ...(filter.subject === undefined ? {} : namesInSubject(filter.subject)), tenant: filter.tenant };
    await tellFound(sluice, { json, limit: filter.limit }, found, {
      none: 'Nobody did anything of this.',
      line: auditText,
      names,
      placeOf: ({ id }) => id,
    });
  });
