/**
 * The services of `deploy/docker/compose.yaml` as processes of this machine: their commands and settings as they stand there, with
 * addresses of this machine where it says names of containers. Used by `test/temporal/processes/compose.test.ts`.
 */
import { spawn, type ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { existsSync, readFileSync } from 'node:fs';
import { createServer, connect as openSocket } from 'node:net';
import { delimiter, join } from 'node:path';
import { parse } from 'yaml';

interface Service {
  readonly command?: readonly string[];
  readonly entrypoint?: readonly string[];
  readonly environment?: Readonly<Record<string, string>>;
}

export interface Composed {
  /** Runs a service to its end. @throws Error with its output when it fails. */
  run(name: string, more?: Readonly<Record<string, string>>): Promise<void>;
  /** @param program what its image runs. */
  start(name: string, program: readonly string[], more?: Readonly<Record<string, string>>): Running;
}

export interface Running {
  readonly child: ChildProcess;
  readonly said: () => string;
  stop(): Promise<number | null>;
}

/** A program on the PATH, or in a folder; undefined where there is none. */
export function findProgram(name: string, folder: string | undefined): string | undefined {
  const folders = [...(folder ? [folder] : []), ...(process.env['PATH'] ?? '').split(delimiter)];
  return folders.map((each) => join(each, name)).find((path) => existsSync(path));
}

/** Free now, and none that is given to others later: Temporal's server keeps its ports in a column that ends at 32,767. */
export async function lowPorts(count: number): Promise<number[]> {
  const found: number[] = [];
  for (let port = 21_000 + Math.floor(Math.random() * 8_000); found.length < count && port < 32_000; port++)
    if (await isFree(port)) found.push(port);
  return found;
}

/** As the file's own check of Temporal asks. */
export function isOpen(port: number): Promise<boolean> {
  return new Promise((resolve) => {
    const socket = openSocket(port, '127.0.0.1', () => socket.end(() => resolve(true)));
    socket.once('error', () => resolve(false));
  });
}

function isFree(port: number): Promise<boolean> {
  return new Promise((resolve) => {
    const server = createServer();
    server.once('error', () => resolve(false));
    server.listen(port, '127.0.0.1', () => server.close(() => resolve(true)));
  });
}

/**
 * @param at what stands for the names and paths of containers, the longest first.
 * @param variables of its `.env`.
 */
export function readCompose(
  at: readonly (readonly [name: string, here: string])[],
  variables: Readonly<Record<string, string>>,
  env: NodeJS.ProcessEnv,
): Composed {
  const file = readFileSync(new URL('../../deploy/docker/compose.yaml', import.meta.url), 'utf8');
  const { services } = parse(file, { merge: true }) as { readonly services: Readonly<Record<string, Service>> };
  const filled = (text: string): string => {
    const here = at.reduce((sum, [name, address]) => sum.replaceAll(name, address), text);
    return here
      .replaceAll(/\$\{(\w+)(?::[?-][^}]*)?\}/g, (_, name: string) => {
        const value = variables[name];
        if (value === undefined) throw new Error(`compose.yaml wants ${name}`);
        return value;
      })
      .replaceAll('$$', '$');
  };
  const start = (name: string, program: readonly string[], more: Readonly<Record<string, string>> = {}): Running => {
    const service = services[name];
    if (!service) throw new Error(`compose.yaml has no service "${name}"`);
    const settings = Object.entries(service.environment ?? {}).map(([key, value]) => [key, filled(value)]);
    const [command = '', ...args] = [...program, ...(service.command ?? []).map(filled)];
    const child = spawn(command, args, {
      stdio: ['ignore', 'pipe', 'pipe'],
      env: { ...env, ...Object.fromEntries(settings), ...more },
    });
    let output = '';
    child.stdout.on('data', (data: Buffer) => (output += data.toString()));
    child.stderr.on('data', (data: Buffer) => (output += data.toString()));
    return {
      child,
      said: () => output,
      stop: async () => {
        if (child.exitCode === null && child.signalCode === null) {
          child.kill('SIGTERM');
          await once(child, 'exit');
        }
        return child.exitCode;
      },
    };
  };
  return {
    start,
    run: async (name, more) => {
      const { child, said } = start(name, (services[name]?.entrypoint ?? []).map(filled), more);
      const [code] = (await once(child, 'close')) as [number | null];
      if (code !== 0) throw new Error(`${name} has ended with ${code}:\n${said()}`);
    },
  };
}
