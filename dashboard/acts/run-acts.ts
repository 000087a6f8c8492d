/** What can be done to one run. Used by: `acts.ts`. */
import { OTHER_FLAWS } from '../../contracts/run.ts';
import type { RunProgress, Sluice } from '../../client/index.ts';
import { counted } from '../../contracts/limits/limit-words.ts';
import type { Act } from './act.ts';

export const PAUSED = [
  'No call is begun a second or two from now; those on their way are heard to their end.',
  'What is stored stays. Resuming goes on at the page where each list was: nothing is read twice.',
  'Tokens, limits and other runs of the account are not touched. A start of the same sync meets the paused run.',
];
export const CANCELLED = [
  'The run ends as cancelled, a second or two from now. What is stored stays.',
  'It can’t be resumed. A new run of an incremental sync asks from the last watermarks on.',
];
export const RETRIED = [
  'A new run reads the failed and unfinished lists again, each from its first page, and nothing else.',
];
const ALL_FLAWS = ['Lists that were skipped, cut off, capped or looped are read again, too.'];

export const runActs: Readonly<Record<string, Act>> = {
  'pause-run': ofRun('Pause', PAUSED, async (sluice, { workflowId }) => {
    await sluice.run({ workflowId }).pause();
    return 'It is paused.';
  }),
  'resume-run': ofRun('Resume', ['It goes on at the page where it was.'], async (sluice, { workflowId }) => {
    await sluice.run({ workflowId }).resume();
    return 'It goes on.';
  }),
  'cancel-run': {
    ...ofRun('Cancel', CANCELLED, async (sluice, { workflowId }) => {
      await sluice.run({ workflowId }).cancel();
      return 'It is being cancelled.';
    }),
    isDangerous: true,
  },
  'retry-run': ofRun('Retry what failed', RETRIED, async (sluice, { workflowId }) => {
    await sluice.run({ workflowId }).retryFailed();
    return 'A run of the failed lists was started.';
  }),
  'retry-flaws': ofRun('Read all flaws again', [...RETRIED, ...ALL_FLAWS], async (sluice, { workflowId }) => {
    await sluice.run({ workflowId }).retryFailed({ also: OTHER_FLAWS });
    return 'A run of all lists with flaws was started.';
  }),
  'start-again': ofRun(
    'Start again',
    ['A new run begins with the input of this one. An incremental sync asks for what has changed since.'],
    async (sluice, { workflowId }) => {
      await sluice.run({ workflowId }).startAgain();
      return 'A new run was started.';
    },
  ),
};

/** @param perform is given the run only while it is the newest of its sync and account: the client acts on that one. */
function ofRun(
  words: string,
  effects: readonly string[],
  perform: (sluice: Sluice, run: RunProgress) => Promise<string>,
): Act {
  return {
    words,
    of: ['run'],
    preview: async (sluice, { run = '' }) => {
      const found = await newestOnly(sluice, run);
      const inHand = found.nodes.reduce((sum, { units }) => sum + units.running, 0);
      const waiting = found.nodes.reduce((sum, { units }) => sum + units.waiting, 0);
      const left =
        found.endedAt === null && inHand + waiting > 0
          ? [`It has ${counted(inHand, 'list')} in hand, and ${counted(waiting, 'list')} not begun.`]
          : [];
      return { subject: `${found.sync} of ${found.account}`, effects: [...left, ...effects] };
    },
    back: ({ run = '' }) => [['runs', run]],
    perform: async (sluice, fields) => perform(sluice, await newestOnly(sluice, fields['run'] ?? '')),
  };
}

/** @throws Error for a run that is none, or that has a newer one. */
async function newestOnly(sluice: Sluice, runId: string): Promise<RunProgress> {
  const found = await sluice.progress(runId);
  if (found === undefined) throw new Error('There is no such run.');
  await refuseOlder(sluice, found);
  return found;
}

/** @throws Error for a run that has a newer one. */
export async function refuseOlder(
  sluice: Sluice,
  { runId, sync, account }: Pick<RunProgress, 'runId' | 'sync' | 'account'>,
): Promise<void> {
  const [newest] = await sluice.runs.list({ sync, account, limit: 1 });
  if (newest !== undefined && newest.runId !== runId)
    throw new Error('There is a newer run of this sync and account. Look at that one.');
}
