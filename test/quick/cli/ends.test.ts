/** What a command leaves behind when it is done: nothing, whatever the user's module holds. */
import { execFile } from 'node:child_process';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath, pathToFileURL } from 'node:url';
import { afterAll, beforeAll, expect, it } from 'vitest';

const root = fileURLToPath(new URL('../../../', import.meta.url));
let folder: string;

beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'sluice-ends-'));
});
afterAll(() => rm(folder, { recursive: true, force: true }));

it('a command ends though its module holds a timer, with all of its output and its exit code', async () => {
  const module = join(folder, 'sluice.ts');
  const name = 'n'.repeat(100_000);
  await writeFile(
    module,
    `export { network } from ${JSON.stringify(pathToFileURL(join(root, 'examples/first-sync/sluice.ts')))};
     setInterval(() => {}, 1_000);`,
  );
  const args = ['--import', 'tsx', 'cli/main.ts', 'start', name, '--account', 'a', '--module', module];
  const ended = await new Promise<{ code: unknown; said: string }>((resolve) =>
    execFile(process.execPath, args, { cwd: root, timeout: 20_000 }, (error, _, said) =>
      resolve({ code: error?.code, said }),
    ),
  );
  expect(ended.code).toBe(1);
  expect(ended.said).toBe(`There is no sync "${name}"; the module has network.\n`);
});
