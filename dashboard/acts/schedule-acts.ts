/** What can be done to a schedule. Used by: `acts.ts`. */
import type { ScheduleStanding, Sluice } from '../../client/index.ts';
import { counted } from '../../contracts/limits/limit-words.ts';
import type { Act } from './act.ts';

export const scheduleActs: Readonly<Record<string, Act>> = {
  'pause-schedule': {
    ...ofSchedule(
      'Pause',
      ({ accounts }) => [
        `${counted(accounts, 'account')} ${accounts === 1 ? 'is' : 'are'} not started by it any more. Runs that are going on go on.`,
        'What falls due meanwhile is started once when it is resumed.',
      ],
      async (sluice, id, why) => {
        await sluice.schedules.pause(id, why || undefined);
        return 'It is paused.';
      },
    ),
    isDangerous: true,
  },
  'resume-schedule': ofSchedule(
    'Resume',
    ({ due }) => [`${counted(due, 'account')} ${due === 1 ? 'is' : 'are'} due, and started once.`],
    async (sluice, id) => {
      await sluice.schedules.resume(id);
      return 'It goes on.';
    },
  ),
};

function ofSchedule(
  words: string,
  effects: (schedule: ScheduleStanding) => readonly string[],
  perform: (sluice: Sluice, id: string, why: string) => Promise<string>,
): Act {
  return {
    words,
    of: ['schedule'],
    preview: async (sluice, { schedule: id = '' }) => {
      const found = (await sluice.schedules.list()).find((each) => each.id === id);
      if (found === undefined) throw new Error('There is no such schedule any more.');
      return { subject: `${id}, ${found.when}`, effects: effects(found) };
    },
    back: () => [['schedules']],
    perform: (sluice, { schedule: id = '', why = '' }) => perform(sluice, id, why),
  };
}
