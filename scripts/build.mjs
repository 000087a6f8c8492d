// Builds the package: JavaScript and types, the SQL files beside the code that reads them, and the workflow bundle, so
// that a production worker neither compiles nor bundles at its start.
import { execFileSync } from 'node:child_process';
import { chmod, cp, rm, writeFile } from 'node:fs/promises';
import { fileURLToPath } from 'node:url';
import { bundleWorkflowCode } from '@temporalio/worker';

const root = fileURLToPath(new URL('../', import.meta.url));
await rm(`${root}dist`, { recursive: true, force: true });
execFileSync(process.execPath, [`${root}node_modules/typescript/bin/tsc`, '-p', `${root}tsconfig.build.json`], {
  cwd: root,
  stdio: 'inherit',
});
await cp(`${root}db/migrations`, `${root}dist/db/migrations`, { recursive: true });
const { code } = await bundleWorkflowCode({
  workflowsPath: `${root}dist/workflows/index.js`,
  logger: { info() {}, debug() {}, trace() {}, warn: console.warn, error: console.error, log() {} },
});
await writeFile(`${root}dist/workflow-bundle.js`, code);
await chmod(`${root}dist/cli/main.js`, 0o755);
