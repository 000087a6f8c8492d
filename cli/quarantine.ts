/**
 * `sluice quarantine`: rows that did not fit; read again by a mended schema, or dropped. Next stop: `client/quarantine.ts`.
 */
import type { Command } from 'commander';
import type { QuarantinedRow, QuarantineFilter, Sluice } from '../client/index.ts';

interface ListOptions extends Omit<QuarantineFilter, 'after' | 'limit'> {
  readonly after?: string;
  readonly limit: string;
  readonly json?: boolean;
}

interface ReadOptions {
  readonly account?: string;
  readonly node?: string;
  readonly module?: string;
}

export function addQuarantineCommand(program: Command): void {
  const quarantine = program
    .command('quarantine')
    .description('rows that did not fit their schema, of endpoints with onMismatch: "quarantine"');
  quarantine
    .command('list', { isDefault: true })
    .description('what did not fit, and why, oldest first')
    .option('-a, --account <name>')
    .option('-s, --sync <name>')
    .option('-n, --node <name>', 'node of the sync')
    .option('--after <id>', 'go on behind the last one seen')
    .option('-l, --limit <number>', '1 … 1,000', '100')
    .option('--json', 'as JSON, with the rows')
    .action(list);
  quarantine
    .command('read <sync>')
    .description('read them again by the schema of today; nothing is asked of the third party')
    .option('-a, --account <name>')
    .option('-n, --node <name>', 'node of the sync')
    .option('-m, --module <file>', 'module that exports your syncs (default: sluice.ts, src/sluice.ts, …)')
    .action(readAgain);
  quarantine.command('drop <ids...>').description('forget rows for good').action(drop);
}

const list = ({ json, limit, after, ...filter }: ListOptions) =>
  withSluice(async (sluice) => {
    const of = { ...filter, limit: Number(limit), ...(after === undefined ? {} : { after: Number(after) }) };
    const rows = await sluice.quarantine.list(of);
    if (json) console.log(JSON.stringify(rows));
    else console.log(rows.length === 0 ? 'No rows are in quarantine.' : rows.map(text).join('\n'));
  });

async function readAgain(name: string, { module, ...of }: ReadOptions): Promise<void> {
  const { loadModule, syncNamed } = await import('./load-module.ts');
  const sync = syncNamed(await loadModule(module), name);
  await withSluice(async (sluice) => {
    const { stored, left } = await sluice.quarantine.readAgain(sync, of);
    console.log(`${stored} rows are stored now, ${left} still do not fit`);
    if (left > 0) process.exitCode = 1;
  });
}

const drop = (ids: readonly string[]) =>
  withSluice(async (sluice) => {
    console.log(`${await sluice.quarantine.drop(ids.map(Number))} rows dropped`);
  });

function text({ id, account, sync, node, name, path, reason, lastSeenAt }: QuarantinedRow): string {
  return `${id}  ${lastSeenAt}  ${account}  ${sync}.${node}  ${name}\n    ${path === '' ? '' : `${path}: `}${reason}`;
}

async function withSluice(work: (sluice: Sluice) => Promise<void>): Promise<void> {
  const sluice = await (await import('../client/index.ts')).connect();
  try {
    await work(sluice);
  } finally {
    await sluice.close();
  }
}
