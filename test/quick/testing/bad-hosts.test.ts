import { get as httpGet } from 'node:http';
import { get as httpsGet } from 'node:https';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import type { BadHosts } from '../../../testing/index.ts';
import { startBadHosts } from '../../../testing/index.ts';

let hosts: BadHosts;
beforeAll(async () => {
  hosts = await startBadHosts();
});
afterAll(() => hosts.stop());

/** The status, or the code of the failure; `gave up` after 150 ms. */
const ask = (url: string, ca?: readonly string[]) =>
  new Promise<unknown>((resolve) => {
    const get = url.startsWith('https:') ? httpsGet : httpGet;
    const request = get(url, { agent: false, timeout: 150, ...(ca && { ca: [...ca] }) }, (answer) => {
      resolve(answer.resume().statusCode);
    });
    request.on('timeout', () => request.destroy(Object.assign(new Error(), { code: 'gave up' })));
    request.on('error', (error: NodeJS.ErrnoException) => resolve(error.code));
  });

describe('addresses at which no call arrives', () => {
  const cases: readonly [keyof BadHosts, trusting: boolean, unknown][] = [
    ['refused', false, 'ECONNREFUSED'],
    ['neverConnects', false, 'gave up'],
    ['silentHandshake', false, 'gave up'],
    ['handshakeFails', false, 'EPROTO'],
    ['notTls', false, 'EPROTO'],
    ['resetHandshake', false, 'ECONNRESET'],
    ['selfSigned', true, 'DEPTH_ZERO_SELF_SIGNED_CERT'],
    ['expired', true, 'CERT_HAS_EXPIRED'],
    ['wrongName', true, 'ERR_TLS_CERT_ALTNAME_INVALID'],
    ['trusted', false, 'DEPTH_ZERO_SELF_SIGNED_CERT'],
    ['trusted', true, 200],
  ];
  for (const [name, isTrusting, expected] of cases) {
    it(`${name} ends with ${String(expected)}${isTrusting ? ' for who trusts its certificates' : ''}`, async () => {
      expect(await ask(hosts[name] as string, isTrusting ? hosts.ca : undefined)).toBe(expected);
    });
  }

  it('noSuchName is not found by any name server', async () => {
    expect(['ENOTFOUND', 'EAI_AGAIN', 'gave up']).toContain(await ask(hosts.noSuchName));
  });

  it('are all closed by stop', async () => {
    const others = await startBadHosts();
    await others.stop();
    expect(await ask(others.trusted)).toBe('ECONNREFUSED');
    expect(await ask(others.neverConnects)).toBe('ECONNREFUSED');
  });
});
