/** What can be done to an action: it is cancelled, its unknown fate is decided, it is sent again. Used by: `acts.ts`. */
import { randomUUID } from 'node:crypto';
import type { ActionRequest, Resolution, Sluice } from '../../client/index.ts';
import { redact } from '../../contracts/secrets/redact.ts';
import type { Action } from '../../providers/index.ts';
import type { Definitions } from '../definitions.ts';
import { readableJson } from '../html.ts';
import type { Act, Fields, Input } from './act.ts';
import { jsonIn } from './fields-in.ts';

const NO_DEFINITION = 'The page was not given its code: start it with `npx sluice dashboard --module <file>`.';

const ofAction = {
  of: ['id'],
  back: ({ id = '' }: Fields) => [['actions', id]],
} satisfies Partial<Act>;

export const actionActs: Readonly<Record<string, Act>> = {
  'cancel-action': {
    ...ofAction,
    words: 'Cancel',
    isDangerous: true,
    preview: async (_, { id = '' }) => ({
      subject: id,
      effects: [
        'It is not sent if it was not sent yet. What was sent is looked up first: done is done.',
        'A saga takes back the steps that are done.',
      ],
    }),
    perform: async (sluice, { id = '' }) => {
      await sluice.action({ workflowId: id }).cancel();
      return 'Its end was asked for.';
    },
  },
  'say-happened': decide(
    'Say that it happened',
    [
      'Look at the third party first: nothing is sent, and your word stands.',
      'The action is done, and what you give here is its output. Whoever awaits it gets it.',
    ],
    (fields) => ({ happened: true, output: jsonIn(fields, 'output') }),
    'It is done.',
    [{ name: 'output', label: 'Its output, as JSON', kind: 'json', value: '{}' }],
  ),
  'say-not-happened': decide(
    'Say that it did not happen',
    [
      'Look at the third party first: if it is there after all, it may be there twice.',
      'It is sent again as it was, under the same key to the third party, with a new budget of attempts. A step of a saga is closed instead.',
    ],
    () => ({ happened: false }),
    'It is sent again, or closed where it is a step of a saga.',
  ),
  'send-again': {
    ...ofAction,
    words: 'Send again',
    isDangerous: true,
    preview: async (sluice, { id = '' }, definitions) => {
      const { request } = await known(sluice, id, definitions);
      if (request.whyNot !== undefined) throw new Error(`It can’t be sent again: ${request.whyNot}`);
      const text = readableJson(request.input);
      // What would be shown in part would be sent in part.
      const isShown = redact(text) === text;
      return {
        subject: id,
        effects: [
          'A new action is sent with what stands below, changed or as it was, under a new key to the third party. This one stays as it is.',
          'What its code refuses is not sent.',
          ...(isShown ? [] : ['What looks like a secret is in its input, which is not shown: give the whole of it.']),
        ],
        // One form is sent once, however often it is pressed.
        confirmed: { key: randomUUID() },
        inputs: [{ name: 'input', label: 'Its input, as JSON', kind: 'json', value: isShown ? text : '' }],
      };
    },
    perform: async (sluice, fields, definitions) => {
      const { id = '', key = '' } = fields;
      const { action } = await known(sluice, id, definitions);
      const again = await sluice
        .action({ workflowId: id, action })
        .sendAgain({ input: jsonIn(fields, 'input'), ...(key === '' ? {} : { idempotencyKey: key }) });
      return { text: 'It is sent again, as this action.', at: ['actions', again.workflowId] };
    },
  },
};

/** An unknown fate is decided. @param said when it is done. */
function decide(
  words: string,
  effects: readonly string[],
  resolution: (fields: Fields) => Resolution<unknown>,
  said: string,
  inputs: readonly Input[] = [],
): Act {
  return {
    ...ofAction,
    words,
    isDangerous: true,
    preview: async (sluice, { id = '' }, definitions) => {
      await known(sluice, id, definitions);
      return { subject: id, effects, inputs };
    },
    perform: async (sluice, fields, definitions) => {
      const { id = '' } = fields;
      const { action } = await known(sluice, id, definitions);
      await sluice.action({ workflowId: id, action }).resolve(resolution(fields));
      return said;
    },
  };
}

async function known(
  sluice: Sluice,
  workflowId: string,
  definitions: Definitions,
): Promise<{ readonly action: Action; readonly request: ActionRequest }> {
  const request = await sluice.action({ workflowId }).request();
  if (request === undefined) throw new Error('There is no such action any more.');
  const action = definitions.action(request.action);
  if (action === undefined) throw new Error(`${request.action}: ${NO_DEFINITION}`);
  return { action, request };
}
