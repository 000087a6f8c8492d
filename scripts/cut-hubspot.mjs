// Cuts what our provider uses out of HubSpot's published client: `node scripts/cut-hubspot.mjs <folder of @hubspot/api-client>`. That package is
// far too large to be a dependency. Writes test/fixtures/vendors/hubspot.ts; `test/quick/vendors/crm-published.test.ts` holds the provider against it.
import { readFileSync, readdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';

const folder = process.argv[2];
const crm = (...path) => join(folder, 'lib/codegen/crm', ...path);
const { version } = JSON.parse(readFileSync(join(folder, 'package.json'), 'utf8'));

const wanted = {
  contacts: [
    'SimplePublicObject',
    'PublicObjectSearchRequest',
    'FilterGroup',
    'Filter',
    'CollectionResponseWithTotalSimplePublicObjectForwardPaging',
    'ForwardPaging',
    'NextPage',
    'SimplePublicObjectBatchInputUpsert',
    'SimplePublicUpsertObject',
  ],
  'associations/v4': [
    'BatchResponsePublicAssociationMultiWithLabel',
    'PublicAssociationMultiWithLabel',
    'PublicObjectId',
    'MultiAssociatedObjectWithLabel',
    'AssociationSpecWithLabel',
    'PublicFetchAssociationsBatchRequest',
  ],
};
const names = Object.values(wanted).flat();

const interfaces = Object.entries(wanted).flatMap(([api, models]) =>
  models.map((name) => {
    const file = readFileSync(crm(api, 'models', `${name}.d.ts`), 'utf8');
    const fields = /export declare class \w+ \{\n([\s\S]*?)^ {4}static/m.exec(file)[1];
    const operators = [...file.matchAll(/ \w+ = "(\w+)"/g)].map(([, value]) => `'${value}'`).join(' | ');
    // The client makes dates of texts, and writes `_from` and `_new` for names that code can't have.
    const plain = fields
      .replaceAll(/\bDate\b/g, 'string')
      .replaceAll("'_", "'")
      .replaceAll(/\b(?=[A-Z])(?!Array)\w+(?<!Enum)\b/g, (type) => (names.includes(type) ? type : 'unknown'))
      .replaceAll(/'(\w+)'(\??):/g, '$1$2:')
      .replaceAll(/\b\w+Enum\b/g, operators || 'string');
    return `export interface ${name} {\n${plain}}`;
  }),
);

const apis = ['contacts', 'companies', 'associations/v4'].map((api) => crm(api, 'apis'));
const sources = [...apis, join(folder, 'lib/codegen/oauth/apis')].flatMap((api) =>
  readdirSync(api)
    .filter((file) => file.endsWith('.js'))
    .map((file) => readFileSync(join(api, file), 'utf8')),
);
const paths = [
  ...new Set(sources.flatMap((text) => [...text.matchAll(/localVarPath = '([^']+)'/g)].map(([, path]) => path))),
];
const [, page] = /\bgetPage\(([^)]*)/.exec(readFileSync(crm('companies/apis/BasicApi.d.ts'), 'utf8'));
const parameters = page
  .split(', ')
  .map((each) => each.split('?')[0])
  .filter((name) => !name.startsWith('_'));

writeFileSync(
  new URL('../test/fixtures/vendors/hubspot.ts', import.meta.url),
  `/** Cut from @hubspot/api-client ${version} by scripts/cut-hubspot.mjs. */\n\n${interfaces.join('\n\n')}\n\n` +
    `export const pageParameters: readonly string[] = ${JSON.stringify(parameters)};\n\n` +
    `export const paths: readonly string[] = ${JSON.stringify(
      paths.sort((a, b) => (a < b ? -1 : 1)),
      null,
      2,
    )};\n`,
);
