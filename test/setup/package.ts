/** The package as it is published, and commands that a user of it runs. */
import { execFile, type ExecFileOptions } from 'node:child_process';
import { readdir } from 'node:fs/promises';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';

const repository = fileURLToPath(new URL('../../', import.meta.url));

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

/** Builds the package into `folder`. @returns the path of the tarball. */
export async function packTarball(folder: string): Promise<string> {
  await run('npm', ['run', 'build'], { cwd: repository });
  await run('npm', ['pack', '--pack-destination', folder], { cwd: repository });
  return join(folder, (await readdir(folder)).find((file) => file.endsWith('.tgz')) as string);
}
