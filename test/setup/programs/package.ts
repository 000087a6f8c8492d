/** The package as it is published, and commands that a user of it runs. */
import { execFile, type ExecFileOptions } from 'node:child_process';
import { cp, mkdir, readdir, readFile, rm, symlink } from 'node:fs/promises';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';
import { madeOnce } from './made-once.ts';

const repository = fileURLToPath(new URL('../../../', import.meta.url));

/** Fails with everything that the command said. */
export async function run(file: string, args: readonly string[], options: ExecFileOptions): Promise<string> {
  try {
    const { stdout } = await promisify(execFile)(file, [...args], { ...options, encoding: 'utf8' });
    return stdout;
  } catch (error) {
    const { stdout, stderr } = error as { stdout: string; stderr: string };
    throw new Error(`${file} ${args.join(' ')} failed:\n${stdout}\n${stderr}`, { cause: error });
  }
}

/** The package as it is published. @returns the path of the tarball. */
export async function packTarball(): Promise<string> {
  const packed = await madeOnce('packed', pack);
  return join(packed, (await readdir(packed)).find((file) => file.endsWith('.tgz')) as string);
}

/** Makes the tarball in a folder of its own. */
async function pack(folder: string): Promise<void> {
  const staging = join(folder, 'staging');
  await mkdir(staging, { recursive: true });
  const { files } = JSON.parse(await readFile(join(repository, 'package.json'), 'utf8')) as { files: string[] };
  const made = new Set(['dist', 'sbom.json']);
  for (const part of ['package.json', 'LICENSE', ...files].filter((each) => !made.has(each)))
    await cp(join(repository, part), join(staging, part), { recursive: true });
  await symlink(join(repository, 'node_modules'), join(staging, 'node_modules'));
  await run(process.execPath, ['scripts/build.mjs', '--out', join(staging, 'dist')], { cwd: repository });
  // What `prepack` does in the repository itself.
  await run(process.execPath, ['scripts/sbom.mjs', '--out', join(staging, 'sbom.json')], { cwd: repository });
  await run('npm', ['pack', '--ignore-scripts', '--pack-destination', folder], { cwd: staging });
  await rm(staging, { recursive: true });
}
