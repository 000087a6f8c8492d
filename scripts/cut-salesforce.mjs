// Cuts what our provider uses out of jsforce, which has the standard objects: `node scripts/cut-salesforce.mjs <folder of jsforce>`. Writes
// test/fixtures/vendors/salesforce.ts; `test/quick/vendors/crm-published.test.ts` holds the provider against it.
import { readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';

const folder = process.argv[2];
const read = (path) => readFileSync(join(folder, path), 'utf8');
const { version } = JSON.parse(read('package.json'));

const types = read('lib/types/standard-schema.d.ts');
const objects = ['Account', 'Contact'].map((name) => {
  const fields = new RegExp(`^type Fields\\$${name} = \\{\\n([\\s\\S]*?)^\\};`, 'm').exec(types)[1];
  const plain = fields.replaceAll(/\b(DateString|BlobString)\b/g, 'string').replaceAll(/\bAddress \| null/g, 'unknown');
  return `export interface ${name} {\n${plain}}`;
});
const query = /export type QueryResult<R extends Record> = (\{[\s\S]*?\n\});/.exec(read('lib/query.d.ts'))[1];
const bulk = read('lib/api/bulk2.d.ts');
const base = /type BaseJobInfo = (\{[\s\S]*?\n\});/.exec(bulk)[1];
const job = /export type QueryJobInfoV2 = BaseJobInfo & (\{[\s\S]*?\n\});/.exec(bulk)[1];

writeFileSync(
  new URL('../test/fixtures/vendors/salesforce.ts', import.meta.url),
  `/** Cut from jsforce ${version} by scripts/cut-salesforce.mjs. */\n\n${objects.join('\n\n')}\n\n` +
    `export type QueryResult<R> = ${query};\n\nexport type QueryJob = ${base} & ${job};\n`,
);
