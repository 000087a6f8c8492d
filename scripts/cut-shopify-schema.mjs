// Cuts what our queries use out of Shopify's schema: `node scripts/cut-shopify-schema.mjs <admin_….json.gz>`, the introspection that Shopify
// publishes in the npm package @shopify/dev-mcp (dist/data). That package is far too large to be a dependency. Writes
// test/fixtures/vendors/shopify-admin.graphql; `test/quick/vendors/shopify-schema.test.ts` holds the queries against it.
import { readFileSync, writeFileSync } from 'node:fs';
import { basename } from 'node:path';
import { gunzipSync } from 'node:zlib';
import {
  buildClientSchema,
  getNamedType,
  isEnumType,
  isInterfaceType,
  isObjectType,
  isScalarType,
  parse,
  TypeInfo,
  validate,
  visit,
  visitWithTypeInfo,
} from 'graphql';
import { ORDERS, PRODUCTS } from '../dist/providers/vendors/shopify/provider.js';
import { TAGS_ADD, TAGS_REMOVE } from '../dist/providers/vendors/shopify/add-tags.js';
import { BULK, BULKS, CANCEL_BULK, RUN_BULK, VARIANTS } from '../dist/providers/vendors/shopify-bulk/variants.js';

const file = process.argv[2];
const { data } = JSON.parse(gunzipSync(readFileSync(file)).toString('utf8'));
const { __schema: published } = data;
for (const type of published.types) for (const field of type.fields ?? []) field.args ??= [];
const schema = buildClientSchema(data, { assumeValid: true });

/** Fields that are used, by type. */
const used = new Map();
const named = new Set();
for (const query of [PRODUCTS, ORDERS, TAGS_ADD, TAGS_REMOVE, RUN_BULK, BULK, BULKS, CANCEL_BULK, VARIANTS]) {
  const document = parse(query);
  const errors = validate(schema, document);
  if (errors.length > 0) throw errors[0];
  const info = new TypeInfo(schema);
  visit(
    document,
    visitWithTypeInfo(info, {
      Field: () => {
        const parent = info.getParentType();
        const fields = used.get(parent.name) ?? new Map();
        used.set(parent.name, fields.set(info.getFieldDef().name, info.getFieldDef()));
      },
    }),
  );
}
const lines = [];
const note = (type) => (named.add(getNamedType(type)), String(type));
const byName = ([a], [b]) => (a < b ? -1 : 1);
for (const [name, fields] of [...used].sort(byName)) {
  const type = schema.getType(name);
  lines.push(`${isInterfaceType(type) ? 'interface' : 'type'} ${name} {`);
  for (const [field, { args, type: of }] of [...fields].sort(byName)) {
    const given = args.map((arg) => `${arg.name}: ${note(arg.type)}`).join(', ');
    lines.push(`  ${field}${given === '' ? '' : `(${given})`}: ${note(of)}`);
  }
  lines.push('}', '');
}
for (const type of [...named].sort((a, b) => (a.name < b.name ? -1 : 1))) {
  if (isEnumType(type)) lines.push(`enum ${type.name} {`, ...type.getValues().map(({ name }) => `  ${name}`), '}', '');
  else if (isScalarType(type) && !['ID', 'String', 'Int', 'Float', 'Boolean'].includes(type.name))
    lines.push(`scalar ${type.name}`, '');
  else if (isObjectType(type) && !used.has(type.name)) throw new Error(`${type.name} is used, but none of its fields`);
}
const { name: queries } = schema.getQueryType();
const { name: mutations } = schema.getMutationType();
const head = `# What our queries use of Shopify's Admin API, cut from ${basename(file)} by scripts/cut-shopify-schema.mjs.\n`;
writeFileSync(
  new URL('../test/fixtures/vendors/shopify-admin.graphql', import.meta.url),
  `${head}schema {\n  query: ${queries}\n  mutation: ${mutations}\n}\n\n${lines.join('\n')}`,
);
