/**
 * A real Gitea on loopback. Its program is built from its Go module, once, which takes minutes: `npm run bench -- gitea` does so, and tests use
 * what is there. Next: `seed.ts` fills it.
 */
import { execFile, spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import { promisify } from 'node:util';
import { cacheFolder, isExecutable } from '../../dev-servers/cache-folder.ts';
import { freePort } from '../../dev-servers/free-port.ts';

const run = promisify(execFile);

const VERSION = '1.26.0';
const MODULE = `code.gitea.io/gitea@v${VERSION}`;
const program = (): string => join(cacheFolder(), `gitea-${VERSION}`, 'gitea');

/** The server needs the templates of its module beside its program, and git. */
export interface Gitea {
  readonly program: string;
  readonly sources: string;
}

/** @returns a text that says what is missing, where it was not built before. */
export async function findGitea(): Promise<Gitea | string> {
  if (!isExecutable(program()))
    return `no Gitea ${VERSION} was built on this machine; "npm run bench -- gitea" builds it, with Go and git, in some minutes`;
  const sources = await sourcesOf(true).catch(() => undefined);
  return sources === undefined
    ? `the sources of Gitea ${VERSION} are gone; run "npm run bench -- gitea" once more`
    : { program: program(), sources };
}

/** @throws Error where there is no Go, or a module can't be had. */
export async function buildGitea(): Promise<Gitea> {
  const sources = await sourcesOf(false);
  if (!isExecutable(program())) {
    mkdirSync(join(program(), '..'), { recursive: true });
    await run('go', ['build', '-tags', 'sqlite,sqlite_unlock_notify', '-o', program(), '.'], {
      cwd: sources,
      maxBuffer: 1e8,
    });
  }
  return { program: program(), sources };
}

/** The folder of the module, which `go mod download` prints; it asks nobody for what is there. */
async function sourcesOf(isOffline: boolean): Promise<string> {
  const env = { ...process.env, ...(isOffline ? { GOPROXY: 'off', GOFLAGS: '-mod=mod' } : {}) };
  const { stdout } = await run('go', ['mod', 'download', '-json', MODULE], { env, cwd: tmpdir() });
  return (JSON.parse(stdout) as { Dir: string }).Dir;
}

export interface RunningGitea {
  /** Without the path of the API. */
  readonly url: string;
  /** Of an administrator, for everything. */
  readonly token: string;
  stop(): Promise<void>;
}

/** @param mostRows of a page, whatever is asked for; 50 as shipped. */
export async function startGitea({ program: file, sources }: Gitea, mostRows = 50): Promise<RunningGitea> {
  const folder = mkdtempSync(join(tmpdir(), 'sluice-gitea-'));
  const port = await freePort();
  const url = `http://127.0.0.1:${port}`;
  const config = join(folder, 'app.ini');
  writeFileSync(config, settings({ folder, port, url, sources, mostRows }));
  const command = (...args: string[]) => run(file, ['--config', config, ...args]);
  await command('migrate');
  const user = ['--username', 'sluice', '--password', 'secret-of-a-test', '--email', 'sluice@gitea.example'];
  await command('admin', 'user', 'create', ...user, '--admin', '--must-change-password=false');
  const made = await command(
    'admin',
    'user',
    'generate-access-token',
    '--username',
    'sluice',
    '--scopes',
    'all',
    '--raw',
  );
  const server = spawn(file, ['--config', config, 'web'], { stdio: 'ignore' });
  const ended = once(server, 'exit');
  const stop = async (): Promise<void> => {
    server.kill('SIGTERM');
    await ended;
    rmSync(folder, { recursive: true, force: true });
  };
  for (let tries = 0; !(await isUp(url)); tries++) {
    if (server.exitCode !== null || tries > 300) {
      await stop();
      throw new Error(`Gitea did not start within 30 s (exit code ${server.exitCode ?? 'none'})`);
    }
    await delay(100);
  }
  return { url, token: made.stdout.trim().split('\n').at(-1) as string, stop };
}

async function isUp(url: string): Promise<boolean> {
  try {
    return (await fetch(`${url}/api/v1/version`)).ok;
  } catch {
    return false; // nobody listens yet
  }
}

interface Settings {
  readonly folder: string;
  readonly port: number;
  readonly url: string;
  readonly sources: string;
  readonly mostRows: number;
}

/** https://docs.gitea.com/administration/config-cheat-sheet */
function settings({ folder, port, url, sources, mostRows }: Settings): string {
  return `I_AM_BEING_UNSAFE_RUNNING_AS_ROOT = ${process.getuid?.() === 0}
RUN_MODE = prod
WORK_PATH = ${folder}
[server]
HTTP_ADDR = 127.0.0.1
HTTP_PORT = ${port}
ROOT_URL = ${url}/
STATIC_ROOT_PATH = ${sources}
DISABLE_SSH = true
OFFLINE_MODE = true
[database]
DB_TYPE = sqlite3
PATH = ${join(folder, 'gitea.db')}
[security]
INSTALL_LOCK = true
SECRET_KEY = of-a-test
[indexer]
ISSUE_INDEXER_TYPE = db
[api]
MAX_RESPONSE_ITEMS = ${mostRows}
[log]
LEVEL = Error
`;
}
