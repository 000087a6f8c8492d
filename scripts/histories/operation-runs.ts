/**
 * A canary, and runs of actions and sagas: done, taken back, cancelled, and one that waits for its entity.
 * Next: the files in test/fixtures/histories, which `test/temporal/replay/histories.test.ts` replays.
 */
import { z } from 'zod';
import { canaryWorkflowId } from '../../contracts/names.ts';
import { provider } from '../../test/fixtures/forest.ts';
import { defineSaga, del, post } from '../../providers/index.ts';
import { limited, type RecordedRun, type Stage } from './stage.ts';

const Text = z.object({ text: z.string() });
const Created = z.object({ id: z.string() });
const write = provider.action('write', {
  input: Text,
  output: Created,
  request: ({ text }) => post('/letters', { text }),
  compensate: ({ id }) => del(`/letters/${id}`),
  conflicts: { entity: ({ text }) => `letter/${text}`, policy: 'wait' },
  idempotent: true,
});
const send = provider.action('send', { input: Text, output: Created, request: ({ text }) => post('/mails', { text }) });
const deliver = defineSaga('deliver', {
  input: Text,
  conflicts: { entity: ({ text }) => `delivery/${text}`, policy: 'wait' },
})
  .step('letter', write, ({ input }) => input)
  .step('mail', send, ({ letter }) => ({ text: letter.id }));

export const operations = [write, send];
export const sagas = [deliver];

function routes({ api }: Stage): void {
  api.action('POST', '/letters', {});
  api.action('POST', '/mails', { honoursKeys: false });
}

export const operationRuns: readonly RecordedRun[] = [
  {
    // The worker sends one by itself when it starts.
    files: ['canary'],
    run: async (stage) => {
      const queue = canaryWorkflowId('sluice');
      await stage.sluice.run({ workflowId: queue }).result();
      await stage.record('canary', queue);
    },
  },
  {
    files: ['action'],
    run: async (stage) => {
      routes(stage);
      const handle = await stage.sluice.act(send, { account: 'plain', input: { text: 'plain' } });
      await handle.result();
      await stage.record('action', handle.workflowId);
    },
  },
  {
    // The second waits for the first, which waits for its turn at the third party.
    files: ['action-retried', 'action-in-turn'],
    run: async (stage) => {
      routes(stage);
      stage.api.script('POST /letters', ['500', limited(2)]);
      const options = { account: 'in-turn', input: { text: 'same' } };
      const first = await stage.sluice.act(write, { ...options, idempotencyKey: 'first' });
      const second = await stage.sluice.act(write, { ...options, idempotencyKey: 'second' });
      await Promise.all([first.result(), second.result()]);
      await stage.record('action-retried', first.workflowId);
      await stage.record('action-in-turn', second.workflowId);
    },
  },
  {
    files: ['action-failed'],
    run: async (stage) => {
      routes(stage);
      stage.api.script('POST /mails', [{ status: 400, body: {} }]);
      const handle = await stage.sluice.act(send, { account: 'failed', input: { text: 'failed' } });
      await handle.result().catch(() => undefined);
      await stage.record('action-failed', handle.workflowId);
    },
  },
  {
    files: ['action-cancelled'],
    run: async (stage) => {
      routes(stage);
      const script = stage.api.script('POST /mails', [limited(4)]);
      const handle = await stage.sluice.act(send, { account: 'cancelled', input: { text: 'cancelled' } });
      await stage.until('its call is refused', () => script.remaining() === 0);
      await handle.cancel();
      await handle.result().catch(() => undefined);
      await stage.record('action-cancelled', handle.workflowId);
    },
  },
  {
    files: ['saga', 'saga-in-turn'],
    run: async (stage) => {
      routes(stage);
      const options = { account: 'plain', input: { text: 'parcel' } };
      const first = await stage.sluice.saga(deliver, { ...options, idempotencyKey: 'first' });
      const second = await stage.sluice.saga(deliver, { ...options, idempotencyKey: 'second' });
      await Promise.all([first.result(), second.result()]);
      await stage.record('saga', first.workflowId);
      await stage.record('saga-in-turn', second.workflowId);
    },
  },
  {
    files: ['saga-compensated'],
    run: async (stage) => {
      routes(stage);
      stage.api.script('POST /mails', [{ status: 400, body: {} }]);
      const handle = await stage.sluice.saga(deliver, { account: 'compensated', input: { text: 'returned' } });
      await handle.result().catch(() => undefined);
      await stage.record('saga-compensated', handle.workflowId);
    },
  },
  {
    files: ['saga-cancelled'],
    run: async (stage) => {
      routes(stage);
      const script = stage.api.script('POST /mails', [limited(4)]);
      const handle = await stage.sluice.saga(deliver, { account: 'cancelled', input: { text: 'stopped' } });
      await stage.until('its second step is refused', () => script.remaining() === 0);
      await handle.cancel();
      await handle.result().catch(() => undefined);
      await stage.record('saga-cancelled', handle.workflowId);
    },
  },
];
