/** What can be done to an account: a sync is started, it is said to be connected again, it is erased. Used by: `acts.ts`. */
import { counted } from '../../contracts/limits/limit-words.ts';
import type { Act, Fields } from './act.ts';
import { jsonIn } from './fields-in.ts';
import { inTime } from './in-time.ts';

const ofAccount = {
  of: ['provider', 'account'],
  back: ({ account = '' }: Fields) => [['accounts', account]],
} satisfies Partial<Act>;

export const accountActs: Readonly<Record<string, Act>> = {
  'start-sync': {
    ...ofAccount,
    of: ['provider', 'account', 'tenant'],
    words: 'Start a sync',
    preview: async (_, { provider = '', account = '' }, definitions) => {
      const choices = definitions.syncsAt(provider);
      if (choices.length === 0)
        throw new Error(
          `The page was not given a sync at ${provider}: start it with \`npx sluice dashboard --module <file>\`. One that has run before is started again by its own button.`,
        );
      return {
        subject: `${account} at ${provider}`,
        effects: [
          'A run begins with this input, which its code checks. An incremental sync asks for what has changed since its last run.',
          'Where one is going on that was asked for the same, nothing is begun. One that was asked for something else is not disturbed.',
        ],
        inputs: [
          { name: 'sync', label: 'Sync', kind: 'choice', choices },
          { name: 'input', label: 'Its input, as JSON', kind: 'json', value: '{}' },
        ],
      };
    },
    perform: async (sluice, fields, definitions) => {
      const { sync: name = '', account = '', tenant = '' } = fields;
      const sync = definitions.sync(name);
      if (sync === undefined) throw new Error(`There is no sync "${name}" in the code that the page was given.`);
      const run = await sluice.start(sync, {
        account,
        // Its schema says what is wrong with it.
        input: jsonIn(fields, 'input') as never,
        ...(tenant === '' ? {} : { tenant }),
      });
      return run.attached ? 'A run that was asked for the same is going on.' : 'A run was started.';
    },
  },
  'say-reconnected': {
    ...ofAccount,
    words: 'Say that it is connected again',
    isDangerous: true,
    preview: async (sluice, { provider = '', account = '' }) => {
      if ((await sluice.accounts.status({ provider, account })) === undefined)
        throw new Error('There is no such account any more.');
      return {
        subject: `${account} at ${provider}`,
        effects: [
          'For secrets that your own code keeps, or a third party that has let the old ones in again. Nothing is typed in here.',
          'Its syncs that were paused for it go on; those that an operator has paused do not. A refusal by the third party pauses them again.',
        ],
      };
    },
    perform: async (sluice, { provider = '', account = '' }) => {
      await sluice.accounts.reconnected({ provider, account });
      return 'It counts as connected, and its syncs go on.';
    },
  },
  'erase-account': {
    ...ofAccount,
    words: 'Erase',
    isDangerous: true,
    preview: async (sluice, of) => {
      const { provider = '', account = '' } = of;
      const { rows, histories } = await sluice.accounts.stored({ provider, account });
      const tables = Object.entries(rows).filter(([, number]) => number > 0);
      const all = tables.reduce((sum, [, number]) => sum + number, 0);
      if (all + histories.length === 0) throw new Error('Nothing is stored of it.');
      return {
        subject: `${account} at ${provider}`,
        effects: [
          'What is open is stopped, its token is revoked where the provider says how, and everything below is deleted. There is no way back.',
          `${counted(all, 'row')}: ${tables.map(([table, number]) => `${number} of ${table.replaceAll('_', ' ')}`).join(', ') || 'none'}.`,
          `${histories.length === 100 ? '100 or more' : counted(histories.length, 'workflow')} of Temporal’s.`,
          'The audit keeps who did what, without what it was. What your own `store` keeps is yours to delete.',
          'It takes up to two minutes.',
        ],
        inputs: [{ name: 'name', label: `Type the name of the account to confirm`, kind: 'text' }],
      };
    },
    back: () => [['accounts']],
    perform: async (sluice, { provider = '', account = '', name = '' }) => {
      if (name !== account) throw new TypeError('What was typed is not the name of the account.');
      const erasing = sluice.accounts.erase({ provider, account }).then(({ isComplete, deleted }) => {
        const all = Object.values(deleted).reduce((sum, number) => sum + number, 0);
        return `${counted(all, 'row')} deleted. ${isComplete ? 'Nothing is left of it.' : 'Something is left, which the audit names: erase it again.'}`;
      });
      return inTime(erasing, () => 'It is being erased. The audit says what was deleted when it is done.');
    },
  },
};
