/**
 * Projects of a user, made by the README's own lines from the package as it is published; and commands run in them on any version
 * of Node.
 */
import { spawn, type ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { cp, mkdir, mkdtemp, readFile, realpath, rm, symlink, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { delimiter, dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { expect } from 'vitest';
import { madeOnce } from './made-once.ts';
import { nodeProgram } from './node-versions.ts';
import { packTarball, run } from './package.ts';

export const repository = fileURLToPath(new URL('../../../', import.meta.url));
export const VERSIONS = [20, 22, 24] as const;
export type Version = (typeof VERSIONS)[number];
export const KINDS = ['with tsx', 'without tsx'] as const;
export type ProjectKind = (typeof KINDS)[number];

/** The commands of the README that begin so, as they stand there, without the comments behind them. */
export async function readmeLines(beginning: string): Promise<string[]> {
  const readme = await readFile(join(repository, 'README.md'), 'utf8');
  const blocks = [...readme.matchAll(/^```sh\n([\s\S]*?)^```/gm)].map(([, block]) => block as string);
  const lines = blocks.flatMap((block) => block.split('\n')).map((line) => line.replace(/\s+#.*$/, ''));
  const found = lines.filter((line) => line.startsWith(beginning));
  expect(found, `lines of the README that begin with "${beginning}"`).not.toEqual([]);
  return found;
}

export async function readmeLine(beginning: string): Promise<string> {
  return (await readmeLines(beginning))[0] as string;
}

export interface Started {
  readonly child: ChildProcess;
  readonly said: () => string;
  /** When it has ended by itself. */
  readonly ended: Promise<void>;
  /** Ends the whole group, as Ctrl-C in a terminal does; resolves when all of it has closed its output. */
  readonly stop: () => Promise<void>;
}

export interface Projects {
  /** Where a project is; its module is the README’s example. What is installed in it is that of other files too. */
  readonly folderOf: (kind: ProjectKind) => string;
  /** The same project once more, under another `type`; what it has installed is shared. */
  readonly copyOf: (kind: ProjectKind, name: string, type: string | undefined) => Promise<string>;
  /** The same project with modules of its own, into which more may be installed. */
  readonly ownCopyOf: (kind: ProjectKind, name: string) => Promise<string>;
  /** A folder beside the projects, made now. */
  readonly emptyFolder: (name: string) => Promise<string>;
  /** Runs a line in a shell. @throws Error with all that it said, when it fails. */
  readonly shell: (line: string, version: Version, cwd: string) => Promise<string>;
  /** What a line says that must fail. */
  readonly failure: (line: string, version: Version, cwd: string) => Promise<string>;
  readonly start: (line: string, version: Version, cwd: string, more?: NodeJS.ProcessEnv) => Started;
  readonly remove: () => Promise<void>;
}

const nameOf = (kind: ProjectKind): string => kind.replace(' ', '-');

/** @param env of every command, besides what this process has. */
export async function createProjects(env: NodeJS.ProcessEnv): Promise<Projects> {
  const folder = await mkdtemp(join(tmpdir(), 'sluice-first-'));
  const programs = new Map<Version, string>();
  for (const version of VERSIONS) programs.set(version, await nodeProgram(version));
  const environment = (version: Version): NodeJS.ProcessEnv => ({
    ...process.env,
    PATH: `${dirname(programs.get(version) as string)}${delimiter}${process.env['PATH']}`,
    ...env,
    SLUICE_TASK_QUEUE: `first-${version}-${process.pid}`,
  });
  const shell = (line: string, version: Version, cwd: string): Promise<string> =>
    run('/bin/sh', ['-c', line], { cwd, env: environment(version) });
  /** By the README's lines, which are the same for both up to tsx. */
  const install = async (made: string): Promise<void> => {
    const tarball = await packTarball();
    const [without, withTsx] = [join(made, nameOf('without tsx')), join(made, nameOf('with tsx'))];
    await mkdir(without, { recursive: true });
    for (const line of [...(await readmeLines('npm init')), ...(await readmeLines('npm install'))]) {
      if (line.includes('tsx')) await run('cp', ['-Rp', without, withTsx], {});
      await shell(line.replace('path/to/sluice-0.1.0.tgz', tarball), 24, line.includes('tsx') ? withTsx : without);
    }
  };
  const folderOf = (kind: ProjectKind): string => join(folder, nameOf(kind));

  const installed = await madeOnce('installed', install);
  const example = await readFile(join(repository, 'examples/first-sync/sluice.ts'), 'utf8');
  const module = example.replace("'../../providers/index.ts'", "'sluice/provider'");
  for (const kind of KINDS) {
    await mkdir(join(folderOf(kind), 'src'), { recursive: true });
    await cp(join(installed, nameOf(kind), 'package.json'), join(folderOf(kind), 'package.json'));
    await symlink(join(installed, nameOf(kind), 'node_modules'), join(folderOf(kind), 'node_modules'));
    await writeFile(join(folderOf(kind), 'src/sluice.ts'), module);
  }

  const copyOf = async (kind: ProjectKind, name: string, type: string | undefined): Promise<string> => {
    const copy = join(folder, name);
    await mkdir(copy);
    await cp(join(folderOf(kind), 'src'), join(copy, 'src'), { recursive: true });
    const text = await readFile(join(folderOf(kind), 'package.json'), 'utf8');
    const { type: _, ...facts } = JSON.parse(text) as Record<string, unknown>;
    const written = { ...facts, ...(type === undefined ? {} : { type }) };
    await writeFile(join(copy, 'package.json'), JSON.stringify(written));
    await symlink(join(folderOf(kind), 'node_modules'), join(copy, 'node_modules'));
    return copy;
  };

  return {
    folderOf,
    copyOf,
    ownCopyOf: async (kind, name) => {
      const copy = await copyOf(kind, name, undefined);
      const modules = join(copy, 'node_modules');
      const shared = await realpath(modules);
      await rm(modules);
      await run('cp', ['-Rp', shared, modules], {});
      // What it depends on is a path from where it was.
      const facts = await readFile(join(copy, 'package.json'), 'utf8');
      await writeFile(
        join(copy, 'package.json'),
        facts.replace(/"file:[^"]*"/, JSON.stringify(`file:${await packTarball()}`)),
      );
      return copy;
    },
    emptyFolder: async (name) => {
      const made = join(folder, name);
      await mkdir(made);
      return made;
    },
    shell,
    failure: (line, version, cwd) =>
      shell(line, version, cwd).then(
        (output) => `it did not fail: ${output}`,
        (error: Error) => error.message,
      ),
    start: (line, version, cwd, more = {}) => {
      const child = spawn('/bin/sh', ['-c', line], { cwd, env: { ...environment(version), ...more }, detached: true });
      let said = '';
      child.stdout.on('data', (data: Buffer) => (said += data.toString()));
      child.stderr.on('data', (data: Buffer) => (said += data.toString()));
      const closed = once(child, 'close');
      return {
        child,
        said: () => said,
        ended: closed.then(() => {}),
        stop: async () => {
          try {
            process.kill(-(child.pid as number), 'SIGINT');
          } catch {
            // all of it has ended before
          }
          await closed;
        },
      };
    },
    remove: () => rm(folder, { recursive: true, force: true }),
  };
}
