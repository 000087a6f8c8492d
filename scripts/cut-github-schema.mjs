// Cuts what our query uses out of GitHub's schema: `node scripts/cut-github-schema.mjs <folder of @octokit/graphql-schema>`, which is far too large
// to be a dependency. Writes test/fixtures/vendors/github.graphql; `test/quick/vendors/github-schema.test.ts` holds the query against it.
import { readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';

const folder = process.argv[2];
const schema = readFileSync(join(folder, 'schema.graphql'), 'utf8').replaceAll(/^ *"""[\s\S]*?"""\n/gm, '');
const { version } = JSON.parse(readFileSync(join(folder, 'package.json'), 'utf8'));

const wanted = {
  Query: ['repository', 'rateLimit'],
  Repository: ['discussions'],
  DiscussionConnection: ['nodes', 'pageInfo', 'totalCount'],
  Discussion: ['id', 'number', 'title', 'body', 'url', 'isAnswered', 'closed', 'createdAt', 'updatedAt', 'author'],
  Actor: ['login'],
  PageInfo: ['hasNextPage', 'endCursor'],
  RateLimit: ['cost', 'remaining', 'limit', 'resetAt'],
};
const body = (kind, name) => new RegExp(`^${kind} ${name}\\b[^{]*\\{\\n([\\s\\S]*?)^\\}`, 'm').exec(schema)[1];
const types = Object.entries(wanted).map(([name, fields]) => {
  const kind = name === 'Actor' ? 'interface' : 'type';
  // A field ends where the next one, or nothing, begins.
  const all = body(kind, name).split(/^(?=  \w)/m);
  const kept = fields.map((field) =>
    all
      .find((text) => new RegExp(`^  ${field}\\b`).test(text))
      .trim()
      .replaceAll(/\n\s*\n/g, '\n'),
  );
  return `${kind} ${name} {\n  ${kept.join('\n  ')}\n}`;
});
const inputs = [
  ['input', 'DiscussionOrder'],
  ['enum', 'DiscussionOrderField'],
  ['enum', 'DiscussionState'],
  ['enum', 'OrderDirection'],
];
const others = inputs.map(([kind, name]) => `${kind} ${name} {\n${body(kind, name).replaceAll(/\n\s*\n/g, '\n')}}`);
writeFileSync(
  new URL('../test/fixtures/vendors/github.graphql', import.meta.url),
  `# Cut from @octokit/graphql-schema ${version} by scripts/cut-github-schema.mjs.\n\nscalar DateTime\nscalar URI\n\n${[...types, ...others].join('\n\n')}\n`,
);
