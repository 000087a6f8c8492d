/**
 * Short stacks in workflow threads. Temporal's SDK takes a stack of every promise of a workflow and translates each
 * frame of it by its source map. With V8's usual ten frames that is a tenth of a worker's CPU. The frames nearest to a
 * wait say where a workflow is, in the Web UI's stack trace as in an error. Source:
 * https://v8.dev/docs/stack-trace-api. Next: `create-worker.ts`.
 */
import { setFlagsFromString } from 'node:v8';
import { runInNewContext } from 'node:vm';

/** Of which the first two are the SDK's hook. */
const FRAMES = 4;

let creating = 0;
let usual = 10;

/**
 * Runs `create`; JavaScript contexts that are made meanwhile, those of workflow threads, take at most four frames. Contexts
 * that exist keep their limit, and later ones get the process's own again.
 */
export async function withShortStacks<Created>(create: () => Promise<Created>): Promise<Created> {
  // The flag can be set but not read; a new context shows it.
  if (creating++ === 0) usual = Number(runInNewContext('Error.stackTraceLimit'));
  setFlagsFromString(`--stack-trace-limit=${Math.min(FRAMES, usual)}`);
  try {
    return await create();
  } finally {
    if (--creating === 0) setFlagsFromString(`--stack-trace-limit=${usual}`);
  }
}
