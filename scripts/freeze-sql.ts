/**
 * Copies the sources of the schema into a migration. `npm run freeze-sql` writes the newest migration anew while it is not released
 * (its first line says so); `npm run freeze-sql -- add_column_x` begins the next one, with copies of the functions that have changed
 * since they were last frozen. Statements about tables are written into it by hand, above the functions.
 */
import { readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { functionsIn, functionSources, tableSources } from '../db/sql-sources.ts';

const folder = new URL('../db/migrations/', import.meta.url);
const NOT_RELEASED = '-- Not released yet: `npm run freeze-sql` writes it anew.';
const FUNCTIONS = '-- Functions, copied from db/functions.';

const files = readdirSync(folder)
  .filter((name) => name.endsWith('.sql'))
  .sort();
const newest = files.at(-1);
const isOpen = newest !== undefined && readFileSync(new URL(newest, folder), 'utf8').startsWith(NOT_RELEASED);
const name = process.argv[2];
if (newest === undefined) write('0001_baseline.sql', baseline());
else if (isOpen && newest.startsWith('0001_')) write(newest, baseline());
else if (isOpen)
  write(
    newest,
    `${readFileSync(new URL(newest, folder), 'utf8').split(FUNCTIONS)[0]}${changedSince(files.slice(0, -1))}`,
  );
else if (name === undefined || !/^[a-z][a-z0-9_]*$/.test(name))
  throw new TypeError(`Every migration is released; name the next one: npm run freeze-sql -- add_column_x`);
else
  write(
    `${String(Number.parseInt(newest, 10) + 1).padStart(4, '0')}_${name}.sql`,
    `${NOT_RELEASED}\n\n${changedSince(files)}`,
  );

function baseline(): string {
  const functions = functionSources().map(({ text }) => text);
  return [
    NOT_RELEASED,
    '-- Tables, copied from db/schema.',
    ...tableSources().map((text) => text.trim()),
    // The functions call one another.
    `${FUNCTIONS}\nset local check_function_bodies = off;`,
    ...functions,
  ]
    .join('\n\n')
    .concat('\n');
}

/** Copies of the functions whose text differs from the newest frozen one. */
function changedSince(frozen: readonly string[]): string {
  const known = new Map<string, string>();
  for (const file of frozen)
    for (const each of functionsIn(readFileSync(new URL(file, folder), 'utf8'))) known.set(each.name, each.text);
  const changed = functionSources().filter(({ name: each, text }) => known.get(each) !== text);
  return [`${FUNCTIONS}\nset local check_function_bodies = off;`, ...changed.map(({ text }) => text)]
    .join('\n\n')
    .concat('\n');
}

function write(file: string, sql: string): void {
  writeFileSync(new URL(file, folder), sql);
  console.log(`db/migrations/${file}: ${sql.split('\n').length - 1} lines`);
}
