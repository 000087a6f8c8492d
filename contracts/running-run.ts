/**
 * What a start does that finds a run of its sync and account going on. A start that asks for no more than the run has
 * its answer there. Any other would be told of something that it never asked for. Pure.
 * Used by: `client/sync/start-sync.ts`, and by `activities/run/meet-running.ts` for runs that schedules start.
 */
import { shellWord } from './values/shell-word.ts';
import { cleanText } from './values/clean-text.ts';
import { redact } from './secrets/redact.ts';
import type { StartedBy } from './report.ts';
import type { RunMode } from './run.ts';

/**
 * `attach`: take its result, whatever it was asked for · `refuse`: an error · `queue`: a run of its own behind it, in the order of the
 * starts that are queued.
 */
export type IfRunning = 'attach' | 'refuse' | 'queue';

/** A run that was going on when another start came. */
export interface RunningRun {
  readonly workflowId: string;
  readonly runId: string;
  /** What it was started with. */
  readonly input: unknown;
  readonly mode: RunMode;
  readonly startedAt: string;
  readonly startedBy: StartedBy;
  /** It reads only what failed in a run before. */
  readonly isRetry: boolean;
  /**
   * It was cancelled, or its end is written down and its workflow about to close. A start waits for that, and is not
   * answered by it.
   */
  readonly isEnding: boolean;
}

export interface AskedOfRun {
  readonly input: unknown;
  readonly mode: RunMode;
}

/** @param ifRunning undefined: `attach` where the run has been asked for the same, else `refuse`. */
export function meetRunning(ifRunning: IfRunning | undefined, asked: AskedOfRun, running: RunningRun): IfRunning {
  return ifRunning ?? (differences(asked, running).length === 0 ? 'attach' : 'refuse');
}

/** For people: what is going on, since when, and what to do. */
export function busyText(sync: string, account: string, asked: AskedOfRun, running: RunningRun): string {
  const { workflowId, startedAt, startedBy } = running;
  const differs = differences(asked, running);
  const how = differs.length === 0 ? ', for the same' : `, ${differs.join(', and ')}`;
  if (running.isEnding)
    return (
      `A run of "${sync}" for account "${account}" that was started by ${startedBy} at ${startedAt} is being ended, and did not come to ` +
      'its end in time. Look whether a worker serves it (`npx sluice doctor`), then start again.'
    );
  return (
    `A run of "${sync}" for account "${account}" is going on since ${startedAt}, started by ${startedBy}${how}. ` +
    `Wait for its end, end it (\`npx sluice cancel ${shellWord(workflowId)}\`), or say what to do instead. That is ifRunning ` +
    `"queue" (behind it) or "attach" (its result); on the command line \`--if-running\`.`
  );
}

function differences(asked: AskedOfRun, running: RunningRun): string[] {
  const differs: string[] = [];
  if (inOrder(asked.input) !== inOrder(running.input))
    differs.push(`with another input: ${shown(running.input)}, and not ${shown(asked.input)}`);
  // A full run does all that an incremental one does.
  if (asked.mode === 'full' && running.mode !== 'full') differs.push('reading only what changed, and not in full');
  if (running.isRetry) differs.push('reading only what failed before');
  return differs;
}

/** As JSON that is the same for the same value: it has travelled as JSON, and the order of fields means nothing. */
function inOrder(value: unknown): string {
  return (
    JSON.stringify(value ?? null, (_, part: unknown) =>
      typeof part === 'object' && part !== null && !Array.isArray(part)
        ? Object.fromEntries(Object.entries(part).toSorted(([a], [b]) => (a < b ? -1 : 1)))
        : part,
    ) ?? 'null'
  );
}

function shown(input: unknown): string {
  return cleanText(redact(inOrder(input)), 120);
}
