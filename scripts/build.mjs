// Builds the package: JavaScript and types, the SQL files beside the code that reads them, and the workflow bundle, so
// that a production worker neither compiles nor bundles at its start. The suite builds the processes that it starts in the
// same way, into a folder of its own: `node scripts/build.mjs --out <folder> --project tsconfig.test.json`.
import { execFileSync } from 'node:child_process';
import { chmod, cp, rm, writeFile } from 'node:fs/promises';
import { join, resolve } from 'node:path';
import { fileURLToPath } from 'node:url';
import { parseArgs } from 'node:util';
import { bundleWorkflowCode } from '@temporalio/worker';
import { withRelativeSources } from './relative-sources.mjs';

const root = fileURLToPath(new URL('../', import.meta.url));
const { values } = parseArgs({
  options: {
    out: { type: 'string', default: join(root, 'dist') },
    project: { type: 'string', default: 'tsconfig.build.json' },
  },
});
const out = resolve(values.out);
if (out === join(root, 'dist')) await rm(out, { recursive: true, force: true });
execFileSync(
  process.execPath,
  [join(root, 'node_modules/typescript/bin/tsc'), '-p', join(root, values.project), '--outDir', out],
  { cwd: root, stdio: 'inherit' },
);
await cp(join(root, 'db/migrations'), join(out, 'db/migrations'), { recursive: true });
await cp(join(root, 'dashboard/assets'), join(out, 'dashboard/assets'), { recursive: true });
await cp(join(root, 'workflows/encoding-failures.cjs'), join(out, 'workflows/encoding-failures.cjs'));
const bundled = {
  workflowsPath: join(out, 'workflows/index.js'),
  logger: { info() {}, debug() {}, trace() {}, warn: console.warn, error: console.error, log() {} },
};
const encoded = { ...bundled, failureConverterPath: join(out, 'workflows/encoding-failures.cjs') };
for (const [name, options] of [
  ['workflow-bundle.js', bundled],
  ['workflow-bundle-encoded.js', encoded],
]) {
  const { code } = await bundleWorkflowCode(options);
  await writeFile(join(out, name), withRelativeSources(code, root));
}
await chmod(join(out, 'cli/main.js'), 0o755);
