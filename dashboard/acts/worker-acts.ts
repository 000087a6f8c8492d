/** What can be done to a worker process from afar. Used by: `acts.ts`. */
import type { Sluice, WorkerControl } from '../../client/index.ts';
import { counted } from '../../contracts/limits/limit-words.ts';
import type { Act, Fields, Input } from './act.ts';
import { numberIn } from './fields-in.ts';

export const workerActs: Readonly<Record<string, Act>> = {
  'set-concurrency': ofWorker(
    'Set how many calls at once it makes',
    ({ startedWith, concurrency }) => [
      `It makes ${concurrency ?? startedWith} calls of each role at once now, and was started with ${startedWith}, which is the most.`,
      'Calls under way go on. Those that find no place are left to other workers, or wait. 0: it makes none.',
      'It holds until the worker ends.',
    ],
    async (sluice, worker, fields) => {
      const calls = numberIn(fields, 'calls');
      await sluice.workers.setConcurrency(worker, calls ?? null);
      return `Within some seconds it makes ${calls === undefined ? 'as many calls at once as it was started with' : `${counted(calls, 'call')} at once`}.`;
    },
    [
      {
        name: 'calls',
        label: 'Calls at once of each role; nothing: as it was started',
        kind: 'number',
        isOptional: true,
      },
    ],
  ),
  'drain-worker': ofWorker(
    'Drain',
    () => [
      'It takes no new work, ends the calls that it has in hand, and ends, as by SIGTERM. What runs it may start it again.',
      'Runs that it has in hand go on in other workers at the page where they are, or wait until there is one.',
    ],
    async (sluice, worker) => {
      await sluice.workers.drain(worker);
      return 'It drains within some seconds.';
    },
  ),
};

function ofWorker(
  words: string,
  effects: (control: WorkerControl) => readonly string[],
  perform: (sluice: Sluice, worker: string, fields: Fields) => Promise<string>,
  inputs: readonly Input[] = [],
): Act {
  return {
    words,
    isDangerous: true,
    of: ['worker'],
    preview: async (sluice, { worker = '' }) => {
      const found = (await sluice.workers.list()).workers.find(({ identity }) => identity === worker);
      if (!found?.control) throw new Error('No such worker was heard of in the last two minutes.');
      return { subject: worker, effects: effects(found.control), inputs };
    },
    back: () => [['workers']],
    perform: (sluice, fields) => perform(sluice, fields['worker'] ?? '', fields),
  };
}
