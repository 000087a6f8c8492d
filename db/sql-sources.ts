/**
 * The sources of Sluice's schema: tables in `schema/`, one function a file in `functions/`. Migrations are frozen copies of them;
 * only `scripts/freeze-sql.ts` and tests read the sources, a running worker never does.
 * Used by: scripts/freeze-sql.ts, test/postgres/schema/sources.test.ts.
 */
import { readdirSync, readFileSync } from 'node:fs';

/** Tables in the order in which they refer to one another. */
const TABLES = [
  'run',
  'unit',
  'feed',
  'record',
  'quarantine',
  'account',
  'report',
  'action',
  'entity-lock',
  'limiter',
  'audit',
  'schedule',
  'alert',
  'pace',
  'retention',
] as const;

export interface SqlFunction {
  /** Without the schema. */
  readonly name: string;
  /** Its file as it is: comment and definition. */
  readonly text: string;
}

export function tableSources(): string[] {
  const files = readdirSync(new URL('schema/', import.meta.url)).filter((name) => name.endsWith('.sql'));
  const missing = files.filter((file) => !TABLES.some((table) => `${table}.sql` === file));
  if (missing.length > 0)
    throw new Error(`db/schema has ${missing.join(', ')}; name it in db/sql-sources.ts, in the order of references.`);
  return TABLES.map((table) => readFileSync(new URL(`schema/${table}.sql`, import.meta.url), 'utf8'));
}

/** By name. @throws Error for a file that does not hold exactly one function. */
export function functionSources(): SqlFunction[] {
  const folder = new URL('functions/', import.meta.url);
  return readdirSync(folder, { recursive: true, encoding: 'utf8' })
    .filter((path) => path.endsWith('.sql'))
    .map((path) => functionIn(path, readFileSync(new URL(path, folder), 'utf8')))
    .sort((a, b) => (a.name < b.name ? -1 : 1));
}

function functionIn(path: string, text: string): SqlFunction {
  const [only, another] = functionsIn(text);
  if (!only || another) throw new Error(`db/functions/${path} must hold one \`create or replace function sluice.…\`.`);
  return only;
}

/** The functions that a file of SQL makes, each with the comment above it. */
export function functionsIn(sql: string): SqlFunction[] {
  // Its body is a text between dollars, or an expression that is bound when the function is made.
  const found = sql.matchAll(
    /^(?:--.*\n)*create or replace function sluice\.(\w+)\([\s\S]*?(?:\$\$[\s\S]*?\$\$;|^ +return [^;]*;)$/gm,
  );
  return [...found].map(([text, name]) => ({ name: name as string, text }));
}
