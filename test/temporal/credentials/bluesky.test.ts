import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { z } from 'zod';
import { startPds, type RunningPds } from '../../../examples/bluesky/pds.ts';
import { callXrpc, sendXrpc } from '../../../examples/bluesky/xrpc.ts';
import { bluesky } from '../../../providers/bluesky/provider.ts';
import { defineSync, get } from '../../../providers/index.ts';
import { TEST_KEYS } from '../../setup/programs/credential-worker.ts';
import { createWorld, type World } from '../../setup/world.ts';

/** The first use on a machine compiles SQLite. */
const withInstallMs = 300_000;

interface Session {
  readonly accessJwt: string;
  readonly refreshJwt: string;
  readonly did: string;
}

let pds: RunningPds;
let world: World;
// Its address is read at each call.
const { provider } = bluesky();
const session = provider.endpoint('getSession', {
  input: z.object({}),
  response: z.object({ did: z.string(), handle: z.string() }),
  request: () => get('com.atproto.server.getSession'),
});
const me = defineSync('me', { provider, input: z.object({}) }, (s) => ({
  session: s.one(session, { input: () => ({}), key: (found) => found.did }),
}));

beforeAll(async () => {
  pds = await startPds({ accounts: 1, posts: 1, follows: 0, tokenSeconds: 2 });
  process.env['BLUESKY_URL'] = pds.url;
  world = await createWorld([me], { workers: 2, encryptionKeys: TEST_KEYS });
}, withInstallMs);
afterAll(async () => {
  await world?.end();
  await pds?.stop();
});

const logIn = (): Promise<Session> => {
  const { handle, password } = pds.expected.accounts[0]!;
  const input = { identifier: handle, password };
  return callXrpc(pds.url, { method: 'com.atproto.server.createSession', input, bypassKey: pds.bypassKey });
};
const untilExpired = ({ accessJwt }: Session) =>
  expect
    .poll(
      async () => {
        const call = { method: 'com.atproto.server.getSession', token: accessJwt, bypassKey: pds.bypassKey };
        return (await sendXrpc(pds.url, call)).status;
      },
      { timeout: 15_000, interval: 200 },
    )
    .toBe(400);
const credentials = ({ accessJwt, refreshJwt }: Session) => ({ accessToken: accessJwt, refreshToken: refreshJwt });
const calls = async (method: string) => (await pds.stats()).byPath[method]?.total ?? 0;

describe('an account of a real Bluesky server', () => {
  it('whose session has ended is refreshed once, and after a logout waits for the next login', async () => {
    const first = await logIn();
    const account = first.did;
    await untilExpired(first);
    await pds.reset();
    await world.sluice.accounts.connect({ provider, account, credentials: credentials(first) });
    const run = await world.sluice.start(me, { account, input: {} });
    expect(await run.result()).toMatchObject({ state: 'done', rows: 1 });
    expect(await calls('com.atproto.server.refreshSession')).toBe(1);
    // The end of a token is read out of it: no call is made with one that is over.
    expect(await calls('com.atproto.server.getSession')).toBe(1);
    const status = await world.sluice.accounts.status({ provider, account });
    expect(Date.parse(status?.expiresAt ?? '') - Date.now()).toBeLessThan(2_100);

    const second = await logIn();
    await untilExpired(second);
    await callXrpc(pds.url, {
      method: 'com.atproto.server.deleteSession',
      token: second.refreshJwt,
      post: true,
      bypassKey: pds.bypassKey,
    }).catch(() => {}); // it answers without a body
    await world.sluice.accounts.reconnected({ provider, account, credentials: credentials(second) });
    const paused = await world.sluice.start(me, { account, input: {} });
    await expect
      .poll(async () => (await paused.progress()) as object, { timeout: 30_000 })
      .toMatchObject({
        state: 'paused',
        pausedBy: 'auth',
        pausedReason: 'the refresh was answered with HTTP 400 ExpiredToken',
      });
    await world.sluice.accounts.reconnected({ provider, account, credentials: credentials(await logIn()) });
    expect(await paused.result()).toMatchObject({ state: 'done' });
  }, 120_000);
});
