/**
 * `npm run bench -- kills`: 50 posts to a real Bluesky PDS, the worker of each killed with SIGKILL between sending the
 * write and recording it. Exactly one post each must be there. Next: `kills/post-and-kill.ts`.
 */
import { startPds } from '../examples/bluesky/pds.ts';
import { startBenchServers } from './engine/servers.ts';
import { postAndKill } from './kills/post-and-kill.ts';
import type { BenchOptions } from './main.ts';
import { atLeast, atMost, type Measure } from './common/measures.ts';

export interface KillsBenchOptions {
  /** Default 50. */
  readonly kills?: number;
  readonly log?: (line: string) => void;
}

export function runKills(options: BenchOptions): Promise<readonly Measure[]> {
  return runKillsBench({ kills: options.quick ? 6 : 50, log: (line) => console.log(line) });
}

/** @returns the measures; nothing is left running. */
export async function runKillsBench({ kills = 50, log }: KillsBenchOptions = {}): Promise<readonly Measure[]> {
  const servers = await startBenchServers();
  try {
    const temporal = await servers.startTemporal();
    try {
      const pds = await startPds({ accounts: 2, posts: 1, follows: 1 });
      try {
        const result = await postAndKill({
          pds,
          kills,
          databaseUrl: await servers.createDatabase('sluice_kills'),
          temporalAddress: temporal.address,
          ...(log ? { log } : {}),
        });
        log?.(JSON.stringify(result));
        return [
          atLeast('workers killed between sending a write and recording it', result.kills, 'kills', kills),
          atLeast('posts that are there exactly once', result.exactlyOnce, 'posts', kills),
          atMost('posts lost', result.lost, 'posts', 0),
          atMost('posts made twice', result.duplicates, 'posts', 0),
        ];
      } finally {
        await pds.stop();
      }
    } finally {
      await temporal.stop();
    }
  } finally {
    await servers.stop();
  }
}
