/** Third parties that want a client certificate of each account, also for its tokens. */
import { afterAll, beforeAll, expect, it } from 'vitest';
import { z } from 'zod';
import { defineProvider, defineSync, get, mtls, oauth2 } from '../../../providers/index.ts';
import { selfSignedCertificate, type Certificate } from '../../../testing/faults/certificate.ts';
import { TEST_KEYS } from '../../setup/programs/credential-worker.ts';
import { startTlsThirdParty, type TlsThirdParty } from '../../setup/tls-third-party.ts';
import { createWorld, type World } from '../../setup/world.ts';

const names = ['a1', 'a2', 'a3', 'a4'];
const clients = Object.fromEntries(names.map((name) => [name, selfSignedCertificate()]));
const over = selfSignedCertificate({ validFrom: new Date('2025-01-01'), validTo: new Date('2025-02-01') });

let world: World;
let data: TlsThirdParty;
let login: TlsThirdParty;
const bank = defineProvider({
  id: 'bank',
  baseUrl: () => data.url,
  auth: mtls(oauth2({ tokenUrl: () => `${login.url}/token`, clientId: 'app', grant: 'client_credentials' }), {
    ca: () => `${data.ca}${login.ca}`,
  }),
  limits: [],
});
const rows = bank.endpoint('rows', {
  input: z.object({}),
  response: z.object({ rows: z.array(z.object({ id: z.string() })) }),
  request: () => get('/rows'),
  paginate: { kind: 'single', items: (answer) => answer.rows },
});
const sync = defineSync('bank-rows', { provider: bank, input: z.object({}) }, (s) => ({
  rows: s.one(rows, { input: () => ({}), key: ({ id }) => id }),
}));

beforeAll(async () => {
  [data, login] = await Promise.all([startTlsThirdParty(clients), startTlsThirdParty(clients)]);
  world = await createWorld([sync], { encryptionKeys: TEST_KEYS });
});
afterAll(async () => {
  await world?.end();
  await Promise.all([data?.stop(), login?.stop()]);
});

const secretsOf = ({ cert, key }: Certificate) => ({ extra: { clientCertificate: cert, clientKey: key } });
const connect = (account: string, certificate: Certificate, provider: typeof bank | string = bank) =>
  world.sluice.accounts.connect({ provider, account, credentials: secretsOf(certificate) });
const start = (account: string) => world.sluice.start(sync, { account, input: {} });
const stored = async (account: string): Promise<string[]> => {
  const found: string[] = [];
  for await (const { data: row } of world.sluice.records(sync.rows, { account })) if (row) found.push(row.id);
  return found;
};

it('accounts log in and are called by their own certificates, at the same time, over connections of their own', async () => {
  await Promise.all(names.map((name) => connect(name, clients[name] as Certificate)));
  const runs = await Promise.all(names.map(start));
  for (const run of runs) expect(await run.result()).toMatchObject({ complete: true, rows: 1 });
  expect(await Promise.all(names.map(stored))).toEqual(names.map((name) => [name]));
  expect(login.calls.map(({ path, who }) => `${path} ${who}`).toSorted()).toEqual(
    names.map((name) => `/token ${name}`),
  );
  const whoOf = new Map<number, Set<string>>();
  for (const { connection, who } of data.calls) whoOf.set(connection, (whoOf.get(connection) ?? new Set()).add(who));
  expect([...whoOf.values()].every(({ size }) => size === 1)).toBe(true);
  expect(data.calls.some(({ who }) => who === 'nobody')).toBe(false);
});

it('a certificate that has ended pauses the account’s runs with a reason, without a call, and a new one lets them go on', async () => {
  await expect(connect('b1', over)).rejects.toThrow(/can't be connected: its client certificate ended at 2025-02-01/);
  await connect('b1', over, 'bank'); // what a worker finds when time has gone by
  const before = data.calls.length + login.calls.length;
  const run = await start('b1');
  await expect.poll(async () => (await run.progress()).state, { timeout: 15_000 }).toBe('paused');
  expect(await run.progress()).toMatchObject({
    pausedBy: 'auth',
    pausedReason: expect.stringContaining('its client certificate ended at 2025-02-01') as string,
  });
  expect(await world.sluice.accounts.status({ provider: bank, account: 'b1' })).toMatchObject({
    status: 'needs_reconnect',
  });
  expect(data.calls.length + login.calls.length).toBe(before);
  await connect('b1', clients['a1'] as Certificate);
  expect(await run.result()).toMatchObject({ complete: true, rows: 1 });
});

it('a certificate that can’t be read, or is not known to the third party, ends in a sentence that says who must act', async () => {
  const broken = { cert: 'no certificate', key: 'no key' };
  await expect(connect('c1', broken)).rejects.toThrow(/client certificate can't be read; give it as PEM/);
  await connect('c1', broken, 'bank');
  const result = await (await start('c1')).result();
  expect(result.state).toBe('failed');
  expect(JSON.stringify(result.flaws)).toContain("client certificate can't be read; give it as PEM");

  await connect('d1', selfSignedCertificate());
  const run = await start('d1');
  await expect.poll(async () => (await run.progress()).state, { timeout: 15_000 }).toBe('paused');
  await connect('d1', clients['a2'] as Certificate);
  expect(await run.result()).toMatchObject({ complete: true, rows: 1 });
});
