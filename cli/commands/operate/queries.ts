/** `sluice queries`: lists for Temporal's Web UI and command line. Next: `contracts/operate/list-queries.ts`. */
import type { Command } from 'commander';
import { listQueries, type QueryFilter } from '../../../contracts/operate/list-queries.ts';
import { tellUnknownNames, type TypedNames } from '../../known-names.ts';
import { accountOption, jsonOption, providerOption, tenantOption } from '../../options.ts';
import { withClient } from '../../with-client.ts';

export function registerQueries(program: Command): void {
  program
    .command('queries')
    .description(
      "lists for Temporal's Web UI (links where SLUICE_TEMPORAL_UI_URL is set) and for `temporal workflow list`",
    )
    .option('--sync <name>', 'of this sync, action or saga')
    .addOption(tenantOption())
    .addOption(accountOption())
    .addOption(providerOption())
    .addOption(jsonOption())
    .addHelpText('after', '\nExample:\n  npx sluice queries --account acct_42')
    .action(async ({ json, ...filter }: QueryFilter & { readonly json?: boolean }) => {
      const { SLUICE_TEMPORAL_UI_URL: ui, TEMPORAL_NAMESPACE: namespace } = process.env;
      const found = listQueries(filter).map((each) => ({
        ...each,
        ...(ui ? { link: linkTo(ui, namespace || 'default', each.query) } : {}),
      }));
      if (json) console.log(JSON.stringify(found));
      else console.log(found.map(({ title, query, link }) => [title, `  ${query}`, ...(link ? [`  ${link}`] : [])].join('\n')).join('\n')); // prettier-ignore
      const { sync: work, account, tenant, provider } = filter;
      if (work ?? account ?? tenant ?? provider) await tellUnknown({ work, account, tenant, provider });
    });
}

/** The lists are right without a database, too. */
async function tellUnknown(names: TypedNames): Promise<void> {
  try {
    await withClient((sluice) => tellUnknownNames(sluice, names));
  } catch (error) {
    console.error(`Whether these names are known was not looked up: ${(error as Error).message}`);
  }
}

function linkTo(ui: string, namespace: string, query: string): string {
  const page = `${ui.replace(/\/$/, '')}/namespaces/${encodeURIComponent(namespace)}/workflows`;
  return `${page}?query=${encodeURIComponent(query)}`;
}
