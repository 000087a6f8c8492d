// Cuts what our provider uses out of the description of Gitea's API: `node scripts/cut-gitea.mjs <folder of the module code.gitea.io/gitea>`. Writes
// test/fixtures/vendors/gitea-swagger.json; `test/quick/vendors/gitea-published.test.ts` holds the provider against it.
import { readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';

const { paths, definitions } = JSON.parse(
  readFileSync(join(process.argv[2], 'templates/swagger/v1_json.tmpl'), 'utf8'),
);

const calls = {
  '/repos/search': ['get'],
  '/repos/{owner}/{repo}/issues': ['get', 'post'],
  '/repos/{owner}/{repo}/issues/comments': ['get'],
  '/repos/{owner}/{repo}/issues/{index}': ['patch'],
};
const parameters = Object.entries(calls).flatMap(([path, methods]) =>
  methods.map((method) => [
    `${method.toUpperCase()} ${path}`,
    paths[path][method].parameters.filter((each) => each.in === 'query').map(({ name }) => name),
  ]),
);
const typeOf = ({ type, $ref }) => type ?? $ref.split('/').at(-1);
const types = ['Repository', 'Issue', 'Comment', 'CreateIssueOption', 'EditIssueOption'].map((name) => [
  name,
  Object.fromEntries(Object.entries(definitions[name].properties).map(([field, of]) => [field, typeOf(of)])),
]);
writeFileSync(
  new URL('../test/fixtures/vendors/gitea-swagger.json', import.meta.url),
  `${JSON.stringify({ parameters: Object.fromEntries(parameters), types: Object.fromEntries(types) }, null, 2)}\n`,
);
