import { asyncLocalStorage, type Context } from '@temporalio/activity';
import { describe, expect, it } from 'vitest';
import { fieldsOf, isAbout, withLogFields } from '../../../activities/log-fields.ts';

const TRACE = '0af7651916cd43dd8448eb211c80319c';
const context = { sync: 'network', provider: 'crm', account: 'a1', trace: `00-${TRACE}-b7ad6b7169203331-01` };

describe('a line of the log', () => {
  it('has what its activity is about, from however deep below, and what it says itself comes first', async () => {
    const lines: object[] = [];
    const write = (fields: object, message: string): void => void lines.push({ ...fields, message });
    const log = withLogFields({ info: write, warn: write, error: write });
    // As a worker runs an activity: each in a context of its own.
    const activity = (request: object): Promise<void> =>
      asyncLocalStorage.run({} as Context, async () => {
        isAbout(request);
        await Promise.resolve();
        log.warn({ account: 'told by itself' }, 'odd');
      });
    await Promise.all([
      activity({ runId: 'r1', node: 'posts', unit: 7, context, mode: 'now' }),
      activity({ workflowId: 'action/crm/note/a2/key' }),
    ]);
    isAbout({ runId: 'no activity' });
    log.info({}, 'beside');
    expect(lines).toEqual([
      { run: 'r1', sync: 'network', account: 'told by itself', node: 'posts', trace: TRACE, message: 'odd' },
      { workflow: 'action/crm/note/a2/key', account: 'told by itself', message: 'odd' },
      { message: 'beside' },
    ]);
  });

  it.each([
    [
      'a call',
      { runId: 'r', node: 'n', context },
      { run: 'r', sync: 'network', account: 'a1', node: 'n', trace: TRACE },
    ],
    ['the end of a node', { runId: 'r', node: { name: 'n', window: 4 } }, { run: 'r', node: 'n' }],
    ['the opening of a run', { runId: 'r', workflowId: 'sync/s/a', sync: 's', account: 'a' }, { run: 'r', workflow: 'sync/s/a', sync: 's', account: 'a' }], // prettier-ignore
    ['an action', { workflowId: 'action/crm/note/a2/key', trace: context.trace }, { workflow: 'action/crm/note/a2/key', account: 'a2', trace: TRACE }], // prettier-ignore
    ['a step of a saga', { workflowId: 'saga/publish/a3/key/copied' }, { workflow: 'saga/publish/a3/key/copied', account: 'a3' }], // prettier-ignore
    ['a text', 'sync/s/a', {}],
  ])('says of %s what there is to say', (_, request, fields) => {
    expect(fieldsOf(request)).toEqual(fields);
  });
});
