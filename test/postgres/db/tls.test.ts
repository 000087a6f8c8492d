/** TLS to Postgres as `docs/operate/security.md` has it: a real server with a certificate made on the spot. */
import { chown, mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { migrate } from '../../../db/migrate.ts';
import { createPool } from '../../../db/pool.ts';
import { cacheFolder } from '../../../dev-servers/cache-folder.ts';
import { freePort } from '../../../dev-servers/free-port.ts';
import { postgresBinaries } from '../../../dev-servers/postgres/postgres-binaries.ts';
import { clusterFolder, clusterUrl, ensureCluster } from '../../../dev-servers/postgres/postgres-cluster.ts';
import { unprivilegedUser } from '../../../dev-servers/postgres/unprivileged-user.ts';
import { launch, waitUntilHealthy, type LaunchedProcess } from '../../../dev-servers/server-process.ts';
import { selfSignedCertificate } from '../../../testing/faults/certificate.ts';

describe('a Postgres that takes connections by TLS alone', () => {
  let folder: string;
  let server: LaunchedProcess;
  let address: string;
  let authority: string;

  beforeAll(async () => {
    folder = await mkdtemp(join(tmpdir(), 'sluice-tls-'));
    const user = unprivilegedUser();
    const binaries = await postgresBinaries(user && cacheFolder(process.env));
    await ensureCluster(folder, binaries, user);
    const cluster = clusterFolder(folder);
    const { key, cert } = selfSignedCertificate({ hosts: ['localhost'] });
    authority = join(folder, 'ca.pem');
    await writeFile(authority, cert);
    const files = {
      'server.key': key,
      'server.crt': cert,
      'pg_hba.conf': 'hostssl all all 127.0.0.1/32 scram-sha-256\n',
    };
    for (const [name, text] of Object.entries(files)) {
      await writeFile(join(cluster, name), text, { mode: 0o600 });
      if (user) await chown(join(cluster, name), user.uid, user.gid);
    }
    const port = await freePort();
    const settings = [`port=${port}`, 'listen_addresses=127.0.0.1', 'unix_socket_directories=', 'ssl=on'];
    const args = ['-D', cluster, ...settings.flatMap((setting) => ['-c', setting])];
    const env = { PATH: process.env['PATH'], LC_ALL: 'C' };
    const logFile = join(folder, 'log');
    server = await launch({ command: binaries.postgres, args, logFile, cwd: folder, env, ...(user ? { user } : {}) });
    address = await clusterUrl(folder, port, 'postgres');
    const isUp = async () => (await connected('localhost', 'sslmode=no-verify')) === 'by TLS';
    await waitUntilHealthy(server, isUp, { name: 'Postgres', logFile, limitMs: 30_000 });
  });
  afterAll(async () => {
    const ended = new Promise<void>((resolve) => server?.onEnd(resolve));
    process.kill(server.pid, 'SIGINT');
    await ended;
    await rm(folder, { recursive: true, force: true });
  });

  /** How a pool of ours gets on, in a word. */
  async function connected(host: string, query: string): Promise<string> {
    const url = new URL(`${address}?${query}`);
    url.hostname = host;
    const pool = createPool(url.href, { max: 1 });
    try {
      const { rows } = await pool.query<{ ssl: boolean }>('select ssl from pg_stat_ssl where pid = pg_backend_pid()');
      return rows[0]?.ssl ? 'by TLS' : 'in clear';
    } catch (error) {
      return (error as Error).message;
    } finally {
      await pool.end();
    }
  }

  it('is reached by the connection string alone, where its certificate and its name are right', async () => {
    const query = `sslmode=verify-full&sslrootcert=${authority}`;
    expect(await connected('localhost', query)).toBe('by TLS');
    const url = new URL(`${address}?${query}`);
    url.hostname = 'localhost';
    const pool = createPool(url.href, { max: 2 });
    try {
      expect(await migrate(pool)).toEqual(['0001_baseline.sql']);
    } finally {
      await pool.end();
    }
  });

  it('is refused under another name, and with a certificate that nobody vouches for', async () => {
    expect(await connected('127.0.0.1', `sslmode=verify-full&sslrootcert=${authority}`)).toMatch(
      /altnames|does not match/,
    );
    expect(await connected('localhost', 'sslmode=verify-full')).toMatch(/self-signed certificate/);
  });

  it('is not spoken to in clear', async () => {
    expect(await connected('localhost', 'sslmode=disable')).toMatch(/no encryption/);
    expect(await connected('localhost', 'sslmode=no-verify')).toBe('by TLS');
  });
});
