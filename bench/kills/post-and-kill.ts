/**
 * Posts to a real PDS while the worker that sends is killed with SIGKILL in the middle of each write, and counts what is
 * there in the end. Several lanes, each with a task queue, a worker process and a proxy of its own.
 */
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import type { RunningPds } from '../../examples/bluesky/pds.ts';
import { callXrpc } from '../../examples/bluesky/xrpc.ts';
import { connect, type ActionHandle } from '../../client/index.ts';
import { nodeArgs, startChild, type Child } from '../engine/child.ts';
import { startKillingProxy, type Moment } from './killing-proxy.ts';
import { createPost } from './worker-module.ts';

export interface KillsOptions {
  readonly pds: RunningPds;
  readonly databaseUrl: string;
  readonly temporalAddress: string;
  readonly kills: number;
  /** Default 2. */
  readonly lanes?: number;
  readonly log?: (line: string) => void;
  /** The repository as built JavaScript, for workers that start quickly. Default: they run the sources. */
  readonly builtFolder?: string;
}

export interface KillsResult {
  readonly kills: number;
  readonly byMoment: Readonly<Record<Moment, number>>;
  readonly posts: number;
  /** Posts of which the PDS has exactly one, with the URI that the app was given. */
  readonly exactlyOnce: number;
  readonly lost: number;
  readonly duplicates: number;
  /** Third-party calls by the workers' own count. */
  readonly calls: number;
  readonly seconds: number;
}

const moments: readonly Moment[] = ['after', 'before', 'late'];

export async function postAndKill(options: KillsOptions): Promise<KillsResult> {
  const { pds, kills, lanes = 2, log, builtFolder } = options;
  const startedAt = performance.now();
  const author = pds.expected.accounts[0]!;
  const session = await callXrpc<{ accessJwt: string }>(pds.url, {
    method: 'com.atproto.server.createSession',
    input: { identifier: author.handle, password: author.password },
    bypassKey: pds.bypassKey,
  });
  const byMoment: Record<Moment, number> = { after: 0, before: 0, late: 0 };
  const uris = new Map<string, string>();
  let next = 0;
  let calls = 0;

  const lane = async (number: number): Promise<void> => {
    const proxy = await startKillingProxy(pds.url);
    const taskQueue = `kills-${number}-${process.pid}`;
    const sluice = await connect({
      databaseUrl: options.databaseUrl,
      temporal: { address: options.temporalAddress },
      taskQueue,
    });
    const env = {
      DATABASE_URL: options.databaseUrl,
      TEMPORAL_ADDRESS: options.temporalAddress,
      SLUICE_TASK_QUEUE: taskQueue,
      BLUESKY_URL: proxy.url,
      KILLS_TOKEN: session.accessJwt,
    };
    let worker = await startWorker(env, builtFolder);
    let replacement: Promise<Child> | undefined;
    const kill = async (moment: Moment): Promise<void> => {
      byMoment[moment] += 1;
      process.kill(worker.pid, 'SIGKILL');
      await worker.ended;
      replacement = startWorker(env, builtFolder);
      replacement.catch(() => {}); // heard where it is waited for
    };
    try {
      for (let index = next++; index < kills; index = next++) {
        const moment = moments[index % moments.length] as Moment;
        const text = `post ${index}`;
        proxy.arm(moment, () => kill(moment));
        const handle: ActionHandle<{ uri: string }> = await sluice.act(createPost, {
          account: author.did,
          input: { repo: author.did, text },
          idempotencyKey: `kills-${process.pid}-${index}`,
        });
        const { uri } = await handle.result();
        uris.set(text, uri);
        calls += (await handle.status())?.calls ?? 0;
        if (replacement === undefined) throw new Error(`The worker lived through "${text}".`);
        const dead = worker;
        worker = await replacement;
        replacement = undefined;
        await dead.stop();
        log?.(`${text}: killed ${moment} the write; ${uri}`);
      }
    } finally {
      await (await replacement?.catch(() => undefined))?.stop();
      await worker.stop();
      await sluice.close();
      await proxy.stop();
    }
  };
  await Promise.all(Array.from({ length: lanes }, (_, number) => lane(number)));

  const there = await postsOf(pds, author.did);
  const ours = Array.from({ length: kills }, (_, index) => `post ${index}`);
  const found = ours.map((text) => ({ text, uris: there.filter((each) => each.text === text).map(({ uri }) => uri) }));
  return {
    kills: byMoment.after + byMoment.before + byMoment.late,
    byMoment,
    posts: ours.length,
    exactlyOnce: found.filter((each) => each.uris.length === 1 && each.uris[0] === uris.get(each.text)).length,
    lost: found.filter((each) => each.uris.length === 0).length,
    duplicates: found.reduce((sum, each) => sum + Math.max(0, each.uris.length - 1), 0),
    calls,
    seconds: (performance.now() - startedAt) / 1_000,
  };
}

function startWorker(env: NodeJS.ProcessEnv, builtFolder: string | undefined): Promise<Child> {
  const module = fileURLToPath(new URL('worker-module.ts', import.meta.url));
  return startChild({
    command: process.execPath,
    args: builtFolder
      ? [join(builtFolder, 'cli/main.js'), 'worker', '--module', join(builtFolder, 'bench/kills/worker-module.js')]
      : nodeArgs(new URL('../../cli/main.ts', import.meta.url), 'worker', '--module', module),
    env,
    readyWhen: /worker is serving/,
  });
}

/** By plain calls, which share no code with what is measured. */
async function postsOf(pds: RunningPds, repo: string): Promise<{ readonly uri: string; readonly text: string }[]> {
  const posts: { uri: string; text: string }[] = [];
  let cursor: string | undefined;
  do {
    const page: { records: { uri: string; value: { text: string } }[]; cursor?: string } = await callXrpc(pds.url, {
      method: 'com.atproto.repo.listRecords',
      params: { repo, collection: 'app.bsky.feed.post', limit: 100, cursor },
      bypassKey: pds.bypassKey,
    });
    posts.push(...page.records.map(({ uri, value }) => ({ uri, text: value.text })));
    cursor = page.cursor;
  } while (cursor !== undefined);
  return posts;
}
