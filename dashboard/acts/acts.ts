/**
 * Everything that the page can do, and nothing else changes anything. Each act says first what it will do, to how many; then it is done
 * through the client that it is given. Next: `do-act.ts` asks and confirms.
 */
import type { ListedRun, RunProgress, Sluice } from '../../client/index.ts';
import { counted } from '../../contracts/limits/limit-words.ts';
import type { Act, Fields } from './act.ts';
import { scheduleActs } from './schedule-acts.ts';
import { capped } from '../parts/count.ts';
import { selectionOf } from '../views/runs.ts';

/** At most so many runs by one confirmation. */
export const MOST_AT_ONCE = 1_000;
const SIDE_BY_SIDE = 10;
/** Behind every run that began in the same microsecond. */
const LAST_ID = 'ffffffff-ffff-ffff-ffff-ffffffffffff';

const PAUSED = [
  'No call is begun a second or two from now; those on their way are heard to their end.',
  'What is stored stays. Resuming goes on at the page where each list was: nothing is read twice.',
  'Tokens, limits and other runs of the account are not touched. A start of the same sync meets the paused run.',
];
const CANCELLED = [
  'The run ends as cancelled, a second or two from now. What is stored stays.',
  'It can’t be resumed. A new run of an incremental sync asks from the last watermarks on.',
];
const RETRIED = ['A new run reads the failed and unfinished lists again, each from its first page, and nothing else.'];

const ALL_FLAWS = ['Lists that were skipped, cut off, capped or looped are read again, too.'];

export const acts: Readonly<Record<string, Act>> = {
  ...scheduleActs,
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
    await sluice.run({ workflowId }).retryFailed({ also: ['skipped', 'truncated', 'capped', 'looped', 'flawed'] });
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
  'pause-all': ofAll('Pause', 'paused', PAUSED, (sluice, { workflowId }) => sluice.run({ workflowId }).pause()),
  'resume-all': ofAll('Resume', 'resumed', ['Each goes on at the page where it was.'], (sluice, { workflowId }) =>
    sluice.run({ workflowId }).resume(),
  ),
  'cancel-all': {
    ...ofAll('Cancel', 'cancelled', CANCELLED, (sluice, { workflowId }) => sluice.run({ workflowId }).cancel()),
    isDangerous: true,
  },
  'retry-all': ofAll('Retry what failed in', 'started again', RETRIED, (sluice, { workflowId }) =>
    sluice.run({ workflowId }).retryFailed(),
  ),
  'pause-limit': {
    ...ofLimit(
      'Pause',
      async (sluice, { key = '' }) => {
        const found = await sluice.limits.show(key);
        return [
          'No call gets a permit of it any more; calls that wait keep their places. No run fails because of it.',
          found === undefined
            ? 'Nothing has used it so far; keys that turn up below it are paused, too.'
            : `${counted(found.waiting, 'call')} of ${counted(found.accountsWaiting, 'account')} ${found.waiting === 1 ? 'waits' : 'wait'} for it now and would wait until it is resumed.`,
          'Every run whose calls are charged to it stands still, and says so under "why it waits".',
        ];
      },
      async (sluice, { key = '', why = '' }) =>
        `${counted(await sluice.limits.pause(key, why || 'paused by an operator'), 'key')} paused.`,
    ),
    isDangerous: true,
  },
  'resume-limit': ofLimit(
    'Resume',
    async () => ['Calls go on in the order of their places. What an answer had blocked is free as well.'],
    async (sluice, { key = '' }) => `${counted(await sluice.limits.resume(key), 'key')} resumed.`,
  ),
  'override-limit': {
    ...ofLimit(
      'Override',
      async () => [
        'These numbers are in force for all workers at once, in place of what is declared or learned. Nothing given: back to that.',
        '0 stops all calls.',
      ],
      override,
    ),
    isDangerous: true,
    inputs: [
      { name: 'max', label: 'Units per window, or calls in flight', kind: 'number' },
      { name: 'rate', label: 'Calls a second, of a learned limit or a bucket', kind: 'number' },
      { name: 'minutes', label: 'For how many minutes; nothing: until it is taken back', kind: 'minutes' },
    ],
  },
  'forget-limit': {
    ...ofLimit(
      'Forget',
      async () => [
        'What it used and learned is gone, and who waits for it queues anew.',
        'A window that is in use may be exceeded after it.',
      ],
      async (sluice, { key = '' }) =>
        (await sluice.limits.forget(key)) ? 'It is forgotten.' : 'There is no such key any more.',
    ),
    isDangerous: true,
    // The key is not there any more.
    back: () => [['limits']],
  },
  'cancel-action': {
    words: 'Cancel',
    isDangerous: true,
    of: ['id'],
    preview: async (_, { id = '' }) => ({
      subject: id,
      effects: [
        'It is not sent if it was not sent yet. What was sent is looked up first: done is done.',
        'A saga takes back the steps that are done.',
      ],
    }),
    back: ({ id = '' }) => [['actions', id]],
    perform: async (sluice, { id = '' }) => {
      await sluice.action({ workflowId: id }).cancel();
      return 'Its end was asked for.';
    },
  },
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

async function newestOnly(sluice: Sluice, runId: string): Promise<RunProgress> {
  const found = await sluice.progress(runId);
  if (found === undefined) throw new Error('There is no such run.');
  const [newest] = await sluice.runs.list({ sync: found.sync, account: found.account, limit: 1 });
  if (newest !== undefined && newest.runId !== runId)
    throw new Error('There is a newer run of this sync and account. Look at that one.');
  return found;
}

function ofAll(
  words: string,
  done: string,
  effects: readonly string[],
  perform: (sluice: Sluice, run: ListedRun) => Promise<unknown>,
): Act {
  return {
    words: `${words} all that match`,
    of: ['state', 'sync', 'provider', 'account'],
    preview: async (sluice, fields) => {
      const selection = selectionOf(new URLSearchParams(fields));
      const [counts, [newest]] = await Promise.all([
        sluice.runs.count(selection),
        sluice.runs.list({ ...selection, limit: 1 }),
      ]);
      const number = Object.values(counts).reduce((sum, each) => sum + each, 0);
      if (newest === undefined) throw new Error('No run matches any more.');
      const most = number > MOST_AT_ONCE ? [`The newest ${MOST_AT_ONCE} of them; repeat it for the rest.`] : [];
      return {
        subject: `${capped(number)} ${number === 1 ? 'run' : 'runs'}: ${Object.values(selection).join(', ') || 'all'}`,
        effects: [...most, ...effects, 'Runs that begin from now on are not among them.'],
        confirmed: { count: String(number), upto: newest.place },
      };
    },
    back: ({ state = '', sync = '', provider = '', account = '' }) => [['runs'], { state, sync, provider, account }],
    perform: async (sluice, fields) => {
      const { upto = '' } = fields;
      const after = upto.replace(/\..*$/, `.${LAST_ID}`);
      const runs = await sluice.runs.list({
        ...selectionOf(new URLSearchParams(fields)),
        after,
        limit: MOST_AT_ONCE,
      });
      const reasons = await inTurns(runs, async (run) => {
        await newestOnly(sluice, run.runId);
        await perform(sluice, run);
      });
      const left = reasons.length === 0 ? '' : ` ${counted(reasons.length, 'run')} left alone, e.g.: ${reasons[0]}`;
      return `${runs.length - reasons.length} of ${counted(runs.length, 'run')} ${done}.${left}`;
    },
  };
}

/** @returns why it could not be done, of those where it could not. */
async function inTurns(runs: readonly ListedRun[], work: (run: ListedRun) => Promise<void>): Promise<string[]> {
  const reasons: string[] = [];
  const queue = runs.values();
  const take = async (): Promise<void> => {
    for (const run of queue)
      await work(run).catch((error: unknown) =>
        reasons.push(`${run.workflowId}: ${error instanceof Error ? error.message : String(error)}`),
      );
  };
  await Promise.all(Array.from({ length: SIDE_BY_SIDE }, take));
  return reasons;
}

function ofLimit(
  words: string,
  effects: (sluice: Sluice, fields: Fields) => Promise<readonly string[]>,
  perform: (sluice: Sluice, fields: Fields) => Promise<string>,
): Act {
  return {
    words,
    of: ['key'],
    preview: async (sluice, fields) => {
      const { key = '' } = fields;
      if (key === '') throw new Error('No key is named.');
      return { subject: key, effects: await effects(sluice, fields) };
    },
    back: ({ key = '' }) => [['limits', key]],
    perform,
  };
}

async function override(sluice: Sluice, fields: Fields): Promise<string> {
  const [max, ratePerSecond, minutes] = ['max', 'rate', 'minutes'].map((name) => numberIn(fields, name));
  const found = await sluice.limits.override(fields['key'] ?? '', {
    ...(max === undefined ? {} : { max }),
    ...(ratePerSecond === undefined ? {} : { ratePerSecond }),
    ...(minutes === undefined ? {} : { forMs: minutes * 60_000 }),
  });
  if (!found) return 'There is no such key any more.';
  if (max === undefined && ratePerSecond === undefined) return 'Back to what is declared or learned.';
  return `Overridden${minutes === undefined ? '' : ` for ${counted(minutes, 'minute')}`}.`;
}

function numberIn(fields: Fields, name: string): number | undefined {
  const text = fields[name]?.trim() ?? '';
  if (text === '') return undefined;
  const value = Number(text);
  if (!Number.isFinite(value) || value < 0) throw new TypeError(`"${text}" is no number from 0 on.`);
  return value;
}
