/**
 * `sluice migrate`: brings the schema up to date, as every worker does at its start. For databases whose workers may not change it.
 * Next: `db/migrate.ts`.
 */
import { Option, type Command } from 'commander';
import { acting, actorOf, type ActingOptions } from '../acting.ts';
import { tell } from '../tell.ts';

export function registerMigrate(program: Command): void {
  acting(program.command('migrate'))
    .description("bring Sluice's schema up to date; workers do it at their start, where their role may")
    .option('--grant <role>', 'give this role what a worker and a client need, and nothing more')
    .addOption(
      new Option('--dry-run', 'change nothing: name what is missing; exit code 1 when something is').conflicts('grant'),
    )
    .addOption(
      new Option('--sql', 'change nothing: print what is missing as a script for psql').conflicts([
        'dryRun',
        'grant',
        'json',
      ]),
    )
    .addHelpText(
      'after',
      '\nExamples:\n  npx sluice migrate --dry-run\n  npx sluice migrate --sql > sluice.sql\n  npx sluice migrate --grant sluice_worker',
    )
    .action(run);
}

interface MigrateOptions extends ActingOptions {
  readonly grant?: string;
  readonly dryRun?: boolean;
  readonly sql?: boolean;
}

async function run(options: MigrateOptions): Promise<void> {
  if (!options.dryRun && !options.sql) return migrateSchema(options);
  const { createPool, migrationScript, readSchemaStanding } = await import('../../db/index.ts');
  const { databaseUrl } = await import('../database-url.ts');
  const pool = createPool(await databaseUrl(), { max: 2, applicationName: 'sluice-migrate' });
  try {
    if (options.sql)
      return void process.stdout.write(`${(await migrationScript(pool)) || '-- The schema is up to date.'}\n`);
    const standing = await readSchemaStanding(pool);
    for (const warning of standing.warnings) console.error(warning);
    const { missing } = standing;
    tell(options, standing, missing.length > 0 ? `Would apply ${missing.join(', ')}.` : 'The schema is up to date.');
    if (missing.length > 0) process.exitCode = 1;
  } finally {
    await pool.end();
  }
}

async function migrateSchema({ grant, ...options }: MigrateOptions): Promise<void> {
  const { createPool, grantRuntime, migrate } = await import('../../db/index.ts');
  const { recordAct } = await import('../../client/audit/record-act.ts');
  const { databaseUrl } = await import('../database-url.ts');
  const pool = createPool(await databaseUrl(), { max: 2, applicationName: 'sluice-migrate' });
  try {
    const auditor = { pool, actor: actorOf(options) };
    const applied = await recordAct(
      auditor,
      { act: 'schema.migrate', subject: { kind: 'schema', id: 'sluice' }, result: (files) => ({ applied: files }) },
      async () => migrate(pool, { warn: (message) => console.error(message) }),
    );
    const text = applied.length > 0 ? `Applied ${applied.join(', ')}.` : 'The schema is up to date.';
    if (grant === undefined) return tell(options, { applied }, text);
    await recordAct(auditor, { act: 'schema.grant', subject: { kind: 'schema', id: grant } }, () =>
      grantRuntime(pool, grant),
    );
    const granted = `Role ${grant} may read and write Sluice's rows, and run its functions.`;
    tell(options, { applied, granted: grant }, `${text}\n${granted}`);
  } finally {
    await pool.end();
  }
}
