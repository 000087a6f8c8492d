/**
 * The control law in real time, shorter: four worker processes with 16 callers each, a server process that tells nobody
 * its limits and counts arrivals on its own clock, a real Postgres; beside it exponential backoff against the same limits.
 * Next: `bench/learned/caller.ts` (the callers), `bench/limiter/hidden-server.ts` (the server).
 */
import { Agent } from 'node:http';
import { machineMs } from '../limiter/hidden-server.ts';
import type { ServerLog } from '../limiter/hidden-server.ts';
import { startBenchPostgres } from '../limiter/postgres.ts';
import { sleep, start, startHiddenServer, stopAll } from '../limiter/processes.ts';
import { atLeast, atMost, printTable } from '../common/measures.ts';
import type { Measure } from '../common/measures.ts';
import type { LearnedCallerOptions } from './caller.ts';
import { call } from './http-call.ts';

const processes = 4;
const callers = 16;
const runMs = 150_000;

const limits = {
  '/twenty-a-second': { max: 40, perMs: 2000 },
  '/window-of-ten-seconds': { max: 120, perMs: 10_000 },
} as const;

interface Half {
  readonly used: number;
  readonly refused: number;
  readonly perAccepted: number;
}

/** @returns one line for each goal; its value is the worse of the two limits. */
export async function realMeasures(): Promise<Measure[]> {
  const postgres = await startBenchPostgres();
  try {
    const { url } = await postgres.createDatabase('learned');
    // At the same time, each against a server of its own.
    const others = against(backOff);
    const ours = await against(async (port) => {
      const startAt = machineMs() + 4000;
      const paths = Object.keys(limits);
      const running = Array.from({ length: processes }, (_, index) =>
        start<null>('../learned/caller.ts', {
          url,
          name: `w${index}`,
          serverPort: port,
          paths,
          callers,
          runMs,
          startAt,
        } satisfies LearnedCallerOptions),
      );
      await Promise.all(running.map(({ result }) => result));
    });
    return judge(ours, await others);
  } finally {
    stopAll();
    await postgres.stop();
  }
}

/** Runs somebody against a fresh server, and reads its log. */
async function against(run: (port: number) => Promise<void>): Promise<Map<string, Half>> {
  const server = await startHiddenServer(limits);
  await run(server.port);
  const log = await server.log();
  await server.stop();
  return new Map(Object.entries(limits).map(([path, limit]) => [path, secondHalf(log, path, limit)]));
}

/** The second half between the first and the last arrival, on the server's clock. */
function secondHalf(log: ServerLog, path: string, limit: { max: number; perMs: number }): Half {
  const { acceptedAt = [], sentAt = [] } = log[path] ?? {};
  const all = sentAt.toSorted((a, b) => a - b);
  const [from, to] = [((all[0] ?? 0) + (all.at(-1) ?? 0)) / 2, all.at(-1) ?? 0];
  const accepted = acceptedAt.filter((at) => at > from && at <= to).length;
  const sent = all.filter((at) => at > from && at <= to).length;
  const refused = Math.max(0, sent - accepted);
  const could = (limit.max * (to - from)) / limit.perMs;
  return { used: accepted / could, refused: refused / Math.max(1, sent), perAccepted: refused / Math.max(1, accepted) };
}

/** As many callers as ours have, none of which knows of the others: 0 … min(20 s, 0.2 s · 2ⁿ) after the n-th refusal. */
async function backOff(port: number): Promise<void> {
  const agent = new Agent({ keepAlive: true, maxSockets: 600 });
  const endsAt = performance.now() + runMs;
  const one = async (path: string): Promise<void> => {
    for (let refusals = 0; performance.now() < endsAt;) {
      const status = await call(agent, port, path);
      refusals = status === 429 ? refusals + 1 : 0;
      if (status === 429) await sleep(Math.random() * Math.min(20_000, 200 * 2 ** refusals));
    }
  };
  await Promise.all(
    Object.keys(limits).flatMap((path) => Array.from({ length: processes * callers }, () => one(path))),
  );
  agent.destroy();
}

function judge(ours: ReadonlyMap<string, Half>, backoff: ReadonlyMap<string, Half>): Measure[] {
  const percent = (share: number | undefined): string => `${(100 * (share ?? Number.NaN)).toFixed(2)} %`;
  console.log(`\nReal time: ${processes} processes × ${callers} callers, ${runMs / 1000} s, second half`);
  printTable(
    ['hidden sliding limit', 'used', 'refused', 'backoff: used', 'refused'],
    Object.entries(limits).map(([path, { max, perMs }]) => {
      const [our, their] = [ours.get(path), backoff.get(path)];
      const name = `${max} in ${perMs / 1000} s`;
      return [name, percent(our?.used), percent(our?.refused), percent(their?.used), percent(their?.refused)];
    }),
  );
  const all = [...ours.values()];
  const fewer = [...ours].map(([path, half]) => 1 - half.perAccepted / (backoff.get(path)?.perAccepted ?? 0));
  return [
    atLeast('real time: used, worse of two', Math.min(...all.map(({ used }) => used)), 'share', 0.85),
    atMost('real time: refused, worse of two', Math.max(...all.map(({ refused }) => refused)), 'share', 0.01),
    atLeast('real time: fewer refusals than backoff, worse of two', Math.min(...fewer), 'share', 0.98),
  ];
}
