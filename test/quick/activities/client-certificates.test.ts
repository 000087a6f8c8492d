import { spawn, spawnSync } from 'node:child_process';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { createServer, type Server, type AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, afterEach, describe, expect, it } from 'vitest';
import { createHttpSender } from '../../../activities/index.ts';
import type { ClientCertificate } from '../../../contracts/secrets/client-certificate.ts';
import { freePort } from '../../../dev-servers/free-port.ts';
import { selfSignedCertificate, type Certificate } from '../../../testing/faults/certificate.ts';
import { startTlsThirdParty, type TlsThirdParty } from '../../setup/tls-third-party.ts';

const LIMITS = { connectMs: 5_000, headersMs: 5_000, bodyMs: 5_000, totalMs: 10_000, maxBodyBytes: 1e6 };
const [ann, bob] = [selfSignedCertificate(), selfSignedCertificate()];
const http = createHttpSender();
/** This machine is reached straight all the same. */
const beside = createHttpSender({ proxy: { httpProxy: 'http://127.0.0.1:1' } });
afterAll(async () => {
  await http.close();
  await beside.close();
});

const shownOf = ({ cert, key }: Certificate, ca: string): ClientCertificate => ({
  certificate: cert,
  key,
  ca,
  validFrom: '2020-01-01T00:00:00.000Z',
  validTo: '2040-01-01T00:00:00.000Z',
});
const ask = (url: string, certificate?: ClientCertificate, method = 'GET', sender = http) =>
  sender.send({ method, url, headers: {}, ...(certificate ? { certificate } : {}) }, LIMITS);

describe('connections with a client certificate', () => {
  let party: TlsThirdParty;
  afterEach(() => party.stop());

  it('are used again by calls that show the same one, and never by calls that show another one or none', async () => {
    party = await startTlsThirdParty({ ann, bob });
    const [ofAnn, ofBob] = [shownOf(ann, party.ca), shownOf(bob, party.ca)];
    // A third one with the key of neither, so that a connection that is left over would be seen.
    const stranger = shownOf(selfSignedCertificate(), party.ca);
    for (let turn = 0; turn < 3; turn++) {
      await Promise.all([ask(`${party.url}/ann`, ofAnn), ask(`${party.url}/bob`, ofBob)]);
      await ask(`${party.url}/nobody`, stranger);
    }
    expect(party.calls).toHaveLength(9);
    expect(party.calls.filter(({ path, who }) => path !== `/${who}`)).toEqual([]);
    const connectionsOf = (name: string) =>
      new Set(party.calls.filter(({ who }) => who === name).map(({ connection }) => connection));
    expect(['ann', 'bob', 'nobody'].map((name) => connectionsOf(name).size)).toEqual([1, 1, 1]);
    expect(new Set(party.calls.map(({ connection }) => connection)).size).toBe(3);
  });
});

describe('a client certificate that the third party refuses', () => {
  let server: Server | undefined;
  afterEach(() => new Promise((resolve) => (server ? server.close(resolve) : resolve(undefined))));

  it.each([
    [42, 'bad certificate'],
    [45, 'certificate expired'],
    [48, 'unknown ca'],
  ])('by alert %i of TLS 1.2 is one that is refused, and no outage', async (alert, words) => {
    server = createServer((socket) => socket.once('data', () => socket.end(Buffer.of(0x15, 3, 3, 0, 2, 2, alert))));
    await new Promise<void>((resolve) => server?.listen(0, '127.0.0.1', resolve));
    const url = `https://127.0.0.1:${(server.address() as AddressInfo).port}/`;
    const { error } = await ask(url, shownOf(ann, ann.cert));
    expect(error).toMatchObject({ code: 'certificate-refused', message: expect.stringContaining(words) as string });
    expect((await ask(url)).error).toMatchObject({
      code: 'tls',
      message: expect.stringMatching('wants a client') as string,
    });
  });

  const hasOpenSsl = spawnSync('openssl', ['version']).status === 0;
  it.skipIf(!hasOpenSsl).each([
    ['GET', http],
    ['POST', http],
    ['GET beside a proxy', beside],
  ])('by TLS 1.3, behind the handshake, is so too (%s)', async (name, sender) => {
    const [method = ''] = name.split(' ');
    const folder = await mkdtemp(join(tmpdir(), 'sluice-mtls-'));
    const own = selfSignedCertificate();
    const files = { 'own.pem': own.cert, 'own.key': own.key, 'ca.pem': ann.cert };
    for (const [name, text] of Object.entries(files)) await writeFile(join(folder, name), text);
    const port = await freePort();
    const args = `s_server -accept ${port} -cert own.pem -key own.key -CAfile ca.pem -Verify 1 -verify_return_error -www -quiet -tls1_3`;
    const child = spawn('openssl', args.split(' '), { cwd: folder, stdio: 'ignore' });
    try {
      const url = `https://localhost:${port}/`;
      await expect.poll(async () => (await ask(url, shownOf(ann, own.cert))).status, { timeout: 10_000 }).toBe(200);
      const { status, error } = await ask(url, shownOf(bob, own.cert), method, sender);
      expect([status, error?.code]).toEqual([0, 'certificate-refused']);
      expect(error?.message).toContain('unknown ca');
    } finally {
      child.kill();
      await rm(folder, { recursive: true, force: true });
    }
  });
});
