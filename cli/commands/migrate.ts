/**
 * `sluice migrate`: brings the schema up to date, as every worker does at its start. For databases whose workers may not change it.
 * Next: `db/migrate.ts`.
 */
import type { Command } from 'commander';
import { acting, actorOf, type ActingOptions } from '../acting.ts';

export function registerMigrate(program: Command): void {
  acting(program.command('migrate'))
    .description("bring Sluice's schema up to date; workers do it at their start, where their role may")
    .option('--grant <role>', 'give this role what a worker and a client need, and nothing more')
    .action(migrateSchema);
}

async function migrateSchema({ grant, ...options }: ActingOptions & { readonly grant?: string }): Promise<void> {
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
    console.log(applied.length > 0 ? `Applied ${applied.join(', ')}.` : 'The schema is up to date.');
    if (grant === undefined) return;
    await recordAct(auditor, { act: 'schema.grant', subject: { kind: 'schema', id: grant } }, () =>
      grantRuntime(pool, grant),
    );
    console.log(`Role ${grant} may read and write Sluice's rows, and run its functions.`);
  } finally {
    await pool.end();
  }
}
