/**
 * What can be done to all runs that a filter matches. Their number is shown and confirmed; runs that begin later are not among them.
 * Each run has its own line in the audit, which says of how many it is one. Used by: `acts.ts`.
 */
import type { ListedRun, Sluice } from '../../client/index.ts';
import { counted } from '../../contracts/limits/limit-words.ts';
import { capped } from '../parts/count.ts';
import { selectionOf } from '../views/runs.ts';
import type { Act, Fields } from './act.ts';
import { inTime } from './in-time.ts';
import { CANCELLED, PAUSED, refuseOlder, RETRIED } from './run-acts.ts';

/** Read at once. */
const STEP = 500;
const SIDE_BY_SIDE = 10;
/** Behind every run that began in the same microsecond. */
const LAST_ID = 'ffffffff-ffff-ffff-ffff-ffffffffffff';

export const bulkActs: Readonly<Record<string, Act>> = {
  'pause-all': ofAll('Pause', 'paused', PAUSED, (sluice, { workflowId }) => sluice.run({ workflowId }).pause()),
  'resume-all': ofAll('Resume', 'resumed', ['Each goes on at the page where it was.'], (sluice, { workflowId }) =>
    sluice.run({ workflowId }).resume(),
  ),
  'cancel-all': ofAll('Cancel', 'cancelled', CANCELLED, (sluice, { workflowId }) =>
    sluice.run({ workflowId }).cancel(),
  ),
  'retry-all': ofAll('Retry what failed in', 'started again', RETRIED, (sluice, { workflowId }) =>
    sluice.run({ workflowId }).retryFailed(),
  ),
};

function ofAll(
  words: string,
  done: string,
  effects: readonly string[],
  perform: (sluice: Sluice, run: ListedRun) => Promise<unknown>,
): Act {
  return {
    words: `${words} all that match`,
    isDangerous: true,
    of: ['state', 'sync', 'provider', 'account'],
    preview: async (sluice, fields) => {
      const selection = selectionOf(new URLSearchParams(fields));
      const [counts, [newest]] = await Promise.all([
        sluice.runs.count(selection),
        sluice.runs.list({ ...selection, limit: 1 }),
      ]);
      const number = Object.values(counts).reduce((sum, each) => sum + each, 0);
      if (newest === undefined) throw new Error('No run matches any more.');
      return {
        subject: `${capped(number)} ${number === 1 ? 'run' : 'runs'}: ${named(fields)}`,
        effects: [...effects, 'Runs that begin from now on are not among them.'],
        confirmed: { count: capped(number), upto: newest.place },
      };
    },
    back: ({ state = '', sync = '', provider = '', account = '' }) => [['runs'], { state, sync, provider, account }],
    why: whyOfAll,
    perform: (sluice, fields) => {
      let [seen, left, firstLeft] = [0, 0, ''];
      const said = (): string => {
        const but = left === 0 ? '' : ` ${counted(left, 'run')} left alone, e.g.: ${firstLeft}`;
        return `${seen - left} of ${counted(seen, 'run')} ${done}.${but}`;
      };
      const all = throughAll(sluice, fields, async (run) => {
        seen++;
        try {
          await refuseOlder(sluice, run);
          await perform(sluice, run);
        } catch (error) {
          if (left++ === 0) firstLeft = `${run.workflowId}: ${error instanceof Error ? error.message : String(error)}`;
        }
      });
      return inTime(all.then(said), () => `${said()} The rest is being done; the audit says of each when it is.`);
    },
  };
}

/** Of how many each is one. */
function whyOfAll(fields: Fields): string | undefined {
  return fields['upto'] === undefined ? undefined : `one of ${fields['count'] ?? '?'} that match ${named(fields)}`;
}

function named(fields: Fields): string {
  return Object.values(selectionOf(new URLSearchParams(fields))).join(', ') || 'all';
}

/** Those that matched when their number was shown, newest first. */
async function throughAll(sluice: Sluice, fields: Fields, work: (run: ListedRun) => Promise<void>): Promise<void> {
  const selection = selectionOf(new URLSearchParams(fields));
  let after = (fields['upto'] ?? '').replace(/\..*$/, `.${LAST_ID}`);
  for (;;) {
    const runs = await sluice.runs.list({ ...selection, after, limit: STEP });
    const queue = runs.values();
    const take = async (): Promise<void> => {
      for (const run of queue) await work(run);
    };
    await Promise.all(Array.from({ length: SIDE_BY_SIDE }, take));
    const last = runs.at(-1);
    if (last === undefined || runs.length < STEP) return;
    after = last.place;
  }
}
