/**
 * Somebody who knows the hidden limit and takes every call it allows at once: the ideal that is printed beside the rest.
 * Next: `bench/learned.ts`.
 */
import { hiddenServer } from './servers.ts';
import { runOn } from './world.ts';
import type { Run, WorldSpec } from './world.ts';

/** Its calls take no time, so it needs no margin for their travel. */
export function oracleRun(spec: WorldSpec): Run {
  const server = hiddenServer(spec.server, spec.seed);
  let isAsking = false;
  return runOn(server, { ...spec, latencyMs: 0 }, () => ({
    nextMs(nowMs) {
      if (isAsking) return Number.POSITIVE_INFINITY;
      const freeMs = server.nextFreeMs(nowMs);
      return freeMs <= nowMs ? nowMs : freeMs + 1e-3;
    },
    take() {
      isAsking = true;
      return 0;
    },
    answered() {
      isAsking = false;
      return 0;
    },
  }));
}
