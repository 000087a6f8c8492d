// Cuts what we use out of the types that Google publishes in the npm package @googleapis/calendar, which brings 75 packages along and is no
// dependency for that reason: `node scripts/cut-google-calendar.mjs <folder of the package>`. Writes
// test/fixtures/vendors/google-calendar.ts; `test/quick/vendors/published.test.ts` holds the provider against it.
import { readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';

const folder = process.argv[2];
const types = readFileSync(join(folder, 'build/v3.d.ts'), 'utf8').replaceAll(/^\s*\/\*\*[\s\S]*?\*\/\n/gm, '');
const code = readFileSync(join(folder, 'build/v3.js'), 'utf8');
const { version } = JSON.parse(readFileSync(join(folder, 'package.json'), 'utf8'));

const wanted = [
  'Schema$CalendarListEntry',
  'Schema$Event',
  'Schema$EventAttendee',
  'Schema$EventDateTime',
  'Params$Resource$Calendarlist$List',
  'Params$Resource$Events$Insert',
  'Params$Resource$Events$List',
];
const interfaces = wanted.map((name) => {
  const found = new RegExp(
    `^ *export interface ${name.replaceAll('$', '\\$')}(?: extends \\w+)? \\{\\n[\\s\\S]*?^ {4}\\}`,
    'm',
  ).exec(types);
  if (!found) throw new Error(`${name} is not in the package`);
  // Fields of other types are cut off: what they hold is of no use here.
  return found[0]
    .replace(/ extends \w+/, '')
    .replaceAll(/^ {4}/gm, '')
    .replaceAll(/Schema\$\w+/g, (type) => (wanted.includes(type) ? type : 'unknown'));
});
const paths = [...new Set([...code.matchAll(/'(\/calendar\/v3\/[^']+)'/g)].map(([, path]) => path))].sort((a, b) =>
  a < b ? -1 : 1,
);
writeFileSync(
  new URL('../test/fixtures/vendors/google-calendar.ts', import.meta.url),
  `/** Cut from @googleapis/calendar ${version} by scripts/cut-google-calendar.mjs. */\n\n${interfaces.join('\n\n')}\n\n` +
    `export const paths: readonly string[] = ${JSON.stringify(paths, null, 2)};\n`,
);
