// Builds the limiter as a package of its own, from the same sources: what `limiter/index.ts` imports, the SQL files, and a
// `package.json` whose only dependency is `pg`. `npm run build` makes both; `npm publish dist-limiter` publishes this one.
import { execFileSync } from 'node:child_process';
import { cp, mkdir, readFile, rm, writeFile } from 'node:fs/promises';
import { join, resolve } from 'node:path';
import { fileURLToPath } from 'node:url';
import { parseArgs } from 'node:util';

const root = fileURLToPath(new URL('../', import.meta.url));
const { values } = parseArgs({ options: { out: { type: 'string', default: join(root, 'dist-limiter') } } });
const out = resolve(values.out);
const of = JSON.parse(await readFile(join(root, 'package.json'), 'utf8'));

await rm(out, { recursive: true, force: true });
await mkdir(out, { recursive: true });
execFileSync(
  process.execPath,
  [
    join(root, 'node_modules/typescript/bin/tsc'),
    '-p',
    join(root, 'tsconfig.limiter.json'),
    '--outDir',
    join(out, 'dist'),
  ],
  { cwd: root, stdio: 'inherit' },
);
await cp(join(root, 'db/migrations'), join(out, 'dist/db/migrations'), { recursive: true });
await cp(join(root, 'LICENSE'), join(out, 'LICENSE'));
await cp(join(root, 'limiter/README.md'), join(out, 'README.md'));
await writeFile(
  join(out, 'package.json'),
  `${JSON.stringify(
    {
      name: 'sluice-limiter',
      version: of.version,
      description: 'Rate limits shared by all processes through Postgres: known ones, and those that nobody published',
      license: of.license,
      type: 'module',
      engines: of.engines,
      exports: { '.': { types: './dist/limiter/index.d.ts', default: './dist/limiter/index.js' } },
      files: ['dist'],
      publishConfig: of.publishConfig,
      dependencies: { pg: of.dependencies.pg },
    },
    undefined,
    2,
  )}\n`,
);
