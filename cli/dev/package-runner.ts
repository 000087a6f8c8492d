/**
 * The `npx` (npm, pnpm, yarn, bun) that has started this process, and whether it is still there. It stands between a
 * person and us with a shell of its own. A signal sent to it ends it or that shell, and does not arrive here.
 */
import { commandLineOf, parentOf } from '../../dev-servers/server-process.ts';

const LOOK_EVERY_MS = 1_000;
const RUNNERS = /(?:^|[/\s])(?:npm|npx|pnpm|pnpx|yarn|bunx?)(?:-cli)?(?:\.c?js)?(?=\s|$)/;
const MOST_ANCESTORS = 6;

/** Calls `listener` once, when the runner or a process between it and us has ended. Does nothing when there is no runner. */
export function packageRunnerEnds(listener: () => void): void {
  // Set by all of them for what they start.
  if (process.env['npm_config_user_agent'] === undefined) return;
  const chain = chainToRunner();
  if (chain.length === 0) return;
  const timer = setInterval(() => {
    // Who has lost its parent is given another one.
    if (chain.every(([pid, parent]) => parentOf(pid) === parent)) return;
    clearInterval(timer);
    listener();
  }, LOOK_EVERY_MS);
  timer.unref();
}

/** Pairs of process and parent, from us up to the runner; empty when none of our ancestors is one. */
function chainToRunner(): [number, number][] {
  const chain: [number, number][] = [];
  for (let pid = process.pid; chain.length < MOST_ANCESTORS;) {
    const parent = parentOf(pid);
    if (parent === undefined || parent <= 1) return [];
    chain.push([pid, parent]);
    if (RUNNERS.test(commandLineOf(parent))) return chain;
    pid = parent;
  }
  return [];
}
