/**
 * Runs of a tree on good and bad days. Next: `scripts/histories/list-runs.ts`.
 */
import { forest } from '../../test/fixtures/forest.ts';
import { limited, type RecordedRun, type Stage } from './stage.ts';

const input = { id: 'u' };

function forestOf({ api }: Stage, friends = 12, postsOfEach = 25): void {
  api.list('/users/:id/friends', { count: friends, itemAt: ({ id }, i) => ({ id: `${id}-f${i}` }) });
  api.list('/users/:id/posts', {
    count: ({ id }) => (id.endsWith('f5') ? undefined : postsOfEach),
    itemAt: ({ id }, i) => ({ id: `${id}-p${i}` }),
  });
}

/** So many calls were made from now on. */
function callsMade(stage: Stage, count: number): Promise<void> {
  const { api } = stage;
  const before = api.report().calls;
  return stage.until(`${count} calls`, () => api.report().calls >= before + count);
}

export const treeRuns: readonly RecordedRun[] = [
  {
    files: ['tree'],
    run: async (stage) => {
      forestOf(stage);
      const run = await stage.sluice.start(forest, { account: 'plain', input });
      await run.result();
      await stage.record('tree', run.workflowId);
    },
  },
  {
    // A closed key: calls that wait durably among calls that are made at once.
    files: ['tree-limited'],
    run: async (stage) => {
      forestOf(stage);
      stage.api.script('/users/:id/posts', [limited(2)]);
      const run = await stage.sluice.start(forest, { account: 'limited', input });
      await run.result();
      await stage.record('tree-limited', run.workflowId);
    },
  },
  {
    files: ['tree-continued'],
    run: async (stage) => {
      forestOf(stage);
      const run = await stage.sluice.start(forest, { account: 'continued', input, maxHistoryEvents: 50 });
      await run.result();
      await stage.record('tree-continued', run.workflowId);
    },
  },
  {
    files: ['tree-paused'],
    run: async (stage) => {
      forestOf(stage, 12, 500);
      const run = await stage.sluice.start(forest, { account: 'paused', input });
      await callsMade(stage, 200);
      await run.pause();
      await new Promise((resolve) => setTimeout(resolve, 1_500));
      await run.resume();
      await run.result();
      await stage.record('tree-paused', run.workflowId);
    },
  },
  {
    // One list fails again and again: its durable call waits for its next attempt when the others have filled the history.
    files: ['tree-cut-backoff'],
    run: async (stage) => {
      forestOf(stage, 30);
      stage.api.script('/users/u-f3/posts', Array<'500'>(5).fill('500'));
      const run = await stage.sluice.start(forest, { account: 'backoff', input, maxHistoryEvents: 60 });
      await run.result();
      await stage.record('tree-cut-backoff', run.workflowId, 'EVENT_TYPE_ACTIVITY_TASK_CANCEL_REQUESTED');
    },
  },
  {
    // Every list waits for the closed key when the history is long.
    files: ['tree-cut-closed'],
    run: async (stage) => {
      forestOf(stage, 30);
      stage.api.script('/users/:id/posts', [...Array<'ok'>(20).fill('ok'), limited(4)]);
      const run = await stage.sluice.start(forest, { account: 'closed', input, maxHistoryEvents: 40 });
      await run.result();
      await stage.record('tree-cut-closed', run.workflowId, 'EVENT_TYPE_ACTIVITY_TASK_CANCEL_REQUESTED');
    },
  },
  {
    // Among calls that are made at once: the cancellation is heard some seconds later.
    files: ['tree-cancelled'],
    run: async (stage) => {
      forestOf(stage, 1, 2_000);
      const run = await stage.sluice.start(forest, { account: 'cancelled', input });
      await callsMade(stage, 20);
      await run.cancel();
      await run.result().catch(() => undefined);
      await stage.record('tree-cancelled', run.workflowId);
    },
  },
  {
    files: ['tree-cancelled-waiting'],
    run: async (stage) => {
      forestOf(stage);
      const script = stage.api.script('/users/:id/posts', [limited(5)]);
      const run = await stage.sluice.start(forest, { account: 'cancelled-waiting', input });
      await stage.until('a call is refused', () => script.remaining() === 0);
      // Until all wait.
      await new Promise((resolve) => setTimeout(resolve, 1_500));
      await run.cancel();
      await run.result().catch(() => undefined);
      await stage.record('tree-cancelled-waiting', run.workflowId);
      // What the third party asked for is still to be waited for: nobody after this one should.
      await new Promise((resolve) => setTimeout(resolve, 4_000));
    },
  },
  {
    files: ['tree-ended-early'],
    run: async (stage) => {
      forestOf(stage);
      stage.api.script('/users/:id/posts', [limited(6)]);
      const run = await stage.sluice.start(forest, { account: 'ended-early', input, deadline: 3_000 });
      await run.result();
      await stage.record('tree-ended-early', run.workflowId);
      // What the third party asked for is still to be waited for: nobody after this one should.
      await new Promise((resolve) => setTimeout(resolve, 4_000));
    },
  },
  {
    // Lists long enough for calls to be asked for several at once; they end among them.
    files: ['tree-ahead'],
    run: async (stage) => {
      forestOf(stage, 2, 290);
      const run = await stage.sluice.start(forest, { account: 'ahead', input });
      await run.result();
      await stage.record('tree-ahead', run.workflowId);
    },
  },
  {
    files: ['tree-ahead-limited'],
    run: async (stage) => {
      forestOf(stage, 2, 290);
      stage.api.script('/users/u-f1/posts', [...Array<'ok'>(21).fill('ok'), limited(2)]);
      const run = await stage.sluice.start(forest, { account: 'ahead-limited', input });
      await run.result();
      await stage.record('tree-ahead-limited', run.workflowId);
    },
  },
  {
    files: ['tree-ahead-paused'],
    run: async (stage) => {
      forestOf(stage, 2, 290);
      const run = await stage.sluice.start(forest, { account: 'ahead-paused', input });
      await callsMade(stage, 42);
      await run.pause();
      await new Promise((resolve) => setTimeout(resolve, 1_500));
      await run.resume();
      await run.result();
      await stage.record('tree-ahead-paused', run.workflowId);
    },
  },
];
