/**
 * A worker process of a peer: callers that take permits with another library and call the hidden-limit server, or only
 * take permits as fast as they can. Started by `peers.ts` as `node --import tsx peer-caller.ts '<PeerOptions as JSON>'`.
 */
import { Agent } from 'node:http';
import { fileURLToPath } from 'node:url';
import Bottleneck from 'bottleneck';
import { RateLimiterPostgres, RateLimiterRes } from 'rate-limiter-flexible';
import { createPool } from '../../db/pool.ts';
import { createLimiter, isFresh } from '../../limiter/index.ts';
import { call } from '../learned/http-call.ts';
import { machineMs } from './hidden-server.ts';
import { sleep } from './processes.ts';

export interface PeerOptions {
  readonly tool: 'sluice' | 'rate-limiter-flexible' | 'bottleneck';
  readonly url: string;
  /** The third party; without it permits are only counted. */
  readonly serverPort?: number;
  readonly path: string;
  /** The limits of one call, each on a key of its own. */
  readonly limits: readonly { readonly max: number; readonly perMs: number }[];
  /** This process' share of the limit, for a tool that shares nothing with other processes. */
  readonly share: number;
  readonly callers: number;
  readonly runMs: number;
  readonly startAt: number;
}

/** Runs one call as soon as the tool lets it. */
type Gate = (send: () => Promise<number>, serial: number) => Promise<void>;

async function run(options: PeerOptions): Promise<number> {
  const { serverPort, path, callers, runMs } = options;
  const gate = gates[options.tool](options);
  const agent = new Agent({ keepAlive: true, maxSockets: 600 });
  await sleep(Math.max(0, options.startAt - machineMs()));
  const endsAt = performance.now() + runMs;
  let permits = 0;
  const send = async (): Promise<number> => {
    if (performance.now() > endsAt) return 0;
    permits += 1;
    return serverPort === undefined ? 200 : call(agent, serverPort, path);
  };
  const one = async (index: number): Promise<void> => {
    for (let serial = index; performance.now() < endsAt; serial += callers) await gate(send, serial);
  };
  await Promise.race([sleep(runMs + 2_000), Promise.all(Array.from({ length: callers }, (_, index) => one(index)))]);
  return permits;
}

const gates: Record<PeerOptions['tool'], (options: PeerOptions) => Gate> = {
  sluice({ url, limits }) {
    const limiter = createLimiter({ pool: createPool(url, { max: 4 }) });
    const charges = limits.map(({ max, perMs }) => ({
      limit: { kind: 'window' as const, name: `w${perMs}`, max, perMs },
      key: `peers/w${perMs}/all`,
      cost: 1,
    }));
    return async (send, serial) => {
      const callKey = `${process.pid}-${serial}`;
      for (;;) {
        const asked = await limiter.acquire({ callKey, account: 'all', charges });
        if (!asked.granted) await sleep(asked.retryAfterMs);
        else if (!isFresh(asked.permit)) await limiter.report(asked.permit, { result: 'not-sent' });
        else return limiter.report(asked.permit, { result: (await send()) === 429 ? 'refused' : 'ok' });
      }
    };
  },
  // Fixed windows on the clock of each process; who is refused is told how long the window still lasts.
  'rate-limiter-flexible'({ url, limits }) {
    const storeClient = createPool(url, { max: 10 });
    const limiters = limits.map(
      ({ max, perMs }) =>
        new RateLimiterPostgres({
          storeClient,
          // It would tell by the name of the class, and ours is another one.
          storeType: 'pool',
          tableName: 'peer_limits',
          tableCreated: true,
          keyPrefix: `w${perMs}`,
          points: max,
          duration: perMs / 1_000,
          clearExpiredByTimeout: false,
        }),
    );
    return async (send) => {
      try {
        for (const limiter of limiters) await limiter.consume('all');
      } catch (refusal) {
        if (!(refusal instanceof RateLimiterRes)) throw refusal;
        return sleep(Math.max(1, refusal.msBeforeNext));
      }
      await send();
    };
  },
  // In this process alone: each one is given its share.
  bottleneck({ limits, share }) {
    const { max, perMs } = limits[0]!;
    const own = new Bottleneck({
      reservoir: Math.floor(max * share),
      reservoirRefreshAmount: Math.floor(max * share),
      reservoirRefreshInterval: perMs,
    });
    return async (send) => {
      await own.schedule(send);
    };
  },
};

if (process.argv[1] === fileURLToPath(import.meta.url)) {
  const options = JSON.parse(process.argv[2] ?? '{}') as PeerOptions;
  process.stdout.write(`${JSON.stringify({ permits: await run(options) })}\n`);
  process.exit(0);
}
