/**
 * All that is kept of runs and actions, as text, by place: each table of Sluice's own, and the histories at Temporal. Used by: the tests of
 * `test/temporal/secrets` that look for secrets in it.
 */
import type { World } from './world.ts';

export async function allThatIsKept(
  { db, temporal }: Pick<World, 'db' | 'temporal'>,
  workflowIds: readonly string[],
): Promise<Map<string, string>> {
  const places = new Map<string, string>();
  const { rows: tables } = await db.pool.query<{ name: string }>(
    `select format('%I.%I', schemaname, tablename) as name from pg_tables where schemaname = 'sluice'`,
  );
  for (const { name } of tables) {
    const { rows } = await db.pool.query<Record<string, string>>(
      `select t::text as row, to_jsonb(t)::text as json from ${name} t`,
    );
    places.set(name, rows.flatMap((row) => Object.values(row)).join('\n'));
  }
  const histories = workflowIds.map(async (id) => {
    const { events = [] } = await temporal.workflow.getHandle(id).fetchHistory();
    return textsIn(events).join('\n');
  });
  return places.set('histories', (await Promise.all(histories)).join('\n'));
}

/** Every text and every byte of a history, wherever it is. */
function textsIn(value: unknown): string[] {
  if (typeof value === 'string') return [value];
  if (value instanceof Uint8Array) return [Buffer.from(value).toString('utf8')];
  return typeof value === 'object' && value !== null ? Object.values(value).flatMap(textsIn) : [];
}
