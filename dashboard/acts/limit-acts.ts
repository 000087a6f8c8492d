/** What can be done to a limit, or to all below a pattern such as `github/*`. Used by: `acts.ts`. */
import type { Sluice } from '../../client/index.ts';
import { counted } from '../../contracts/limits/limit-words.ts';
import { capped } from '../parts/count.ts';
import type { Act, Fields } from './act.ts';
import { numberIn } from './fields-in.ts';

export const limitActs: Readonly<Record<string, Act>> = {
  'pause-limit': {
    ...ofLimit(
      'Pause',
      async (sluice, { key = '' }) => [
        'No call gets a permit of it any more; calls that wait keep their places. No run fails because of it.',
        ...(await held(sluice, key)),
        isPattern(key) ? 'Keys that turn up later are held, too.' : 'What waits for it waits until it is resumed.',
        'Every run whose calls are charged to it stands still, and says so under "why it waits".',
      ],
      async (sluice, { key = '', why = '' }) =>
        `${counted(await sluice.limits.pause(key, why || 'paused by an operator'), 'key')} paused.`,
    ),
    isDangerous: true,
  },
  'resume-limit': ofLimit(
    'Resume',
    async (sluice, { key = '' }) => [
      ...(isPattern(key) ? await held(sluice, key) : []),
      'Calls go on in the order of their places. What an answer had blocked is free as well.',
    ],
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
      [
        { name: 'max', label: 'Units per window, or calls in flight', kind: 'number', isOptional: true },
        { name: 'rate', label: 'Calls a second, of a learned limit or a bucket', kind: 'number', isOptional: true },
        {
          name: 'minutes',
          label: 'For how many minutes; nothing: until it is taken back',
          kind: 'number',
          isOptional: true,
        },
      ],
    ),
    isDangerous: true,
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
};

const isPattern = (key: string): boolean => key.endsWith('/*');

/** Whom a pause would hold up. */
async function held(sluice: Sluice, key: string): Promise<string[]> {
  if (isPattern(key)) {
    const prefix = key.slice(0, -1);
    const [all, waited] = await Promise.all([
      sluice.limits.count({ prefix }),
      sluice.limits.count({ prefix, state: 'waiting' }),
    ]);
    return [
      `${capped(all)} ${all === 1 ? 'key begins' : 'keys begin'} with ${prefix}, and calls wait for ${capped(waited)} of them now.`,
    ];
  }
  const found = await sluice.limits.show(key);
  if (found === undefined) return ['Nothing has used it so far.'];
  return [
    `${counted(found.waiting, 'call')} of ${counted(found.accountsWaiting, 'account')} ${found.waiting === 1 ? 'waits' : 'wait'} for it now.`,
  ];
}

function ofLimit(
  words: string,
  effects: (sluice: Sluice, fields: Fields) => Promise<readonly string[]>,
  perform: (sluice: Sluice, fields: Fields) => Promise<string>,
  inputs: Awaited<ReturnType<Act['preview']>>['inputs'] = [],
): Act {
  return {
    words,
    of: ['key'],
    preview: async (sluice, fields) => {
      const { key = '' } = fields;
      if (key === '') throw new Error('No key is named.');
      return { subject: key, effects: await effects(sluice, fields), inputs };
    },
    back: ({ key = '' }) => (isPattern(key) ? [['limits'], { prefix: key.slice(0, -1) }] : [['limits', key]]),
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
