/**
 * The real Bluesky PDS as the example starts it: what is seeded can all be walked, what `examples/bluesky/README.md` says of its
 * answers is true, and it leaves nothing behind. Plain `fetch` only: these are facts about the third party, not about Sluice.
 */
import { execFile, spawn } from 'node:child_process';
import { once } from 'node:events';
import { existsSync } from 'node:fs';
import { createInterface } from 'node:readline';
import { setTimeout as sleep } from 'node:timers/promises';
import { promisify } from 'node:util';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { installServer, serverFolder } from '../../../examples/bluesky/install-server.ts';
import { idealSeconds, minimumCalls } from '../../../examples/bluesky/minimum-calls.ts';
import { startPds } from '../../../examples/bluesky/pds.ts';
import type { PdsAddress, RunningPds } from '../../../examples/bluesky/pds.ts';
import { callXrpc, sendXrpc } from '../../../examples/bluesky/xrpc.ts';
import type { XrpcCall } from '../../../examples/bluesky/xrpc.ts';

const limit = 20;
const windowSeconds = 5;
/** The first use on a machine compiles SQLite. */
const withInstallMs = 300_000;

interface Page {
  readonly cursor?: string;
  readonly repos?: readonly { readonly did: string; readonly active: boolean }[];
  readonly records?: readonly {
    readonly uri: string;
    readonly cid: string;
    readonly value: { readonly subject?: string };
  }[];
}

interface Session {
  readonly accessJwt: string;
  readonly refreshJwt: string;
  readonly did: string;
}

describe('a Bluesky PDS on loopback', () => {
  let pds: RunningPds;

  beforeAll(async () => {
    pds = await startPds({ accounts: 3, posts: 5, follows: 2, limit, windowSeconds, tokenSeconds: 2 });
  }, withInstallMs);
  afterAll(() => pds.stop());

  /** Each test calls from an address of its own, so that none meets the window of another. */
  const send = (call: XrpcCall, fromIp: string): Promise<Response> => sendXrpc(pds.url, { ...call, fromIp });
  const errorOf = async (response: Response): Promise<string> => {
    const { error, message } = (await response.json()) as { error: string; message: string };
    return `${response.status} ${error}: ${message}`;
  };
  const listPosts = (repo: string, more: XrpcCall['params'] = {}): XrpcCall => ({
    method: 'com.atproto.repo.listRecords',
    params: { repo, collection: 'app.bsky.feed.post', ...more },
  });
  const logIn = (): Promise<Session> => {
    const { handle, password } = pds.expected.accounts[0]!;
    return callXrpc(pds.url, {
      method: 'com.atproto.server.createSession',
      input: { identifier: handle, password },
      bypassKey: pds.bypassKey,
    });
  };

  /** All pages of a list up to the one without a cursor. */
  async function walkList(call: XrpcCall, fromIp: string): Promise<Page[]> {
    const pages: Page[] = [];
    for (let cursor: string | undefined; pages.length < 50;) {
      const page = await callXrpc<Page>(pds.url, { ...call, params: { ...call.params, limit: 100, cursor }, fromIp });
      pages.push(page);
      if (page.cursor === undefined) return pages;
      cursor = page.cursor;
    }
    throw new Error(`${call.method} did not end within 50 pages`);
  }

  it('holds exactly the accounts, posts and follows that were seeded, and a plain walk needs exactly the minimum of calls', async () => {
    const fromIp = '10.0.0.1';
    await pds.reset();
    const repos = (await walkList({ method: 'com.atproto.sync.listRepos' }, fromIp)).flatMap(
      (page) => page.repos ?? [],
    );
    const records = async (did: string, collection: string) =>
      (await walkList(listPosts(did, { collection }), fromIp)).flatMap((page) => page.records ?? []);
    const posts = [];
    const follows = [];
    for (const { did } of repos) {
      posts.push(...(await records(did, 'app.bsky.feed.post')));
      follows.push(...(await records(did, 'app.bsky.graph.follow')));
    }
    const subjects = new Set(follows.map((follow) => follow.value.subject!));
    const followed = [];
    for (const repo of subjects) {
      const call = { method: 'com.atproto.repo.describeRepo', params: { repo }, fromIp };
      followed.push(await callXrpc<{ did: string; handle: string; handleIsCorrect: boolean }>(pds.url, call));
    }

    const { accounts, postUris, followUris, followedDids } = pds.expected;
    expect(repos.map((repo) => repo.did).sort()).toEqual(accounts.map((account) => account.did).sort());
    expect(posts.map((post) => post.uri).sort()).toEqual([...postUris].sort());
    expect(follows.map((follow) => follow.uri).sort()).toEqual([...followUris].sort());
    expect([...subjects].sort()).toEqual([...followedDids].sort());
    expect([postUris.length, followUris.length, new Set(postUris).size]).toEqual([15, 6, 15]);
    for (const account of followed) {
      expect(account.handle).toBe(accounts.find(({ did }) => did === account.did)?.handle);
      expect(account.handleIsCorrect).toBe(true);
    }

    const stats = await pds.stats();
    expect(stats.total).toBe(minimumCalls(pds.expected, { pageLimit: 100 }));
    expect(stats).toMatchObject({ total: 17, refused: 0, bypassed: 0, byStatus: { '200': 17 } });
    expect(stats.byPath['com.atproto.repo.listRecords']).toEqual({ total: 12, refused: 0 });
  });

  it('sends a cursor with the last page too, and ends every list with an empty page', async () => {
    const [account] = pds.expected.accounts;
    const pages = await walkList(listPosts(account!.did), '10.0.0.2');
    expect(pages.map((page) => page.records?.length)).toEqual([5, 0]);
    expect(pages[0]?.cursor).toBeTypeOf('string');
    expect(pages[1]).toEqual({ records: [] });

    const none = await callXrpc<Page>(pds.url, listPosts(account!.did, { collection: 'app.bsky.feed.like' }));
    expect(none).toEqual({ records: [] });
  });

  it('refuses the call above the limit with RateLimit headers and no Retry-After, for that address only, until the window ends', async () => {
    const fromIp = '10.0.0.3';
    const call = { method: 'com.atproto.sync.listRepos' };
    await pds.reset();
    const beforeMs = Date.now();
    const answers = [await send(call, fromIp)];
    const firstAnsweredMs = Date.now();
    while (answers.length <= limit) answers.push(await send(call, fromIp));

    expect(answers.map((answer) => answer.status)).toEqual([...Array<number>(limit).fill(200), 429]);
    expect(answers.map((answer) => Number(answer.headers.get('ratelimit-remaining')))).toEqual([
      ...Array.from({ length: limit }, (_, n) => limit - 1 - n),
      0,
    ]);
    const refusal = answers.at(-1)!;
    expect(refusal.headers.get('ratelimit-limit')).toBe(`${limit}`);
    expect(refusal.headers.get('ratelimit-policy')).toBe(`${limit};w=${windowSeconds}`);
    expect(refusal.headers.get('retry-after')).toBeNull();
    expect(await errorOf(refusal)).toBe('429 RateLimitExceeded: Rate Limit Exceeded');

    // Whole seconds, rounded down: up to a second before the window's real end.
    const resetMs = Number(refusal.headers.get('ratelimit-reset')) * 1_000;
    expect(resetMs).toBeGreaterThan(beforeMs + windowSeconds * 1_000 - 1_000);
    expect(resetMs).toBeLessThanOrEqual(firstAnsweredMs + windowSeconds * 1_000);

    expect((await send(call, '10.0.0.4')).status).toBe(200);
    expect(
      (await sendXrpc(pds.url, { ...call, fromIp, bypassKey: pds.bypassKey })).headers.has('ratelimit-limit'),
    ).toBe(false);
    expect(await pds.stats()).toMatchObject({ total: limit + 2, refused: 1, bypassed: 1 });

    await expect.poll(async () => (await send(call, fromIp)).status, { timeout: 10_000, interval: 200 }).toBe(200);
    expect(Date.now()).toBeGreaterThanOrEqual(beforeMs + windowSeconds * 1_000);
  });

  it('names what is wrong in the body, since one status means many things', async () => {
    const fromIp = '10.0.0.5';
    const unknown = 'did:plc:aaaaaaaaaaaaaaaaaaaaaaaa';
    const getSession = { method: 'com.atproto.server.getSession' };
    const { did } = pds.expected.accounts[0]!;
    const { refreshJwt } = await logIn();
    const describe = { method: 'com.atproto.repo.describeRepo', params: { repo: unknown } };
    const refresh = { method: 'com.atproto.server.refreshSession', token: refreshJwt };

    const table: readonly (readonly [XrpcCall, string])[] = [
      [listPosts(unknown), `400 InvalidRequest: Could not find repo: ${unknown}`],
      [describe, `400 RepoNotFound: Could not find repo for DID: ${unknown}`],
      [{ ...getSession, token: 'no-token' }, '400 InvalidToken: Token could not be verified'],
      [{ ...getSession, token: refreshJwt }, '400 InvalidToken: Invalid token type'],
      [{ ...refresh, input: {} }, '400 InvalidRequest: A request body was provided when none was expected'],
      [getSession, '401 AuthMissing: Authentication Required'],
      [listPosts(did, { limit: 101 }), '500 InternalServerError: Internal Server Error'],
    ];
    for (const [call, expected] of table) expect(await errorOf(await send(call, fromIp))).toBe(expected);
  });

  it('decides bad parameters and bad tokens before it counts: no RateLimit headers, nothing used up', async () => {
    const fromIp = '10.0.0.6';
    const remaining = (answer: Response): string | null => answer.headers.get('ratelimit-remaining');
    expect(remaining(await send({ method: 'com.atproto.sync.listRepos' }, fromIp))).toBe(`${limit - 1}`);
    expect(remaining(await send({ method: 'com.atproto.server.getSession', token: 'no-token' }, fromIp))).toBeNull();
    expect(
      remaining(await send({ method: 'com.atproto.sync.listRepos', params: { limit: 1_001 } }, fromIp)),
    ).toBeNull();
    expect(remaining(await send({ method: 'com.atproto.sync.listRepos' }, fromIp))).toBe(`${limit - 2}`);
  });

  it('answers an access token past its life with 400 ExpiredToken, and gives a good one for the refresh token', async () => {
    const session = await logIn();
    const getSession = (token: string): Promise<Response> =>
      sendXrpc(pds.url, { method: 'com.atproto.server.getSession', token, bypassKey: pds.bypassKey });
    const refresh = (): Promise<Session> =>
      callXrpc(pds.url, {
        method: 'com.atproto.server.refreshSession',
        post: true,
        token: session.refreshJwt,
        bypassKey: pds.bypassKey,
      });

    await expect
      .poll(async () => (await getSession(session.accessJwt)).status, { timeout: 5_000, interval: 100 })
      .toBe(400);
    expect(await errorOf(await getSession(session.accessJwt))).toBe('400 ExpiredToken: Token has expired');

    const [first, second] = await Promise.all([refresh(), refresh()]);
    const answer = await getSession(first.accessJwt);
    expect(answer.status).toBe(200);
    expect(await answer.json()).toMatchObject({ did: session.did, active: true });
    expect(first.refreshJwt).not.toBe(session.refreshJwt);
    const idOf = (jwt: string): unknown => (JSON.parse(atob(jwt.split('.')[1]!)) as { jti: string }).jti;
    expect(idOf(second.refreshJwt), 'two refreshes at once lead to one successor').toBe(idOf(first.refreshJwt));
  });
});

describe('the end of a Bluesky PDS', () => {
  const small = { accounts: 1, posts: 1, follows: 0 };
  const isAlive = (pid: number): boolean => {
    try {
      return process.kill(pid, 0);
    } catch {
      return false; // no such process: what is asked here
    }
  };

  it(
    'is complete after stop: no process, no port, no temporary files',
    async () => {
      const pds = await startPds(small);
      expect([isAlive(pds.pid), existsSync(pds.dataDir)]).toEqual([true, true]);
      // The second signal comes while the first is being answered.
      await Promise.all([pds.stop(), sleep(10).then(() => pds.stop())]);
      // A busy disk may take its time over the last files.
      await expect.poll(() => [isAlive(pds.pid), existsSync(pds.dataDir)]).toEqual([false, false]);
      for (const url of [pds.url, pds.plcUrl, pds.controlUrl]) await expect(fetch(url)).rejects.toThrow('fetch failed');
    },
    withInstallMs,
  );

  it('comes by itself when its parent is killed', async () => {
    const packages = await installServer();
    const start = `require('node:child_process').spawn(process.execPath, [${JSON.stringify(`${serverFolder}start-pds.mjs`)}, '--packages', ${JSON.stringify(packages)}], { stdio: ['pipe', 'inherit', 'inherit'] })`;
    const parent = spawn(process.execPath, ['-e', start], { stdio: ['ignore', 'pipe', 'inherit'] });
    const [line] = (await once(createInterface({ input: parent.stdout }), 'line')) as [string];
    const pds = JSON.parse(line) as PdsAddress;
    expect(isAlive(pds.pid)).toBe(true);
    parent.kill('SIGKILL');
    try {
      await expect.poll(() => isAlive(pds.pid), { timeout: 10_000 }).toBe(false);
    } finally {
      if (isAlive(pds.pid)) process.kill(pds.pid, 'SIGKILL');
    }
    expect(existsSync(pds.dataDir)).toBe(false);
  });

  it('waits for its own SIGTERM when it was told to outlive its parent', async () => {
    const pdsModule = new URL('../../../examples/bluesky/pds.ts', import.meta.url).href;
    const script = `import(${JSON.stringify(pdsModule)}).then((module) => module.startPds(${JSON.stringify({ ...small, outlivesParent: true })})).then((pds) => console.log(JSON.stringify(pds)))`;
    const { stdout } = await promisify(execFile)(process.execPath, ['--import', 'tsx', '-e', script]);
    const pds = JSON.parse(stdout) as RunningPds;
    try {
      const [account] = pds.expected.accounts;
      expect(await callXrpc(pds.url, { method: 'com.atproto.sync.listRepos' })).toMatchObject({
        repos: [{ did: account!.did }],
      });
    } finally {
      process.kill(pds.pid, 'SIGTERM');
    }
    await expect.poll(() => isAlive(pds.pid), { timeout: 10_000 }).toBe(false);
  });

  it('leaves no process when the PDS can not come up, and says why', async () => {
    await expect(startPds({ ...small, dataDir: serverFolder })).rejects.toThrow(
      `--data-dir must be an empty or missing folder, ${serverFolder.slice(0, -1)} has files in it`,
    );
  });
});

describe('the minimum of a walk', () => {
  const account = (posts: number, follows: number) => ({ posts, follows: Array<string>(follows).fill('did:plc:x') });

  it.each([
    { items: 0, calls: 1 },
    { items: 1, calls: 2 },
    { items: 100, calls: 2 },
    { items: 101, calls: 3 },
    { items: 200, calls: 3 },
  ])('counts $calls calls for a list of $items items, the empty page at its end among them', ({ items, calls }) => {
    const lists = { accounts: [account(items, 0)], followedDids: [] };
    expect(minimumCalls(lists, { pageLimit: 100 })).toBe(2 + calls + 1);
  });

  it('visits every followed account once, however many follow it', () => {
    const network = {
      accounts: Array.from({ length: 40 }, () => account(60, 20)),
      followedDids: Array<string>(40).fill('did'),
    };
    expect(minimumCalls(network, { pageLimit: 100 })).toBe(2 + 40 * 2 + 40 * 2 + 40);
  });

  it.each([
    { calls: 0, seconds: 0 },
    { calls: 50, seconds: 0 },
    { calls: 51, seconds: 10 },
    { calls: 202, seconds: 40 },
  ])('gives $calls calls at 50 per 10 s $seconds s', ({ calls, seconds }) => {
    expect(idealSeconds(calls, 50, 10)).toBe(seconds);
  });
});
