/**
 * Runs of a single list. Next: `scripts/histories/operation-runs.ts`.
 */
import { single } from '../../test/fixtures/forest.ts';
import { limited, type RecordedRun, type Stage } from './stage.ts';

const input = { id: 'u' };

function pagesOf({ api }: Stage, pages: number): void {
  api.list('/users/:id/notes', { count: pages * 10 - 5, itemAt: ({ id }, i) => ({ id: `${id}-n${i}` }) });
}

async function isWalking(stage: Stage): Promise<void> {
  const { api } = stage;
  const before = api.report().calls;
  await stage.until('some calls', () => api.report().calls > before + 8);
}

export const listRuns: readonly RecordedRun[] = [
  {
    files: ['list'],
    run: async (stage) => {
      pagesOf(stage, 12);
      const run = await stage.sluice.start(single, { account: 'plain', input });
      await run.result();
      await stage.record('list', run.workflowId);
    },
  },
  {
    files: ['list-limited'],
    run: async (stage) => {
      pagesOf(stage, 12);
      stage.api.script('/users/:id/notes', ['ok', 'ok', 'ok', limited(2)]);
      const run = await stage.sluice.start(single, { account: 'limited', input });
      await run.result();
      await stage.record('list-limited', run.workflowId);
    },
  },
  {
    files: ['list-paused'],
    run: async (stage) => {
      pagesOf(stage, 60);
      const run = await stage.sluice.start(single, { account: 'paused', input });
      await isWalking(stage);
      await run.pause();
      await new Promise((resolve) => setTimeout(resolve, 1_500));
      await run.resume();
      await run.result();
      await stage.record('list-paused', run.workflowId);
    },
  },
  {
    files: ['list-long'],
    run: async (stage) => {
      pagesOf(stage, 30);
      const run = await stage.sluice.start(single, { account: 'long', input, maxHistoryEvents: 10 });
      await run.result();
      await stage.record('list-long', run.workflowId);
    },
  },
  {
    // What is being stored is waited for before the history is cut.
    files: ['list-cut'],
    run: async (stage) => {
      pagesOf(stage, 30);
      const run = await stage.sluice.start(single, { account: 'cut', input, maxHistoryEvents: 10 });
      await run.result();
      await stage.record('list-cut', run.workflowId, 'EVENT_TYPE_WORKFLOW_EXECUTION_CONTINUED_AS_NEW');
    },
  },
  {
    files: ['list-cancelled'],
    run: async (stage) => {
      pagesOf(stage, 200);
      const run = await stage.sluice.start(single, { account: 'cancelled', input });
      await isWalking(stage);
      await run.cancel();
      await run.result().catch(() => undefined);
      await stage.record('list-cancelled', run.workflowId);
    },
  },
  {
    // The second start waits behind the first one, and is cancelled before its turn.
    files: ['list-queued-cancelled'],
    run: async (stage) => {
      pagesOf(stage, 200);
      const first = await stage.sluice.start(single, { account: 'queued', input });
      await isWalking(stage);
      const second = await stage.sluice.start(single, { account: 'queued', input, ifRunning: 'queue' });
      await new Promise((resolve) => setTimeout(resolve, 1_500));
      await second.cancel();
      await second.result().catch(() => undefined);
      await first.cancel();
      await first.result().catch(() => undefined);
      await stage.record('list-queued-cancelled', second.workflowId);
    },
  },
  {
    files: ['list-failed'],
    run: async (stage) => {
      stage.api.list('/users/:id/notes', { count: () => undefined, itemAt: (_, i) => ({ id: `${i}` }) });
      const run = await stage.sluice.start(single, { account: 'failed', input });
      await run.result();
      await stage.record('list-failed', run.workflowId);
    },
  },
  {
    // Long enough for calls to be asked for several at once; it ends among them.
    files: ['list-ahead'],
    run: async (stage) => {
      pagesOf(stage, 48);
      const run = await stage.sluice.start(single, { account: 'ahead', input });
      await run.result();
      await stage.record('list-ahead', run.workflowId);
    },
  },
  {
    files: ['list-ahead-limited'],
    run: async (stage) => {
      pagesOf(stage, 60);
      stage.api.script('/users/:id/notes', [...Array<'ok'>(35).fill('ok'), limited(2)]);
      const run = await stage.sluice.start(single, { account: 'ahead-limited', input });
      await run.result();
      await stage.record('list-ahead-limited', run.workflowId);
    },
  },
];
