/**
 * The demo: a real Bluesky server on this machine, synced whole by two worker processes, with what was stored beside what
 * was seeded, and the calls and seconds it took beside the fewest possible. `npm run demo -- --help` has its options.
 * Next: `pds.ts` for the third party, `../../client/connect.ts` for our side.
 */
import { once } from 'node:events';
import { connect, type Sluice, type SyncHandle } from '../../client/index.ts';
import { progressText } from '../../cli/text/progress.ts';
import { startDevServers, type DevServers } from '../../workers/index.ts';
import { stopDevServers } from '../../dev-servers/index.ts';
import { readDemoOptions, type DemoOptions } from './demo-options.ts';
import { rememberKept, startWorkerProcess, stopKept, stopProcess, untilNoneIsLeft } from './demo-processes.ts';
import { idealSeconds, minimumCalls } from './minimum-calls.ts';
import { nextSteps } from './next-steps.ts';
import { startPds, type RunningPds } from './pds.ts';
import { network } from './sluice.ts';

const options = readDemoOptions(process.argv);
const say = (line: string): void =>
  (options.json ? process.stderr : process.stdout).write(`${line}\n`) as unknown as void;

if (options.stop) {
  const processes = await stopKept();
  const servers = await stopDevServers(options.dataDir === undefined ? {} : { dataDir: options.dataDir });
  say(`Stopped ${processes} processes and ${servers.join(' and ') || 'no servers'}.`);
} else {
  await runDemo(options);
}

async function runDemo(demo: DemoOptions): Promise<void> {
  const { accounts, posts, follows, limit, windowSeconds } = demo;
  const closers: (() => Promise<void>)[] = [];
  const closeAll = async () => {
    for (const close of closers.toReversed()) await close();
  };
  process.once('SIGINT', () => void closeAll().then(() => process.exit(130)));
  try {
    say('Starting Postgres, Temporal and a Bluesky PDS …');
    const servers = await startDevServers({
      log: say,
      ...(demo.dataDir === undefined ? {} : { dataDir: demo.dataDir }),
    });
    if (!demo.keep) closers.push(() => servers.stop());
    const pds = await startPds({ accounts, posts, follows, limit, windowSeconds, outlivesParent: demo.keep, log: say });
    if (!demo.keep) closers.push(() => pds.stop());
    const taskQueue = `demo-${process.pid}`;
    const where = {
      databaseUrl: servers.databaseUrl,
      temporalAddress: servers.temporalAddress,
      taskQueue,
      pdsUrl: pds.url,
      limit: demo.limit,
      windowSeconds: demo.windowSeconds,
    };
    const workers = Array.from({ length: demo.workers }, (_, index) => startWorkerProcess(index + 1, where, demo.keep));
    if (!demo.keep) closers.push(async () => void (await Promise.all(workers.map(({ child }) => stopProcess(child)))));
    const sluice = await connect({
      databaseUrl: servers.databaseUrl,
      temporal: { address: servers.temporalAddress },
      taskQueue,
    });
    closers.push(() => sluice.close());

    const account = `demo-${Date.now().toString(36)}`;
    const run = await sluice.start(network, { account, input: {}, priority: 'interactive' });
    if (servers.webUiUrl)
      say(`Look at it:  ${servers.webUiUrl}/namespaces/default/workflows/${encodeURIComponent(run.workflowId)}`);
    const left = untilNoneIsLeft(workers);
    await Promise.race([untilTaken(run), left]);
    if (demo.killWorker) killOne(run, workers[0]);
    await Promise.race([watch(run, demo), left]);
    // They are stopped now, and that is no mistake.
    left.catch(() => {});
    const isRight = await report(sluice, run, pds, account, demo);
    if (isRight) say(['', ...nextSteps(demo)].join('\n'));
    if (demo.keep) await keep(servers, [pds.pid, ...workers.map(({ child }) => child.pid as number)]);
    process.exitCode = isRight ? 0 : 1;
  } finally {
    await closeAll();
  }
}

/** Workers take some seconds to come up; the run begins when the first of them takes it. */
async function untilTaken(run: SyncHandle): Promise<void> {
  while ((await run.progress()).state === 'starting') await pause(100);
}

/** SIGKILL in the middle: nothing is drained, nothing is said. */
function killOne(run: SyncHandle, worker: ReturnType<typeof startWorkerProcess> | undefined): void {
  void (async () => {
    for (;;) {
      const progress = await run.progress();
      if ('nodes' in progress && progress.nodes.reduce((calls, node) => calls + node.calls, 0) >= 60) break;
      await pause(50);
    }
    worker?.child.kill('SIGKILL');
    if (worker) await once(worker.child, 'exit');
    say('Killed worker 1 with SIGKILL.');
  })();
}

async function watch(run: SyncHandle, demo: DemoOptions): Promise<void> {
  const live = process.stdout.isTTY && !demo.json;
  let printed = 0;
  let next = 0;
  const ended = run.result().then(() => true);
  for (let done = false; !done;) {
    const text = progressText(await run.progress());
    if (live) {
      if (printed) process.stdout.write(`\u001B[${printed}A\u001B[J`);
      process.stdout.write(`${text}\n`);
      printed = text.split('\n').length;
    } else if (performance.now() >= next) {
      say(text);
      next = performance.now() + 5_000;
    }
    done = await Promise.race([ended, pause(live ? 250 : 500).then(() => false)]);
  }
}

async function report(
  sluice: Sluice,
  run: SyncHandle,
  pds: RunningPds,
  account: string,
  demo: DemoOptions,
): Promise<boolean> {
  const progress = await run.progress();
  if (!('nodes' in progress)) throw new Error('The run has vanished.');
  const counts: Record<string, number> = {};
  for (const name of ['accounts', 'posts', 'follows', 'followed'] as const) {
    counts[name] = 0;
    for await (const _ of sluice.records<unknown>(network[name], { account, batchSize: 5_000 })) counts[name]++;
  }
  const { expected } = pds;
  const follows = expected.accounts.reduce((sum, each) => sum + each.follows.length, 0);
  const posts = expected.accounts.reduce((sum, each) => sum + each.posts, 0);
  const wanted: Record<string, number> = {
    accounts: expected.accounts.length,
    posts,
    follows,
    followed: expected.followedDids.length,
  };
  const sum = (of: Record<string, number>) => Object.values(of).reduce((total, each) => total + each, 0);
  const stats = await pds.stats();
  const minimum = minimumCalls(expected, { pageLimit: 100 });
  const summary = {
    rows: sum(counts),
    expectedRows: sum(wanted),
    calls: stats.total,
    minimumCalls: minimum,
    refused: stats.refused,
    seconds: Number(((Date.parse(progress.endedAt ?? '') - Date.parse(progress.startedAt)) / 1000).toFixed(2)),
    idealSeconds: idealSeconds(minimum, demo.limit, demo.windowSeconds),
  };
  say('');
  say(progressText(progress));
  say('');
  for (const name of Object.keys(wanted))
    say(`  ${name.padEnd(10)} ${String(counts[name]).padStart(6)} rows of ${wanted[name]} seeded`);
  say(
    `  calls      ${String(summary.calls).padStart(6)}, at least ${minimum} are needed; ${summary.refused} refused (the PDS's own count)`,
  );
  say(
    `  seconds    ${String(summary.seconds).padStart(6)}, at least ${summary.idealSeconds} at ${demo.limit} calls per ${demo.windowSeconds} s`,
  );
  if (demo.json) console.log(JSON.stringify(summary));
  return Object.keys(wanted).every((name) => wanted[name] === counts[name]) && progress.state === 'done';
}

async function keep(servers: DevServers, pids: readonly number[]): Promise<void> {
  await rememberKept(pids);
  await servers.keepRunning();
  say(
    `Everything is left running${servers.webUiUrl ? ` (Web UI ${servers.webUiUrl})` : ''}. To end it: npm run demo -- --stop`,
  );
}

function pause(ms: number): Promise<void> {
  return new Promise((resolve) => {
    setTimeout(resolve, ms);
  });
}
