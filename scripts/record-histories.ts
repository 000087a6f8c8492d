/**
 * Records the histories of every workflow type into test/fixtures/histories/<version>, against servers started for it.
 * What is there is left alone and not run again, in this folder too: what older code has recorded must go on replaying with
 * the code of today. A change of a workflow is recorded by one more run. `npm run record-histories`.
 * Next: `histories/tree-runs.ts`.
 */
import { existsSync } from 'node:fs';
import { mkdir, readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { fleetRuns } from './histories/fleet-runs.ts';
import { listRuns } from './histories/list-runs.ts';
import { operationRuns } from './histories/operation-runs.ts';
import { openStage } from './histories/stage.ts';
import { treeRuns } from './histories/tree-runs.ts';

const root = fileURLToPath(new URL('../', import.meta.url));
const { version } = JSON.parse(await readFile(join(root, 'package.json'), 'utf8')) as { version: string };
const folder = join(root, 'test/fixtures/histories', version);
await mkdir(folder, { recursive: true });

const missing = [...treeRuns, ...listRuns, ...operationRuns, ...fleetRuns].filter(({ files }) =>
  files.some((file) => !existsSync(join(folder, `${file}.json`))),
);
if (missing.length === 0) console.log(`nothing to record: ${folder} has a history of every run`);
else {
  const stage = await openStage(folder);
  try {
    for (const { files, run } of missing) {
      await run(stage);
      const lost = files.filter((file) => !existsSync(join(folder, `${file}.json`)));
      if (lost.length > 0) throw new Error(`The run that should have recorded ${lost.join(', ')} did not.`);
    }
  } finally {
    await stage.close();
  }
}
